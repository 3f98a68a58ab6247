"""Who is compared, and the programs each of them is given."""
import dataclasses
import mmap
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time

from . import processes

BIN = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/release/bin"))
_SLOT = struct.Struct("5q")  # as in board.h


@dataclasses.dataclass
class Program:
    name: str
    words: list
    log: str = ""
    rotate: tuple = (0, 0)  # bytes, backups
    kind: str = "program"
    more: tuple = ()


def until(wanted, timeout, what):
    """Until wanted() holds; sleeps meanwhile, as times are taken by the programs themselves."""
    end = time.monotonic() + timeout
    while not wanted():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {timeout} s: {what}")
        time.sleep(0.002)


class Board:
    """What the programs say of themselves: see board.h."""

    def __init__(self, path, slots):
        with open(path, "w+b") as file:
            file.truncate(slots * _SLOT.size)
            self._map = mmap.mmap(file.fileno(), slots * _SLOT.size)
        self.path = path
        self.slots = slots

    def began(self, slot):
        return _SLOT.unpack_from(self._map, slot * _SLOT.size)[0]

    def pid(self, slot):
        return _SLOT.unpack_from(self._map, slot * _SLOT.size)[1]

    def entered(self, slot):
        return _SLOT.unpack_from(self._map, slot * _SLOT.size)[2]

    def count(self, slot):
        """(events, when the last came)"""
        return _SLOT.unpack_from(self._map, slot * _SLOT.size)[3:]

    def wait_began(self, slots, since, timeout=120):
        """Until the programs of these slots have begun after `since`; when the last of them did."""
        left = set(slots)

        def all_new():
            left.difference_update([slot for slot in left if self.pid(slot) and self.began(slot) > since])
            return not left
        until(all_new, timeout, "all programs run")
        return max(self.began(slot) for slot in slots)


class Run:
    """One daemon with its programs, in a folder of its own; nothing of it is left afterwards."""

    def __init__(self, options, contender, one_group=False):
        self.options, self.contender, self.one_group = options, contender, one_group
        self.child = os.path.join(options.bin, "bench_child")
        self.process = None  # the daemon

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="bench", dir=self.options.scratch)
        self.socket = os.path.join(self.folder, "s")
        self.config = os.path.join(self.folder, "conf")
        return self

    def __exit__(self, *_):
        processes.end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def new_board(self, slots):
        self.board = Board(self.path("board"), slots)
        return self.board

    def sleepers(self, count, first=0):
        return [Program(f"p{i:05}", [self.child, "sleep", self.path("board"), str(i)], self.path(f"p{i:05}.log"))
                for i in range(first, first + count)]

    def start(self, programs):
        """Starts the daemon and waits for its programs; seconds from its exec to the last main()."""
        self.programs = programs
        self.contender.configure(self, programs)
        self.everything = range(len(programs))
        begin = time.monotonic_ns()
        self.process = processes.start(self.contender.command(self), cwd=self.folder)
        taken = (self.board.wait_began(self.everything, begin) - begin) / 1e9
        self.own = [pid for pid in processes.family(self.process.pid)
                    if processes.executable(pid) != os.path.realpath(self.child)]
        return taken

    def wait_answering(self):
        """Until the daemon listens."""
        until(lambda: os.path.exists(self.socket), 20, "the daemon listens")

    def stop(self, timeout=120):
        """Seconds from SIGTERM until the daemon is gone, by when its programs must be too."""
        pids = [self.board.pid(slot) for slot in self.everything]
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            signal.signal(signal.SIGALRM, lambda *_: self.process.kill())
            signal.setitimer(signal.ITIMER_REAL, timeout)
            code = self.process.wait()
            taken = time.monotonic() - begin
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if code != 0:
            raise RuntimeError(f"the daemon left with {code}")
        left = sum(processes.running(pid) for pid in pids)
        if left:
            raise RuntimeError(f"{left} programs outlived the daemon")
        return taken

    def call(self, method, connections, seconds, pause_ms=0, **options):
        """A load client under way; SECONDS 0 lasts until its standard input ends. See client.cpp."""
        return processes.start([os.path.join(self.options.bin, "bench_client"), self.socket, "supervisor." + method,
                                str(connections), str(seconds), str(pause_ms)], stdout=subprocess.PIPE, **options)


class Supervisord:
    """Ours and the original: the same configuration for both."""
    calls = True

    def __init__(self, name, daemon, ctl):
        self.name, self.daemon, self.ctl = name, daemon, ctl
        self.original = name == "supervisor"

    def version(self):
        done = subprocess.run([self.daemon, "--version"], stdout=subprocess.PIPE, text=True, check=True)
        return f"{os.path.basename(self.daemon)} {done.stdout.strip()}"

    def configure(self, run, programs):
        lines = [f"[unix_http_server]\nfile={run.socket}\n",
                 f"[supervisord]\nlogfile={run.path('log')}\npidfile={run.path('pid')}\nchildlogdir={run.folder}",
                 f"nodaemon=true\nminfds={min(1024 + 6 * len(programs), 19000)}\n",
                 "[rpcinterface:supervisor]",
                 "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
                 f"[supervisorctl]\nserverurl=unix://{run.socket}\n"]
        for program in programs:
            lines += [f"[{program.kind}:{program.name}]", "command=" + " ".join(program.words),
                      "startsecs=0", "autorestart=true"]
            if program.kind == "program":
                lines += ["redirect_stderr=true", f"stdout_logfile={program.log or 'NONE'}",
                          f"stdout_logfile_maxbytes={program.rotate[0]}",
                          f"stdout_logfile_backups={program.rotate[1]}"]
            lines += [*program.more, ""]
        if run.one_group:
            lines += ["[group:all]", "programs=" + ",".join(program.name for program in programs), ""]
        with open(run.config, "w") as file:
            file.write("\n".join(lines))

    def command(self, run):
        return [self.daemon, "-n", "-c", run.config]

    def control(self, run, *words):
        return [self.ctl, "-c", run.config, *words]


class Limit:
    """bench_limit: the same work without policy."""
    name = "limit"
    calls = False
    original = False

    def __init__(self, helper):
        self.helper = helper

    def version(self):
        return "bench_limit, one loop around posix_spawn, read and write"

    def configure(self, run, programs):
        with open(run.config, "w") as file:
            for program in programs:
                file.write("\t".join([program.log or "/dev/null", *map(str, program.rotate), *program.words]) + "\n")

    def command(self, run):
        return [self.helper, "run", run.config]


PROGRAMS = ("supervisord", "supervisorctl", "bench_child", "bench_client", "bench_limit")


def missing(options):
    paths = [os.path.join(options.bin, name) for name in PROGRAMS]
    return [path for path in paths if not os.access(path, os.X_OK)]


def take_programs(options, folder):
    """From now on ours are those copied to `folder`."""
    for name in PROGRAMS:
        shutil.copy(os.path.join(options.bin, name), folder)
    options.bin = folder


def find(options):
    """Those that are there, in the order of the table's columns."""
    everybody = [Supervisord("ours", os.path.join(options.bin, "supervisord"), os.path.join(options.bin, "supervisorctl"))]
    if os.access(options.supervisor, os.X_OK):
        ctl = os.path.join(os.path.dirname(options.supervisor), "supervisorctl")
        everybody.append(Supervisord("supervisor", options.supervisor, ctl))
    everybody.append(Limit(os.path.join(options.bin, "bench_limit")))
    return [contender for contender in everybody if not options.only or contender.name in options.only]
