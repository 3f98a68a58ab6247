#!/usr/bin/env python3
"""Wears a daemon out with restarts, reloads, requests and kills of its manager, and checks that nothing grows.

  tests/soak/endurance.py [RESTARTS [RELOADS [REQUESTS [KILLS]]]]
                            (default: 100000 2000 100000 5000, some two hours; SUPERVISORD as for the tests)

Watched are the anonymous memory, the descriptors and the threads of keeper and manager. What they are after a
few hundred of each is what they are compared with. Exit status 0 when all of it stays within 5 %, or 48 kB: so much the
heap falls into pieces over some hundred reloads, though as much is allocated as before, and then no further.
"""
import http.client
import os
import signal
import socket
import sys
import time
import xmlrpc.client

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support import procfs  # noqa: E402
from support.box import Box  # noqa: E402
from support.waiting import eventually  # noqa: E402

SLEEPERS = 20
SPINNERS = 4
DEFAULTS = (100_000, 2_000, 100_000, 5_000)
WARM_UP = (1_000, 300, 1_000, 20)
TOLERANCE = 0.05
PIECES = 48  # kB
LIFE_OF_A_MANAGER = 1.05  # below a second, the next one is started later and later (src/keeper/restart.h)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def own_kilobytes(pid):
    """Memory of its own; whether pages of the program count as its own depends on who else runs it."""
    return int(procfs.status(pid, "RssAnon").split()[0])


def sleepers(daemon):
    """Their pids by name; none while the daemon is between two lives."""
    try:
        return {info["name"]: info["pid"] for info in daemon.rpc.getAllProcessInfo() if info["group"] == "x"}
    except xmlrpc.client.Fault:
        return {}


def all_run(daemon):
    return eventually(lambda: len(set(sleepers(daemon).values()) - {0}) == SLEEPERS, 30, "all sleepers running")


class Wear:
    """The four kinds, each done `count` times."""

    def __init__(self, box, daemon):
        self.box, self.daemon = box, daemon

    def starts(self):
        return os.path.getsize(self.box.path("starts")) if self.box.exists("starts") else 0

    def restarts(self, count):
        wanted = self.starts() + count
        self.daemon.rpc.startProcessGroup("spin")
        eventually(lambda: self.starts() >= wanted, 60 + count / 50, f"{count} restarts")
        self.daemon.rpc.stopProcessGroup("spin")

    def reloads(self, count):
        for _ in range(count):
            before = sleepers(self.daemon)
            self.daemon.signal(signal.SIGHUP)

            def renewed():
                now = sleepers(self.daemon)
                return len(now) == SLEEPERS and not set(now.values()) & {0, *before.values()}
            eventually(renewed, 30, "all sleepers anew after SIGHUP")

    def requests(self, count):
        body = ("<?xml version='1.0'?><methodCall><methodName>supervisor.getProcessInfo</methodName><params><param>"
                "<value><string>x:3</string></value></param></params></methodCall>")
        connection = UnixConnection(self.daemon.address)
        for _ in range(count):
            connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
            reply = connection.getresponse()
            content = reply.read()
            assert reply.status == 200 and b"<fault>" not in content, content
        connection.close()

    def kills(self, count):
        pids = sleepers(self.daemon)
        for _ in range(count):
            old = self.daemon.manager
            os.kill(old, signal.SIGKILL)
            eventually(lambda: self.daemon.manager != old, what="another manager")
            self.daemon.wait_up()
            time.sleep(LIFE_OF_A_MANAGER)
        assert sleepers(self.daemon) == pids, "a program was touched"


def picture(daemon):
    time.sleep(1)  # a process that has just been replaced has not its usual size yet
    return {f"{of} {what}": value for of, pid in (("keeper", daemon.pid), ("manager", daemon.manager))
            for what, value in (("kB", own_kilobytes(pid)), ("fds", len(procfs.descriptors(pid))),
                                ("threads", procfs.threads(pid)))}


def tell(what, seen):
    print(f"{what:>18}: " + ", ".join(f"{name} {value}" for name, value in seen.items()), flush=True)


def soak(box, counts):
    spin = box.script("spin", f"printf . >> {box}/starts")
    daemon = box.daemon(f"[program:x]\ncommand=sleep 100000\nnumprocs={SLEEPERS}\nprocess_name=%(process_num)d\n"
                        f"startsecs=0\n[program:spin]\ncommand={spin}\nnumprocs={SPINNERS}\n"
                        "process_name=%(process_num)d\nstartsecs=0\nautorestart=true\nautostart=false\n",
                        supervisord="loglevel=info")
    all_run(daemon)
    wear = Wear(box, daemon)
    kinds = list(zip((wear.restarts, wear.reloads, wear.requests, wear.kills), counts))
    for (kind, _), count in zip(kinds, WARM_UP):
        kind(count)
    keeper, first = daemon.pid, picture(daemon)
    tell("warm", first)
    grown = []
    for kind, count in kinds:
        began = time.monotonic()
        kind(count)
        seen = picture(daemon)
        tell(f"{count} {kind.__name__}", seen)
        print(f"{'':>20}{time.monotonic() - began:.0f} s")
        grown += [f"{name}: {first[name]} -> {value} after {count} {kind.__name__}" for name, value in seen.items()
                  if value > max(first[name] * (1 + TOLERANCE), first[name] + (PIECES if name.endswith("kB") else 0))]
    assert daemon.pid == keeper and daemon.stop() == 0
    print("\n".join(["grown:", *grown]) if grown else "nothing has grown")
    return not grown


def main():
    given = [int(text) for text in sys.argv[1:]]
    box = Box()
    try:
        return 0 if soak(box, [*given, *DEFAULTS[len(given):]]) else 1
    finally:
        box.close()


if __name__ == "__main__":
    sys.exit(main())
