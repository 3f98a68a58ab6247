"""Descriptors run out, one after the other, in the keeper and in the manager: whatever fails says so, nobody else is
disturbed, and when there are enough again everything works and none is lost."""
import os
import resource
import signal
import socket
import xmlrpc.client

import pytest

from support import procfs
from support.bystanders import Bystanders, config
from support.faults import failing, limited
from support.http import Wire, call_body
from support.listeners import bodies, listener
from support.waiting import SCALE, eventually, throughout

pytestmark = pytest.mark.beyond("descriptors")

PROGRAMS = ("[program:x]\ncommand=sleep 600\nautostart=false\nstartretries=0\nstartsecs=0\nstdout_logfile={box}/x.log\n"
            "stderr_logfile={box}/x.err\n"
            "[program:again]\ncommand=sleep 600\nstartretries=1000\nstdout_logfile={box}/again.log\n")

REASONS = {"too many open files to spawn 'x'", "unknown error making dispatchers for 'x': EMFILE"}


class Walk:
    """A daemon, and a connection to it."""

    def __init__(self, box):
        self.daemon = box.daemon(PROGRAMS.format(box=box) + f"[eventlistener:l]\ncommand={listener(box)}\n"
                                 "events=REMOTE_COMMUNICATION\n" + config(box))
        self.daemon.wait_state("again", "RUNNING")
        self.daemon.wait_state("l", "RUNNING")
        self.others = Bystanders(self.daemon)
        self.wire = None
        self.patience = 15.0
        self.connect()
        self.numbers = 0

    def connect(self):
        if self.wire:
            self.wire.socket.close()
        self.wire = Wire(self.daemon.address, timeout=self.patience)

    def call(self, method, *arguments):
        """Raises TimeoutError when there is no descriptor for a connection."""
        request = "POST", "/RPC2", call_body(f"supervisor.{method}", *arguments)
        try:
            reply = self.wire.request(*request)
        except (BrokenPipeError, ConnectionResetError):
            reply = None
        if reply is None:
            # It was idle and has made room for another one.
            self.connect()
            reply = self.wire.request(*request)
        try:
            return xmlrpc.client.loads(reply.body)[0][0]
        except xmlrpc.client.Fault as fault:
            return fault

    def everything(self, patience=15.0):
        """Uses all there is; returns what did not work, which is also what was not answered within `patience`."""
        self.patience = patience
        self.wire.socket.settimeout(patience * SCALE)
        try:
            return self.use()
        except (TimeoutError, ConnectionError):
            self.connect()
            return {"call"}

    def use(self):
        failed = set()
        answer = self.call("startProcess", "x")
        if answer is True:
            assert self.call("stopProcess", "x") is True
        else:
            assert (answer.faultCode, answer.faultString) == (50, "SPAWN_ERROR: x"), answer
            assert self.call("getProcessInfo", "x")["spawnerr"] in REASONS, self.call("getProcessInfo", "x")
            failed.add("start")
        self.numbers += 1
        assert self.call("sendRemoteCommEvent", "number", str(self.numbers)) is True
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(self.patience * SCALE)
            try:
                client.connect(self.daemon.address)
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                if b" 200 OK" not in client.recv(100):
                    failed.add("web")
            except (TimeoutError, ConnectionError):
                failed.add("web")
        assert self.call("getState")["statename"] == "RUNNING"
        return failed

    def count(self):
        return len(procfs.descriptors(self.daemon.pid)), len(procfs.descriptors(self.daemon.manager))

    def rest(self):
        """The count when everything works and the connections of before are gone."""
        assert not self.everything()
        seen = []

        def same():
            seen.append(self.count())
            return len(seen) > 10 and len(set(seen[-10:])) == 1
        eventually(same, what=lambda: f"descriptors at rest, are {seen[-10:]}")
        return seen[-1]

    def check(self, before):
        """All is well, and as many descriptors are open as before."""
        assert not self.everything()
        eventually(lambda: self.count() == before, what=lambda: f"descriptors: {before} before, {self.count()} now")
        last = f"type:number\n{self.numbers}"
        eventually(lambda: bodies(self.daemon.box, "REMOTE")[-1] == last, what="all events")
        self.others.check()


@pytest.mark.slow
@pytest.mark.limit(120)
@pytest.mark.parametrize("who", ["manager", "keeper"])
def test_each_place_that_opens_something_can_be_without_a_descriptor(box, who):
    walk = Walk(box)
    before = walk.rest()
    victim = {"manager": walk.daemon.manager, "keeper": walk.daemon.pid}[who]
    manager, highest, failures = walk.daemon.manager, procfs.descriptors(victim)[-1], {}
    pid = walk.daemon.pid_of("again")
    for more in range(12):
        with limited(victim, resource.RLIMIT_NOFILE, highest - 3 + more):
            # The last has enough; of the others some are not answered at all.
            failures[more] = walk.everything(0.5) if more < 11 else walk.everything()
            # It may have to be tried again, and is not forgotten.
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: not procfs.alive(pid), what="it ended")
        walk.daemon.rpc.stopProcess("again")  # without waiting for the next try
        walk.daemon.rpc.startProcess("again", False)
        pid = walk.daemon.wait_new_pid("again", pid)
        walk.check(before)
    assert walk.daemon.manager == manager, "the manager was replaced"
    assert failures[0] and not failures[11], failures
    assert "start" in set.union(*failures.values()), failures


CALLS = ["openat", "accept4,accept", "socketpair", "pipe2", "memfd_create", "fcntl", "dup,dup3", "eventfd2,epoll_create1"]


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.parametrize("calls", CALLS)
@pytest.mark.parametrize("who", ["manager", "keeper"])
def test_a_full_table_of_files_is_told_and_got_over(box, who, calls):
    """ENFILE, which no limit of a process brings about."""
    walk = Walk(box)
    before = walk.rest()
    manager = walk.daemon.manager
    # An fcntl that is no F_DUPFD could not fail like that, and children are of no interest here.
    with failing({"manager": manager, "keeper": walk.daemon.pid}[who], calls, "ENFILE"):
        answer = walk.call("startProcess", "x")
        if answer is True:
            assert walk.call("stopProcess", "x") is True
        else:
            assert answer.faultCode == 50 and "ENFILE" in walk.call("getProcessInfo", "x")["spawnerr"]
        assert walk.call("getState")["statename"] == "RUNNING"
    assert walk.daemon.manager == manager
    walk.check(before)


def test_a_manager_that_begins_without_descriptors_is_followed_by_one_that_has_them(box):
    """The keeper's limit is its successor's: nobody can take over, until somebody can."""
    walk = Walk(box)
    before = walk.rest()
    old = walk.daemon.manager
    pid = walk.daemon.pid_of("x") or walk.daemon.pid_of("again")
    hard = resource.prlimit(walk.daemon.pid, resource.RLIMIT_NOFILE)
    with limited(walk.daemon.pid, resource.RLIMIT_NOFILE, 20):
        os.kill(old, signal.SIGKILL)
        eventually(lambda: not procfs.alive(old), what="the manager gone")
    assert resource.prlimit(walk.daemon.pid, resource.RLIMIT_NOFILE) == hard
    walk.daemon.wait_up(30)
    walk.connect()
    assert walk.daemon.pid_of("again") == pid
    walk.others.check()
    walk.check(before)


def test_a_start_without_descriptors_says_so_or_succeeds(box, suite):
    """From far too few to enough: the daemon never just dies."""
    if suite.is_built_with("undefined"):
        pytest.skip("UndefinedBehaviorSanitizer looks through a pipe whether memory is there")
    outcomes = []
    for count in range(4, 60, 4):
        daemon = box.daemon("[program:x]\ncommand=sleep 600\n", start=False, supervisord="minfds=1",
                            preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count)))
        daemon.start(wait=False)
        eventually(lambda: daemon.process.poll() is not None or "supervisord started" in daemon.log(), what="an outcome")
        if daemon.process.poll() is None:
            outcomes.append(True)
            assert daemon.stop() == 0
        else:
            outcomes.append(False)
            assert "Too many open files" in daemon.output() or "EMFILE" in daemon.output() or "Error 24" in daemon.output(), \
                (count, daemon.output())
            assert daemon.process.returncode > 0 and "terminate called" not in daemon.output(), (count, daemon.output())
        for name in ("sd.log", "daemon.out"):
            if box.exists(name):
                os.unlink(box.path(name))
    assert not outcomes[0] and outcomes[-1] and sorted(outcomes) == outcomes, outcomes


LACKING = [("epoll_create1", "EMFILE"), ("eventfd2", "ENFILE"), ("openat", "EMFILE"), ("memfd_create", "ENFILE"),
           ("fcntl", "EMFILE"), ("recvmsg", "ENOMEM"), ("mmap", "ENOMEM"), ("clone3,clone", "EAGAIN"),
           ("socketpair,pipe2", "ENFILE")]


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.beyond("manager")
@pytest.mark.parametrize("calls, error", LACKING, ids=[f"{calls}-{error}" for calls, error in LACKING])
def test_a_successor_that_lacks_something_is_followed_by_one_that_does_not(box, calls, error):
    """The next manager gets an error from its first system call on, and so do all that follow it for a while."""
    walk = Walk(box)
    before = walk.rest()
    old = walk.daemon.manager
    pids = {name: walk.daemon.pid_of(name) for name in ("again", "l")}
    with failing(walk.daemon.pid, calls, error):
        os.kill(old, signal.SIGKILL)
        eventually(lambda: not procfs.alive(old), what="the manager gone")
        throughout(lambda: all(procfs.alive(pid) for pid in pids.values()), 0.7)
    walk.daemon.wait_up(30)
    walk.connect()
    assert {name: walk.daemon.pid_of(name) for name in pids} == pids
    if calls == "memfd_create":
        # It goes on without what would outlive its own end, and says so.
        assert "would not outlive a crash of the manager" in walk.daemon.log()
        before = walk.rest()
    walk.check(before)
