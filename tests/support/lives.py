"""Programs that write down their own starts and ends, so that what a daemon did can be compared with its rules."""
import re
import signal

# NAME KIND: writes `start PID TIME`, `term PID TIME` and `exit CODE PID TIME` to NAME.life, with monotonic times.
#   steady    does nothing        obedient  likewise, and ends at a TERM with 0
#   cycle     ends by itself      failing   ends at once with 3
#   told      ends with N when it gets SIGRTMIN+N
#   stubborn  ignores TERM        flood     writes numbered lines until it gets TERM
ACTOR = r"""import os, random, signal, sys, time
folder, name, kind, filler = sys.argv[1:5]
life = os.open(f'{folder}/{name}.life', os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

def note(what):
    os.write(life, f'{what} {os.getpid()} {time.monotonic():.6f}\n'.encode())

def leave(code):
    note(f'exit {code}')
    os._exit(code)

ended = False

def term(*_):
    global ended
    note('term')
    if kind == 'obedient':
        leave(0)
    ended = kind == 'flood'

if kind in ('obedient', 'stubborn', 'flood'):
    signal.signal(signal.SIGTERM, term)
told = {signal.SIGRTMIN + code for code in range(8)}
signal.pthread_sigmask(signal.SIG_BLOCK, told)
note('start')
if kind == 'cycle':
    time.sleep(random.uniform(0.2, 1.5))
    leave(random.choice([0, 1, 2, 7]))
elif kind == 'failing':
    time.sleep(0.02)
    leave(3)
elif kind == 'told':
    leave(signal.sigwait(told) - signal.SIGRTMIN)
elif kind == 'flood':
    number = 0
    while not ended:
        count = random.choice([1, 10, 200, 5000])
        data = memoryview(''.join('%015d %s\n' % (i, filler) for i in range(number, number + count)).encode())
        number += count
        while data:
            data = data[os.write(1, data[:random.randrange(1, 100000)]):]
        time.sleep(count * 5e-5)
    with open(f'{folder}/{name}.count', 'w') as file:
        file.write(str(number))
    leave(0)
while True:
    signal.pause()
"""

# Writes down what it is sent, and sometimes takes its time to answer.
LISTENER = r"""import json, random, sys, time
log = open(sys.argv[1], 'a', buffering=1)
while True:
    sys.stdout.write('READY\n'); sys.stdout.flush()
    header = dict(pair.split(':') for pair in sys.stdin.readline().split())
    body = sys.stdin.read(int(header['len']))
    log.write(json.dumps([header, body]) + '\n')
    if random.random() < 0.2:
        time.sleep(random.uniform(0, 0.1))
    sys.stdout.write('RESULT 2\nOK'); sys.stdout.flush()
"""

# Answers each connection on its descriptor 0 with its pid.
WORKER = """import os, socket
server = socket.socket(fileno=0)
while True:
    connection, _ = server.accept()
    connection.sendall(b'%d\\n' % os.getpid())
    connection.close()
"""


class Life:
    """From one start of a program to its end: `ended` and `code` are None while it lives, or when it was killed."""

    def __init__(self, pid, started):
        self.pid, self.started, self.terms, self.ended, self.code = pid, started, [], None, None

    def __repr__(self):
        return f"<{self.pid}: {self.started:.3f} to {self.ended} with {self.code}, TERM at {self.terms}>"


def lives(box, name):
    """In the order in which they began. A pid may come again."""
    found, latest = [], {}
    for what, pid, time in re.findall(r"^(start|term|exit \d) (\d+) ([\d.]+)$", box.read(f"{name}.life"), re.M):
        if what == "start":
            latest[pid] = Life(int(pid), float(time))
            found.append(latest[pid])
        elif what == "term":
            latest[pid].terms.append(float(time))
        else:
            latest[pid].ended, latest[pid].code = float(time), int(what.split()[1])
    return found


def life_of(found, pid, at):
    """The one that had this pid at that time."""
    return [life for life in found if life.pid == pid and life.started <= at][-1]


def told_to_end(code):
    return signal.SIGRTMIN + code
