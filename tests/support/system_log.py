"""A /dev of a daemon's own, with a /dev/log at which the test listens."""
import ctypes
import os
import re
import socket
import stat
import threading

_CLONE_NEWNS, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), "no private /dev here")


class SystemLog:
    """What came to /dev/log, which is a socket of `kind`: socket.SOCK_DGRAM or SOCK_STREAM."""

    def __init__(self, box, kind):
        self.kind, self._raw, self._lock = kind, [], threading.Lock()
        self.folder = box.path("dev")
        os.mkdir(self.folder)
        for name in ("null", "zero", "full", "random", "urandom"):
            os.mknod(f"{self.folder}/{name}", 0o666 | stat.S_IFCHR, os.stat(f"/dev/{name}").st_rdev)
        for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
            os.symlink(target, f"{self.folder}/{name}")
        self.listen()

    def preexec(self):
        """To be run in the daemon before it is executed."""
        _check(_libc.unshare(_CLONE_NEWNS))
        _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))
        _check(_libc.mount(self.folder.encode(), b"/dev", None, _MS_BIND, None))

    def listen(self):
        self._socket = socket.socket(socket.AF_UNIX, self.kind)
        self._socket.bind(f"{self.folder}/log")
        if self.kind == socket.SOCK_STREAM:
            self._socket.listen()
        threading.Thread(target=self._serve, args=(self._socket,), daemon=True).start()

    def restart(self):
        """As when the system's log daemon is restarted: the socket is a new one, and connections are cut."""
        os.unlink(f"{self.folder}/log")
        self._socket.shutdown(socket.SHUT_RDWR)
        self.listen()

    def _serve(self, listening):
        if self.kind == socket.SOCK_DGRAM:
            self._read(listening, lambda data: [data] if data else [])
            return
        connections = []
        try:
            while True:
                connections.append(listening.accept()[0])
                threading.Thread(target=self._read_stream, args=(connections[-1],), daemon=True).start()
        except OSError:
            for connection in connections:
                connection.close()

    def _read_stream(self, connection):
        rest = b""

        def cut(data):
            nonlocal rest
            *records, rest = (rest + data).split(b"\0")
            return records
        self._read(connection, cut)

    def _read(self, source, records):
        try:
            while data := source.recv(1 << 20):
                with self._lock:
                    self._raw += records(data)
        except OSError:
            pass

    def lines(self):
        """[(priority, tag, text)] of all records that have come; each must be as syslog(3) makes it."""
        with self._lock:
            raw = list(self._raw)
        found = []
        for record in raw:
            match = re.fullmatch(r"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ([^ :]+): (.*)",
                                 record.decode("utf-8", "replace"), re.S)
            assert match, record
            found.append((int(match[1]), match[2], match[3]))
        return found
