"""A Box is a folder of its own with the daemons and files of one test; nothing of it outlives the test."""
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
import xmlrpc.client

from . import procfs
from .http import Wire, outcome, xmlrpc_client
from .programs import OURS, execute
from .waiting import SCALE, Timeout, eventually

PYTHON = sys.executable

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_PASSED_ON = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS")


class Port:
    """A TCP port for one test alone: the system gives it to no client, and no other test takes it until close()."""

    def __init__(self):
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            first, last = map(int, file.read().split())
        outside = [*range(21000, min(first, 65000)), *range(last + 1, 65000)] or range(21000, 65000)
        while True:
            self.number = random.choice(outside)
            self._claim = socket.socket(socket.AF_UNIX)
            try:
                self._claim.bind(f"\0supervisor test port {self.number}")
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", self.number))
                return
            except OSError:
                self._claim.close()

    def close(self):
        self._claim.close()


class Box:
    def __init__(self, suite=OURS):
        self.suite = suite
        # Short: the path of a unix socket has room for 107 bytes.
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="b", dir=os.environ.get("TEST_TMP", "/tmp")))
        os.chmod(self.folder, 0o755)
        self._marker = "TEST_BOX=" + uuid.uuid4().hex
        self.env = {**ENVIRONMENT, "HOME": self.folder, "TMPDIR": self.folder}
        self.env.update({name: os.environ[name] for name in _PASSED_ON if name in os.environ})
        self.env["TEST_BOX"] = self._marker.partition("=")[2]
        self._ports = []
        self.port = self.another_port()
        self._started = []

    def __str__(self):
        return self.folder

    def another_port(self):
        self._ports.append(Port())
        return self._ports[-1].number

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, content, mode=None):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        if mode is not None:
            os.chmod(path, mode)
        return path

    def script(self, name, body):
        """An executable shell script."""
        return self.write(name, "#!/bin/sh\n" + body, 0o755)

    def python(self, name, body):
        """An executable Python script."""
        return self.write(name, f"#!{PYTHON} -BSEu\n{body}", 0o755)

    def bytes(self, name):
        try:
            with open(self.path(name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def read(self, name):
        return self.bytes(name).decode("utf-8", "replace")

    def lines(self, name):
        return self.read(name).splitlines()

    def whole_lines(self, name):
        """Without the one that somebody may be writing."""
        return self.read(name).rpartition("\n")[0].splitlines()

    def exists(self, name):
        return os.path.exists(self.path(name))

    def wait_lines(self, name, count=1, timeout=20):
        """Until the file has so many lines; returns them."""
        def enough():
            text = self.read(name)
            return text.count("\n") >= count and text.splitlines()
        return eventually(enough, timeout, lambda: f"{count} lines in {name}: {self.read(name)!r}")

    def execute(self, *arguments, env=None, cwd=None, **options):
        return execute(arguments, env={**self.env, **(env or {})}, cwd=cwd or self.folder, **options)

    def start(self, arguments, **options):
        """A process of the test's own, in the background."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.STDOUT)
        process = subprocess.Popen([str(a) for a in arguments], env={**self.env, **options.pop("env", {})},
                                   cwd=options.pop("cwd", self.folder), start_new_session=True, **options)
        self._started.append(process)
        return process

    def config(self, programs="", *, supervisord="", unix="", inet=None, ctl="", more=""):
        """A complete configuration with a unix socket `s`, the log `sd.log` and the pidfile `sd.pid`.
        `inet`: the options of an [inet_http_server] on self.port besides the port."""
        tcp = "" if inet is None else f"[inet_http_server]\nport=127.0.0.1:{self.port}\n{inet}\n"
        level = "" if "loglevel" in supervisord else "loglevel=debug"
        return (f"[unix_http_server]\nfile={self}/s\n{unix}\n{tcp}\n"
                f"[supervisord]\nlogfile={self}/sd.log\npidfile={self}/sd.pid\nchildlogdir={self}\n{level}\n"
                f"{supervisord}\n"
                "[rpcinterface:supervisor]\n"
                "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\n"
                f"[supervisorctl]\nserverurl=unix://{self}/s\n{ctl}\n\n{more}\n{programs}\n")

    def daemon(self, programs="", *, start=True, foreground=True, arguments=(), env=None, preexec=None, **config):
        """A daemon with config(programs, ...), started and answering."""
        path = self.write("sd.conf", self.config(programs, **config))
        daemon = Daemon(self, path, foreground=foreground, arguments=arguments, env=env, preexec=preexec)
        return daemon.start() if start else daemon

    def close(self):
        for process in self._started:
            if process.poll() is None:
                process.terminate()
        for process in self._started:
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                pass
        for _ in range(50):
            left = procfs.with_marker(self._marker)
            if not left:
                break
            # Oldest first: a parent that is gone starts nothing again.
            for pid in sorted(left):
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
        for process in self._started:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        for port in self._ports:
            port.close()
        if not os.environ.get("TEST_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)


class Daemon:
    def __init__(self, box, path, *, foreground=True, arguments=(), env=None, preexec=None):
        self.box = box
        self.suite = box.suite
        self.path = path
        self.foreground = foreground
        self.arguments = [str(a) for a in arguments]
        self.env = env or {}
        self.preexec = preexec
        self.process = None
        self.credentials = None
        self.address = box.path("s")

    # --- life

    def start(self, wait=True):
        command = [self.suite.supervisord, "-c", self.path, *(["-n"] if self.foreground else []), *self.arguments]
        with open(self.box.path("daemon.out"), "ab") as out:
            self.process = self.box.start(command, env=self.env, stdout=out, preexec_fn=self.preexec)
        if wait:
            self.wait_up()
        return self

    def output(self):
        """What the daemon wrote to its standard output and error."""
        return self.box.read("daemon.out")

    def wait_up(self, timeout=30):
        def up():
            if self.process and self.foreground and self.process.poll() is not None:
                raise AssertionError(f"the daemon left with {self.process.returncode}:\n{self.output()}")
            try:
                return self.rpc.getState()["statename"] == "RUNNING"
            except xmlrpc.client.Fault:
                return False
        eventually(up, timeout, lambda: f"an answering daemon\n{self.output()}")
        return self

    @property
    def pid(self):
        return self.process.pid if self.foreground else int(self.box.read("sd.pid"))

    @property
    def manager(self):
        """The pid of the manager process below the keeper."""
        def find():
            found = [p for p in procfs.children(self.pid) if procfs.is_manager(p)]
            return found and found[0]
        return eventually(find, what="a manager")

    def signal(self, number):
        os.kill(self.pid, number)

    def wait_exit(self, timeout=30):
        """The exit code of a daemon that is leaving."""
        try:
            return self.process.wait(timeout * SCALE)
        except subprocess.TimeoutExpired:
            raise Timeout(f"the daemon did not end:\n{self.log()[-3000:]}") from None

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait_exit()

    # --- asking it

    @property
    def server(self):
        return xmlrpc_client(self.address, self.credentials)

    @property
    def rpc(self):
        return self.server.supervisor

    def call(self, method, *arguments):
        """A method's outcome as data: ("value", v), ("fault", code, text) or ("http", status)."""
        return outcome(getattr(self.rpc, method), *arguments)

    def wire(self):
        return Wire(self.address)

    def ctl(self, *words, program=None, config=True, **options):
        arguments = [program or self.suite.supervisorctl, *(["-c", self.path] if config else []), *words]
        return self.box.execute(*arguments, **options)

    def info(self, name):
        return self.rpc.getProcessInfo(name)

    def state(self, name):
        return self.info(name)["statename"]

    def pid_of(self, name):
        return self.info(name)["pid"]

    def wait_state(self, name, *states, timeout=20):
        """Until the process is in one of the states; returns its info."""
        seen = None

        def reached():
            nonlocal seen
            seen = self.info(name)
            return seen["statename"] in states
        eventually(reached, timeout, lambda: f"{name} {'/'.join(states)}, is {seen}\n{self.log()[-3000:]}")
        return seen

    def wait_new_pid(self, name, old, timeout=20):
        """Until the process runs with another pid than `old`; returns that pid."""
        def renewed():
            pid = self.pid_of(name)
            return pid if pid not in (0, old) else None
        return eventually(renewed, timeout, lambda: f"{name} with a new pid\n{self.log()[-3000:]}")

    def wait_executed(self, name):
        """Until the process runs its own program (and not still the code between fork and exec); returns its pid."""
        def executed():
            pid = self.pid_of(name)
            return pid and procfs.command_line(pid)[0] and procfs.command_line(pid) != daemon and pid
        daemon = procfs.command_line(self.pid)
        return eventually(executed, what=f"{name} executed")

    # --- its log

    def log(self):
        return self.box.read("sd.log")

    def messages(self):
        """The main log as [(level, text)]; lines that begin no message belong to the one before."""
        found = []
        for line in self.log().splitlines():
            match = re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([A-Z]{4}) (.*)", line)
            if match:
                found.append((match[1], match[2]))
            elif found:
                found[-1] = (found[-1][0], found[-1][1] + "\n" + line)
        return found

    def wait_log(self, pattern, count=1, timeout=20):
        return eventually(lambda: len(re.findall(pattern, self.log())) >= count and self.log(), timeout,
                          lambda: f"{count} x {pattern!r} in the log:\n{self.log()[-3000:]}")

    def reconfigure(self, programs="", **config):
        self.box.write("sd.conf", self.box.config(programs, **config))
