"""Programs that do what programs should not: they cost themselves something, and nobody else."""
import os
import signal
import time

import pytest

from support import procfs
from support.bystanders import Bystanders, config
from support.waiting import SCALE, eventually


def zombies(pid):
    found = []
    for candidate in procfs.every_pid():
        try:
            if procfs.parent(candidate) == pid and not procfs.alive(candidate):
                found.append(candidate)
        except OSError:
            pass
    return found


def test_a_stopped_child_is_killed_when_it_does_not_obey(box):
    """A TERM waits until a process that got SIGSTOP goes on."""
    daemon = box.daemon("[program:x]\ncommand=sleep 600\nstopwaitsecs=1\n" + config(box))
    others = Bystanders(daemon)
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: procfs.status(pid, "State").startswith("T"), what="a stopped child")
    assert daemon.state("x") == "RUNNING"
    assert daemon.call("stopProcess", "x") == ("value", True)
    assert not procfs.alive(pid)
    assert ("WARN", f"killing 'x' ({pid}) with SIGKILL") in daemon.messages()
    assert ("WARN", "stopped: x (terminated by SIGKILL)") in daemon.messages()
    others.check()


def test_a_child_that_was_stopped_and_goes_on_was_never_gone(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n" + config(box))
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    size = len(daemon.log())
    for number in (signal.SIGSTOP, signal.SIGCONT) * 3:
        os.kill(pid, number)
    assert daemon.pid_of("x") == pid and daemon.state("x") == "RUNNING"
    assert "x" not in [line.split()[-1] for line in daemon.log()[size:].splitlines() if "exited" in line]


@pytest.mark.beyond("orphans")
def test_what_a_fork_bomb_leaves_behind_is_reaped_and_nobody_notices(box):
    """200 processes that lose their parent, and then end at the same time."""
    bomb = box.python("x", f"""import os, time
for number in range(200):
    if os.fork() == 0:
        os.setsid()
        while not os.path.exists('{box}/go'):
            time.sleep(0.05)
        os._exit(number % 7)
open('{box}/forked', 'w').close()
os._exit(3)
""")
    daemon = box.daemon(f"[program:x]\ncommand={bomb}\nautorestart=false\nstartsecs=0\n" + config(box))
    others = Bystanders(daemon)
    eventually(lambda: box.exists("forked"), 20, what="the bomb")
    assert daemon.wait_state("x", "EXITED", timeout=20)["exitstatus"] == 3
    eventually(lambda: len(procfs.children(daemon.pid)) >= 200, what="the orphans with the daemon")
    others.check()
    box.write("go", "")
    eventually(lambda: len(procfs.children(daemon.pid)) == 3 and not zombies(daemon.pid), 20, what="all reaped")
    others.check()
    assert daemon.state("x") == "EXITED"


def test_the_group_of_a_fork_bomb_can_be_killed(box):
    bomb = box.python("x", "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                           "for _ in range(100):\n  if os.fork() == 0: break\nprint('ready')\n"
                           "while True: time.sleep(1)\n")
    daemon = box.daemon(f"[program:x]\ncommand={bomb}\nstopwaitsecs=1\nstopasgroup=true\nkillasgroup=true\n"
                        f"stdout_logfile={box}/x.log\n" + config(box))
    others = Bystanders(daemon)
    box.wait_lines("x.log", 101, timeout=30)
    pid = daemon.pid_of("x")
    members = [p for p in procfs.every_pid() if procfs.alive(p) and procfs.group(p) == pid]
    assert len(members) == 101
    assert daemon.call("stopProcess", "x") == ("value", True)
    eventually(lambda: not any(procfs.alive(p) for p in members), what="all of them gone")
    eventually(lambda: not zombies(daemon.pid), what="all of them reaped")
    others.check()


@pytest.mark.beyond("pipe-end-message")
def test_a_child_that_closes_its_pipes_is_supervised_as_before(box):
    program = box.python("x", f"import os, signal\nos.close(0); os.close(1); os.close(2)\nopen('{box}/closed', 'w')\n"
                              "signal.pause()\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\n" + config(box))
    others = Bystanders(daemon)
    eventually(lambda: box.exists("closed"), what="the pipes closed")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    daemon.wait_log("the stdout of x is closed, stopped monitoring it")
    assert daemon.call("sendProcessStdin", "x", "text")[:2] == ("fault", 20)
    os.kill(pid, signal.SIGKILL)
    daemon.wait_new_pid("x", pid)
    others.check()


@pytest.mark.beyond("child-signals")
def test_an_end_is_told_though_somebody_else_has_the_pipes(box):
    """The child passes its output on to a process that outlives it and goes on writing."""
    program = box.script("x", f"(while :; do echo late; sleep 0.01; done) &\necho $! > {box}/heir\necho early\nexit 4\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nautorestart=false\nstartsecs=0\nstdout_logfile={box}/x.log\n"
                        + config(box))
    others = Bystanders(daemon)
    began = time.monotonic()
    assert daemon.wait_state("x", "EXITED")["exitstatus"] == 4
    assert time.monotonic() - began < 5 * SCALE
    assert "early" in box.lines("x.log")
    # Its pipe is closed, so that it ends as it would anywhere.
    heir = int(box.wait_lines("heir")[0])
    eventually(lambda: not procfs.alive(heir), what="the heir gone")
    others.check()


@pytest.mark.beyond("manager")
def test_a_child_that_passes_its_pipes_on_and_is_started_again_writes_into_its_own(box):
    program = box.script("x", f"echo run >> {box}/runs\nsetsid sleep 600 &\necho here\nsleep 0.05\nexit 1\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstartsecs=0\nautorestart=true\nstdout_logfile={box}/x.log\n"
                        + config(box))
    others = Bystanders(daemon)
    box.wait_lines("runs", 10, timeout=20)
    daemon.rpc.stopProcess("x")
    runs = len(box.lines("runs"))
    assert abs(len(box.wait_lines("x.log", runs - 1)) - runs) <= 1
    keeper, manager = len(procfs.descriptors(daemon.pid)), len(procfs.descriptors(daemon.manager))
    daemon.rpc.startProcess("x", False)
    box.wait_lines("runs", runs + 10, timeout=20)
    daemon.rpc.stopProcess("x")
    eventually(lambda: len(procfs.descriptors(daemon.pid)) == keeper, what="as many descriptors in the keeper")
    eventually(lambda: len(procfs.descriptors(daemon.manager)) <= manager + 1, what="no descriptor lost")
    others.check()
