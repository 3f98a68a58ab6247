"""Measures on programs that write: logs, events, and restarts beside a flood."""
import glob
import os
import subprocess
import time

from . import processes
from .contenders import Program, Run, until
from .living import kill_one_by_one

MB = 1000 * 1000
ROTATION = (50 * 1024 * 1024, 10)  # Supervisor's defaults


class Gate:
    """A FIFO that holds programs back until it is opened."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path = path
        self._fd = os.open(path, os.O_RDWR)

    def open(self):
        """Lets them go; when that was, in nanoseconds."""
        now = time.monotonic_ns()
        os.close(self._fd)
        return now


def log_files(program):
    """The log and its backups, oldest first."""
    backups = glob.glob(program.log + ".*")
    return sorted(backups, key=lambda path: -int(path.rpartition(".")[2])) + [program.log]


def size_of(paths):
    total = 0
    for path in paths:
        try:
            total += os.stat(path).st_size
        except FileNotFoundError:  # rotated just now
            pass
    return total


def touch_memory(run, size):
    """Uses as much of the file system as the logs will: in a virtual machine a page's first use costs more than all
    that is measured here."""
    with open(run.path("warm"), "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size + size // 8)
    os.unlink(run.path("warm"))


def log_once(run, children, total, write, rotate):
    """MB/s from the first write to the last byte in the files, and the daemon's CPU seconds for a GB."""
    share = total // children // 100 * 100
    touch_memory(run, total)
    gate = Gate(run.path("gate"))
    run.new_board(children)
    programs = [Program(f"w{i}", [run.child, "write", run.path("board"), str(i), gate.path, str(share), str(write)],
                        run.path(f"w{i}.log"), rotate) for i in range(children)]
    run.start(programs)
    time.sleep(0.3)
    cpu = processes.cpu_seconds(run.own)
    begin = gate.open()
    wanted = share * children
    until(lambda: sum(size_of(log_files(program)) for program in programs) >= wanted, 60, "all output logged")
    seconds = (time.monotonic_ns() - begin) / 1e9
    cpu = processes.cpu_seconds(run.own) - cpu
    for program in programs:
        done = subprocess.run([run.child, "verify", *log_files(program)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        if done.returncode != 0 or int(done.stdout) * 100 != share:
            raise RuntimeError(f"{program.name}'s log is wrong: {done.stdout.strip()}")
    return wanted / MB / seconds, cpu * 1e9 / wanted


def logs(options, everybody, results):
    cases = [("64 KiB writes", size, children, volume, rotate)
             for size, children, volume, rotate in ((65536, 1, 512, (0, 0)), (65536, 10, 512, (0, 0)))]
    cases += [("4 KiB writes", 4096, 1, 256, (0, 0)), ("4 KiB writes", 4096, 10, 256, (0, 0)),
              ("100-byte writes", 100, 1, 40, (0, 0)), ("100-byte writes", 100, 10, 40, (0, 0)),
              ("64 KiB writes, rotated at 50 MB", 65536, 1, 400, ROTATION)]
    for what, write, children, volume, rotate in cases:
        line = f"logs, {children} program{'s' * (children > 1)}, {what}"

        def once(contender):
            with Run(options, contender) as run:
                total = volume * MB // (16 if options.quick else 1)
                rate, cpu = log_once(run, children, total, write, rotate)
                results.add(line, "MB/s", contender, rate)
                results.add(line + ": CPU", "s per GB", contender, cpu)
        for _ in range(min(options.repeat, 2)):
            for contender in everybody:
                results.guard(f"{line}, {contender.name}", lambda: once(contender))


def events(options, everybody, results):
    """PROCESS_COMMUNICATION from one program to one listener that accepts everything at once."""
    count = 500 if options.quick else 5000
    line = "events, 200 bytes, to an acknowledging listener"

    def once(contender):
        with Run(options, contender) as run:
            if not contender.calls:
                board = run.new_board(1)
                done = subprocess.run([contender.helper, "events", str(count), run.child, "listen", board.path, "0"],
                                      stdout=subprocess.PIPE, check=True, timeout=60)
                results.add(line, "per second", contender, float(done.stdout))
                return
            gate = Gate(run.path("gate"))
            board = run.new_board(2)
            listener = Program("listen", [run.child, "listen", board.path, "0"], kind="eventlistener",
                               more=("events=PROCESS_COMMUNICATION", f"buffer_size={10 * count}"))
            talker = Program("talk", [run.child, "talk", board.path, "1", gate.path, str(count), "200"],
                             more=("stdout_capture_maxbytes=1MB",))
            run.start([listener, talker])
            time.sleep(1.2)  # the original notices that the listener is ready at its next tick
            cpu = processes.cpu_seconds(run.own)
            begin = gate.open()
            until(lambda: board.count(0)[0] >= count, 60, f"all events delivered, {board.count(0)[0]} are")
            cpu = processes.cpu_seconds(run.own) - cpu
            results.add(line, "per second", contender, count * 1e9 / (board.count(0)[1] - begin))
            results.add(line + ": CPU", "us per event", contender, cpu * 1e6 / count)
    for _ in range(options.repeat):
        for contender in everybody:
            results.guard(f"events, {contender.name}", lambda: once(contender))


def flood(options, everybody, results):
    """Restarts while ten programs write as fast as they can."""
    def once(contender):
        with Run(options, contender) as run:
            gate = Gate(run.path("gate"))
            run.new_board(60)
            quiet = run.sleepers(50)
            loud = [Program(f"w{i}", [run.child, "write", run.path("board"), str(50 + i), gate.path, "0", "4096"],
                            run.path(f"w{i}.log"), (20 * MB, 1)) for i in range(10)]
            run.start(quiet + loud)
            time.sleep(0.3)
            gate.open()
            time.sleep(0.5)
            run.everything = range(50)
            rounds = 10 if contender.original else 400
            samples, _, _ = kill_one_by_one(run, 3 if options.quick else rounds, 0.01)
            results.add_latencies("restart beside a flood of logs by 10 programs", "ms", contender, samples)
    for contender in everybody:
        results.guard(f"flood, {contender.name}", lambda: once(contender))
