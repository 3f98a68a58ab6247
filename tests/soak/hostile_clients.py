#!/usr/bin/env python3
"""Measures what a client waits for, and how long a restart takes, while another client behaves badly.

  tests/soak/hostile_clients.py [--seconds 3] [KIND...]      (SUPERVISORD as for the tests; default: every kind)

Each kind of bad client works in processes of its own at the lowest priority, over the unix socket, for some seconds. The
table has, beside the same without a bad client, in milliseconds: getState of a good client on a connection it keeps and
on a new one, and the time from the kill of a program to the first thing that its replacement does. Behind the semicolon
stands how long the control thread was at work meanwhile, at most: it counts no time for which others had the processor,
and so means something on a busy machine as well. The column turn has the longest time for which it did not look at
anybody else: the processor time between two calls of epoll_wait, which a preloaded library (cc) measures.
"""
import argparse
import multiprocessing
import os
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support.box import Box  # noqa: E402
from support.http import Wire, call_body  # noqa: E402

LOG_BYTES = 100_000_000
TURNS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile long *longest;
static long begun = -1;

static long spent(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

int epoll_wait(int epoll, struct epoll_event *events, int size, int timeout) {
  static int (*real)(int, struct epoll_event *, int, int);
  if (real == 0) real = dlsym(RTLD_NEXT, "epoll_wait");
  if (getpid() != gettid()) return real(epoll, events, size, timeout);
  if (longest == 0) {
    int file = open(getenv("LONGEST_TURN"), O_RDWR | O_CLOEXEC);
    longest = mmap(0, sizeof *longest, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
  }
  if (begun >= 0 && spent() - begun > *longest) *longest = spent() - begun;
  int result = real(epoll, events, size, timeout);
  begun = spent();
  return result;
}
"""
LISTENER = """
import sys
while True:
    print("READY")
    header = dict(pair.split(":") for pair in sys.stdin.readline().split())
    sys.stdin.read(int(header["len"]))
    print("RESULT 2\\nOK", end="")
"""


def post(body):
    return b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body


GET_STATE = post(call_body("supervisor.getState"))
WHOLE_LOG = post(call_body("supervisor.readProcessLog", "big", 0, 0))


def value(text):
    return b"<?xml version='1.0'?><methodCall><methodName>supervisor.getState</methodName><params>" + text + b"</params></methodCall>"


def multicall(method, count):
    return post(call_body("system.multicall", [{"methodName": method, "params": []}] * count))


class Bad:
    """What a bad client can do, over and over. Each method is a kind; it runs until it is killed."""

    def __init__(self, address):
        self.address = address

    def open(self):
        return Wire(self.address, 60).socket

    def open_many(self, count):
        return [self.open() for _ in range(count)]

    def repeat(self, request):
        """As fast as it is answered; opens anew when it is hung up on."""
        while True:
            connection = self.open()
            try:
                connection.sendall(request)
                while len(connection.recv(1 << 20)):
                    pass
            except OSError:
                pass

    def one_at_a_time(self, request, mark=b"</methodResponse>"):
        while True:
            with Wire(self.address, 60) as wire:
                try:
                    while True:
                        wire.send(request)
                        if wire.reply() is None:
                            break
                except OSError:
                    pass

    def dribble(self, head, count=200):
        connections = self.open_many(count)
        for connection in connections:
            connection.sendall(head)
        while True:
            for place, connection in enumerate(connections):
                try:
                    connection.sendall(b"x")
                except OSError:
                    connections[place] = self.open()
                    connections[place].sendall(head)
            time.sleep(0.01)

    def flood(self, bytes_of_requests):
        """Pipelines without end, reading all that comes."""
        connection = self.open()
        connection.setblocking(False)
        rest = memoryview(bytes_of_requests)
        while True:
            try:
                sent = connection.send(rest)
                rest = rest[sent:] or memoryview(bytes_of_requests)
            except BlockingIOError:
                pass
            except OSError:
                connection = self.open()
                connection.setblocking(False)
                rest = memoryview(bytes_of_requests)
            try:
                while connection.recv(1 << 20):
                    pass
            except OSError:
                pass

    # ---- the kinds

    def slow_headers(self):
        self.dribble(b"GET / HTTP/1.1\r\nX: ")

    def slow_bodies(self):
        self.dribble(b"POST /RPC2 HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n")

    def a_thousand_idle(self):
        self.open_many(1000)
        signal.pause()

    def half_closed(self):
        while True:
            connections = self.open_many(100)
            for connection in connections:
                connection.sendall(GET_STATE)
                connection.shutdown(socket.SHUT_WR)
            time.sleep(0.05)

    def pipelined_pages(self):
        self.flood(b"GET / HTTP/1.1\r\n\r\n" * 2000)

    def pipelined_calls(self):
        self.flood(GET_STATE * 500)

    def crowd_of_calls(self):
        """A hundred connections, each with a request as soon as it can."""
        connections = self.open_many(100)
        while True:
            for connection in connections:
                connection.sendall(GET_STATE * 20)
            for connection in connections:
                left = 20
                while left > 0:
                    left -= connection.recv(1 << 20).count(b"</methodResponse>")

    def large_bodies(self):
        self.one_at_a_time(post(call_body("supervisor.getProcessInfo", "x" * 8_000_000)))

    def large_inputs(self):
        self.one_at_a_time(post(call_body("supervisor.sendProcessStdin", "reader", "x" * 15_000_000)))

    def large_events(self):
        self.one_at_a_time(post(call_body("supervisor.sendRemoteCommEvent", "x", "x" * 15_000_000)))

    def many_values(self):
        self.one_at_a_time(post(value(b"<param><value><array><data>" + b"<value><i4>1</i4></value>" * 90_000 +
                                      b"</data></array></value></param>")))

    def no_xml(self):
        self.one_at_a_time(post(b"\x01" * 4_000_000))

    def entity_bombs(self):
        entities = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 20))
        self.one_at_a_time(post(b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">' + entities + b"]><methodCall>"
                                b"<methodName>&e19;</methodName></methodCall>" + b" " * 1_000_000))

    def deep_nesting(self):
        depth = 60_000
        self.one_at_a_time(post(value(b"<param>" + b"<value><array><data>" * depth + b"</data></array></value>" * depth +
                                      b"</param>")))

    def multicall_of_small_calls(self):
        self.one_at_a_time(multicall("supervisor.getState", 10_000))

    def multicall_of_large_calls(self):
        self.one_at_a_time(multicall("supervisor.getAllProcessInfo", 1000))

    def multicall_of_logs(self):
        self.one_at_a_time(post(call_body("system.multicall", [
            {"methodName": "supervisor.readProcessLog", "params": ["big", 0, 0]}] * 50)))

    def whole_logs(self):
        self.one_at_a_time(WHOLE_LOG)

    def slow_readers_of_logs(self):
        connections = self.open_many(20)
        for connection in connections:
            connection.sendall(WHOLE_LOG)
        while True:
            for place, connection in enumerate(connections):
                try:
                    connection.recv(1000, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    pass
                except OSError:
                    connections[place] = self.open()
                    connections[place].sendall(WHOLE_LOG)
            time.sleep(0.05)

    def large_tail_pages(self):
        self.one_at_a_time(b"GET /tail.html?processname=big&limit=100000000 HTTP/1.1\r\n\r\n")

    def followers(self):
        """Two hundred, of a log that grows; half of them do not read."""
        connections = self.open_many(200)
        for connection in connections:
            connection.sendall(b"GET /logtail/growing HTTP/1.1\r\n\r\n")
        while True:
            for connection in connections[:100]:
                connection.recv(1 << 20)

    def connections_without_end(self):
        while True:
            try:
                self.open().close()
            except BlockingIOError:  # the queue of the socket is full
                time.sleep(0.001)


KINDS = [name for name, method in vars(Bad).items()
         if callable(method) and name != "open" and method.__code__.co_argcount == 1]


def behave_badly(address, kind):
    os.nice(19)
    getattr(Bad(address), kind)()


class Turns:
    """The longest turn of the manager's loop."""

    def __init__(self, box):
        self.file = box.write("turn", bytes(8))
        library = box.path("turns.so")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, box.write("turns.c", TURNS)], check=True)
        self.env = {"LD_PRELOAD": library, "LONGEST_TURN": self.file}

    def take(self):
        """In milliseconds, since the last time."""
        with open(self.file, "r+b") as file:
            longest, = struct.unpack("=q", file.read(8))
            file.seek(0)
            file.write(bytes(8))
        return longest / 1e6


class Probe:
    """The good client."""

    def __init__(self, daemon, box):
        self.daemon = daemon
        self.wire = daemon.wire()
        self.fifo = os.open(box.path("fifo"), os.O_RDWR)
        self.pid = int(os.read(self.fifo, 100))

    def kept(self):
        self.wire.send(GET_STATE)
        assert self.wire.reply().status == 200

    def connect(self):
        while True:
            try:
                return self.daemon.wire()
            except BlockingIOError:  # the socket's queue is full; a blocking connect would wait
                time.sleep(0.0005)

    def fresh(self):
        with self.connect() as wire:
            wire.send(GET_STATE)
            assert wire.reply().status == 200

    def restart(self):
        os.kill(self.pid, signal.SIGKILL)
        self.pid = int(os.read(self.fifo, 100))

    def worked(self):
        with open(f"/proc/{self.manager}/task/{self.manager}/schedstat") as file:
            return int(file.read().split()[0])

    def measure(self, seconds):
        self.manager = self.daemon.manager
        samples = {"kept": [], "fresh": [], "restart": []}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for name, taken in samples.items():
                worked, began = self.worked(), time.monotonic()
                getattr(self, name)()
                taken.append(((time.monotonic() - began) * 1000, (self.worked() - worked) / 1e6))
                time.sleep(0.002)
        return samples


def cells(taken):
    waited, worked = (sorted(column) for column in zip(*taken))
    return "/".join(f"{waited[int(len(waited) * share)]:.1f}" for share in (0.5, 0.99, 0.9999)) + f"; {worked[-1]:.1f}"


def measure(probe, daemon, turns, kind, seconds):
    bad = multiprocessing.Process(target=behave_badly, args=(daemon.address, kind)) if kind else None
    if bad:
        bad.start()
        time.sleep(0.5)
    manager = daemon.manager
    turns.take()
    try:
        samples = probe.measure(seconds)
    except (OSError, AssertionError, AttributeError) as error:
        print(f"| {kind.replace('_', ' '):26} | no answer: {error!r}")
        return
    finally:
        if bad:
            bad.kill()
            bad.join()
    rss = int(open(f"/proc/{daemon.manager}/status").read().split("VmHWM:")[1].split()[0]) // 1024
    note = "" if daemon.manager == manager else "  A NEW MANAGER"
    print(f"| {(kind or 'none').replace('_', ' '):26} |" + " | ".join(f"{cells(s):>20}" for s in samples.values()) +
          f" | {turns.take():4.1f} | {rss:5} | {os.getloadavg()[0]:4.1f} |{note}", flush=True)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=float, default=3)
    arguments.add_argument("kinds", nargs="*", choices=[[], *KINDS])
    wanted = arguments.parse_args()
    box = Box()
    try:
        os.mkfifo(box.path("fifo"))
        box.write("big.log", b"The quick brown fox jumps over the lazy dog & runs <away>.\n" * (LOG_BYTES // 59))
        script = box.script("restarted", f"echo $$ >{box}/fifo\nexec sleep 100000\n")
        chatter = box.script("chatter", "while :; do echo line; sleep 0.02; done\n")
        listener = box.write("hears.py", LISTENER)
        turns = Turns(box)
        daemon = box.daemon(
            f"[program:restarted]\ncommand={script}\nstartsecs=0\nautorestart=true\nstdout_logfile=NONE\n"
            f"[program:big]\ncommand=sleep 100000\nstdout_logfile={box}/big.log\nstdout_logfile_maxbytes=0\n"
            f"[program:growing]\ncommand={chatter}\nstdout_logfile={box}/growing.log\n"
            f"[program:reader]\ncommand=cat\nstdout_logfile=NONE\n"
            f"[eventlistener:hears]\ncommand={sys.executable} -u {listener}\nevents=REMOTE_COMMUNICATION\n"
            "[program:x]\ncommand=sleep 100000\nnumprocs=50\nprocess_name=%(process_num)d\n", supervisord="loglevel=warn",
            env=turns.env)
        probe = Probe(daemon, box)
        print("Milliseconds: p50/p99/max\n\n"
              f"| {'bad client':26} |{'getState, kept':>20} | {'getState, fresh':>20} | {'restart':>20} | turn | MB    | load |\n"
              f"|{'-' * 28}|{'-' * 21}|{'-' * 22}|{'-' * 22}|{'-' * 6}|{'-' * 7}|{'-' * 6}|")
        for kind in [None, *(wanted.kinds or KINDS), None]:
            measure(probe, daemon, turns, kind, wanted.seconds)
    finally:
        box.close()


if __name__ == "__main__":
    main()
