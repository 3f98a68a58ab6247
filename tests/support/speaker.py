"""A program that writes exactly what a test tells it, piece by piece, so that each piece is one read of the daemon."""
from . import procfs
from .waiting import eventually

_BODY = """import os, sys
for number, line in enumerate(sys.stdin, 1):
    channel, data = line.split(' ')
    os.write(int(channel), bytes.fromhex(data))
    open(sys.argv[1] + '.new', 'w').write(str(number))
    os.rename(sys.argv[1] + '.new', sys.argv[1])
"""


def speaker(box, name="x"):
    """The command of a program `name` that obeys say()."""
    return f"{box.python('speaker', _BODY)} {box}/{name}.said"


def say(daemon, *pieces, name="x", channel=1):
    """Has the program write each of the pieces; returns when the daemon has read them. At least the first time the
    program must be RUNNING."""
    for piece in pieces:
        said = int(daemon.box.read(f"{name}.said") or "0")
        daemon.rpc.sendProcessStdin(name, f"{channel} {piece.hex()}\n")
        eventually(lambda: daemon.box.read(f"{name}.said") == str(said + 1), what=f"{piece!r} written")
        eventually(lambda: procfs.unread(daemon.pid_of(name), channel) == 0, what=f"{piece!r} read")
