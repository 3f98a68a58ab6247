"""Programs write numbered lines while the manager is killed again and again: how many lines does that cost?"""
import os
import random
import signal
import time

from . import procfs
from .waiting import eventually

LINE = 64

# Each line of its standard input asks for so many lines of output; "end" ends it.
WRITER = """import os, random, sys
filler, number = sys.argv[1], 0
for order in sys.stdin:
    if order == 'end\\n':
        break
    count = int(order)
    data = ''.join('%015d %s\\n' % (i, filler) for i in range(number, number + count)).encode()
    number += count
    open(sys.argv[2], 'w').close()
    sys.stdin.readline()
    view = memoryview(data)
    while view:
        view = view[os.write(1, view[:random.randrange(1, 200000)]):]
open(sys.argv[2] + '.end', 'w').close()
"""


class Account:
    """What became of the lines of one program."""

    def __init__(self, written, lost, twice, torn):
        self.written, self.lost, self.twice, self.torn = written, lost, twice, torn

    def __repr__(self):
        return f"{self.written} lines: {self.lost} lost, {self.twice} twice, {self.torn} torn"

    @property
    def clean(self):
        return not (self.lost or self.twice or self.torn)


def expected(first, count, filler):
    return "".join(f"{i:015d} {filler}\n" for i in range(first, first + count)).encode()


def account(paths, count, filler):
    """Compares files, oldest first, with `count` lines in order."""
    step = 100_000
    parts = (file for path in paths for file in [open(path, "rb")])
    pending, done, clean = b"", 0, True
    for part in parts:
        with part:
            while chunk := part.read(step * LINE):
                pending += chunk
                lines = min(len(pending) // LINE, step)
                if lines and pending[:lines * LINE] != expected(done, lines, filler):
                    clean = False
                pending, done = pending[lines * LINE:], done + lines
    clean = clean and pending == expected(done, len(pending) // LINE, filler)
    if clean and done + len(pending) // LINE == count:
        return Account(count, 0, 0, 0)
    seen, torn = bytearray(count), 0
    text = b"".join(open(path, "rb").read() for path in paths)
    for line in text.split(b"\n")[:-1]:
        if len(line) == LINE - 1 and line[:15].isdigit() and line[16:].decode() == filler and int(line[:15]) < count:
            seen[int(line[:15])] = min(seen[int(line[:15])] + 1, 2)
        else:
            torn += 1
    return Account(count, seen.count(0), seen.count(2), torn)


def run(box, *, megabytes, kills, supervisord="", seed=None, tell=lambda text: None):
    """The accounts of two programs, one of which has a log that is rotated, by name."""
    chance = random.Random(seed)
    filler = ("\x1b[1m" if "strip_ansi" in supervisord else "") + "x" * (LINE - 17)
    shown = filler.replace("\x1b[1m", "")
    program = box.python("writer", WRITER)
    names = ("plain", "rotated")
    daemon = box.daemon("".join(
        f"[program:{name}]\ncommand={program} {filler} {box}/{name}.ready\n"
        f"stdout_logfile={box}/{name}.log\nautorestart=false\n"
        f"stdout_logfile_maxbytes={0 if name == 'plain' else '700KB'}\nstdout_logfile_backups=100000\n"
        for name in names), supervisord="loglevel=info\n" + supervisord)
    count = megabytes * (1 << 20) // LINE // len(names) // kills
    pids = {name: daemon.wait_state(name, "RUNNING")["pid"] for name in names}

    def order(text):
        for name in names:
            eventually(lambda: daemon.call("sendProcessStdin", name, text) == ("value", True), what="an order")

    hits = 0
    for kill in range(kills):
        for name in names:
            if box.exists(f"{name}.ready"):
                os.unlink(box.path(f"{name}.ready"))
        order(f"{count}\n")
        for name in names:
            eventually(lambda: box.exists(f"{name}.ready"), 60, what=f"{name} ready")
        manager = daemon.manager
        # The keeper pauses before the third manager in a row that dies young.
        if kill % 2 == 0:
            time.sleep(1.0)
        order("go\n")
        time.sleep(chance.random() * count * LINE / 1e9 * 3)
        hits += sum(size_of(box, name) < (kill + 1) * count * LINE for name in names)
        os.kill(manager, signal.SIGKILL)
        eventually(lambda: not procfs.alive(manager), what="the manager gone")
        daemon.wait_up(30)
        for name in names:
            eventually(lambda: size_of(box, name) >= (kill + 1) * count * LINE or daemon.state(name) != "RUNNING", 60,
                       lambda: f"all output of {name}: {size_of(box, name)} of {(kill + 1) * count * LINE}")
        tell(f"kill {kill + 1}: {hits} times in the middle of the output of a program")
    assert {name: daemon.pid_of(name) for name in names} == pids
    order("end\n")
    for name in names:
        eventually(lambda: box.exists(f"{name}.ready.end"), what=f"{name} at its end")
        daemon.wait_state(name, "EXITED")
    return {name: account(logs(box, name), count * kills, shown) for name in names}, hits


def logs(box, name):
    """The log files of a program, oldest first."""
    backups = [file for file in os.listdir(box.folder) if file.startswith(f"{name}.log.")]
    backups.sort(key=lambda file: -int(file.rpartition(".")[2]))
    return [box.path(file) for file in [*backups, f"{name}.log"]]


def size_of(box, name):
    while True:
        try:
            return sum(os.stat(path).st_size for path in logs(box, name))
        except FileNotFoundError:
            pass  # it was being rotated
