#!/usr/bin/env python3
"""Upgrades a daemon again and again under load, and checks that nothing grows.

  tests/soak/upgrades.py [COUNT]      (default: 1000; SUPERVISORD and SUPERVISORCTL as for the tests)

Every fifth upgrade finds another file, so that the keeper is replaced too. Watched are the pids of the programs, memory
and descriptors of keeper and manager, the number of processes, the requests of a client that never stops, and the
output of a program that never stops. Exit status 0 when all of it is as it was in the beginning.
"""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support import procfs  # noqa: E402
from support.box import Box  # noqa: E402
from support.upgrades import install, run_from  # noqa: E402

PROGRAMS = 20


def kilobytes(pid):
    return int(procfs.status(pid, "VmRSS").split()[0])


class Client:
    """Asks for everything, over and over."""

    def __init__(self, daemon):
        self.daemon, self.asked, self.failures, self.longest = daemon, 0, [], 0.0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ended.is_set():
            began = time.monotonic()
            outcome = self.daemon.call("getAllProcessInfo")
            self.longest = max(self.longest, time.monotonic() - began)
            self.asked += 1
            if outcome[0] != "value":
                self.failures.append(outcome)

    def end(self):
        self.ended.set()
        self.thread.join()


def soak(box, count):
    chatter = box.python("chatter", "import sys, time\nn = 0\nwhile True:\n  sys.stdout.write('%010d\\n' % n)\n"
                                    "  sys.stdout.flush()\n  n += 1\n  time.sleep(0.001)\n")
    run_from(box, install(box, "supervisord"))
    daemon = box.daemon(f"[program:x]\ncommand=sleep 100000\nnumprocs={PROGRAMS}\nprocess_name=%(process_num)d\n"
                        f"[program:chatter]\ncommand={chatter}\nstdout_logfile={box}/out\nstdout_logfile_maxbytes=0\n"
                        f"[program:short]\ncommand={box.script('short', 'sleep 0.1')}\nstartsecs=0\nautorestart=true\n",
                        supervisord="loglevel=info\nlogfile_maxbytes=0")
    names = ["chatter", *(f"x:{n}" for n in range(PROGRAMS))]
    pids = {name: daemon.wait_state(name, "RUNNING")["pid"] for name in names}
    keeper, client, began, slowest, rows = daemon.pid, Client(daemon), time.monotonic(), 0.0, []
    for number in range(1, count + 1):
        if number % 5 == 0:
            install(box, "supervisord")
        at = time.monotonic()
        done = daemon.ctl("upgrade")
        slowest = max(slowest, time.monotonic() - at)
        assert done.code == 0, f"upgrade {number}: {done}\n{daemon.log()[-2000:]}"
        if number in (10, count) or number % max(count // 10, 1) == 0:
            # A process that is just being replaced has not its usual size.
            time.sleep(0.3)
            manager = daemon.manager
            rows.append((number, kilobytes(keeper), kilobytes(manager), len(procfs.descriptors(keeper)),
                         len(procfs.descriptors(manager)), len(procfs.children(keeper))))
            print("%5d upgrades: keeper %5d kB %3d fds, manager %5d kB %3d fds, %2d children" %
                  (number, rows[-1][1], rows[-1][3], rows[-1][2], rows[-1][4], rows[-1][5]), flush=True)
    took = time.monotonic() - began
    client.end()
    print(f"{count} upgrades in {took:.0f} s, {took / count * 1000:.0f} ms each, the slowest {slowest * 1000:.0f} ms; "
          f"{client.asked} requests, {len(client.failures)} failed, the slowest {client.longest * 1000:.0f} ms")
    problems = list(map(str, client.failures[:3]))
    if daemon.pid != keeper or {name: daemon.pid_of(name) for name in names} != pids:
        problems.append("a pid has changed")
    first, last = rows[0], rows[-1]
    if last[1] > first[1] * 1.1 + 500 or last[2] > first[2] * 1.1 + 500:
        problems.append(f"memory has grown: {first} -> {last}")
    if last[3] > first[3] + 5 or last[4] > first[4] + 5 or last[5] > first[5] + 1:
        problems.append(f"descriptors or processes have grown: {first} -> {last}")
    if daemon.log().count("upgraded from version") != count or "unexpectedly" in daemon.log():
        problems.append("a manager ended in another way than by an upgrade")
    assert daemon.stop() == 0
    lines = box.lines("out")
    if lines != ["%010d" % n for n in range(len(lines))]:
        wrong = next(n for n, line in enumerate(lines) if line != "%010d" % n)
        problems.append(f"output lost or doubled at line {wrong} of {len(lines)}: {lines[wrong]!r}")
    print(f"{len(lines)} lines of output, all there" if not problems else "\n".join(problems))
    return not problems


def main():
    box = Box()
    try:
        return 0 if soak(box, int(sys.argv[1]) if len(sys.argv) > 1 else 1000) else 1
    finally:
        box.close()


if __name__ == "__main__":
    sys.exit(main())
