"""The clock is set back and forth, processes are frozen, machines sleep: durations go on as they are, and nothing is
done twice or caught up."""
import os
import re
import signal
import time

import pytest

from support import procfs
from support.bystanders import Bystanders, config
from support.faults import SettableClock
from support.listeners import bodies, listener
from support.starts import check_pauses, failing, start_times
from support.waiting import SCALE, eventually, throughout

HOUR = 3600


@pytest.mark.slow
@pytest.mark.beyond("on-time")
@pytest.mark.parametrize("step", [HOUR, -HOUR, 400 * 24 * HOUR, -400 * 24 * HOUR],
                         ids=["an hour on", "an hour back", "a year on", "a year back"])
def test_a_clock_that_is_set_changes_no_duration(box, step):
    clock = SettableClock(box)
    deaf = box.script("deaf", "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n")
    daemon = box.daemon(f"[program:failing]\ncommand={failing(box)}\nstartretries=2\n"
                        "[program:slow]\ncommand=sleep 600\nstartsecs=3\nautostart=false\n"
                        f"[program:deaf]\ncommand={deaf}\nstopwaitsecs=2\nstdout_logfile={box}/deaf.log\n"
                        + config(box), env=clock.env)
    others = Bystanders(daemon)
    box.wait_lines("deaf.log")
    daemon.wait_state("failing", "FATAL", timeout=20)
    os.unlink(box.path("starts"))
    began = time.monotonic()
    daemon.rpc.startProcess("failing", False)
    daemon.rpc.startProcess("slow", False)
    daemon.rpc.stopProcess("deaf", False)
    clock.set(step)
    daemon.wait_state("deaf", "STOPPED")
    # What counts on the clock comes at once or never, which leaves much time for other load on the machine.
    assert 1.9 < time.monotonic() - began < 2 + 8 * SCALE
    daemon.wait_state("slow", "RUNNING")
    assert 2.9 < time.monotonic() - began < 3 + 8 * SCALE
    daemon.wait_state("failing", "FATAL", timeout=20)
    check_pauses(box, 1, 2, late=8 * SCALE)
    status = daemon.ctl("status", "slow").out
    assert re.match(r"slow +RUNNING   pid \d+, uptime ", status), status
    others.check()
    clock.set(0)
    pid = daemon.pid_of("slow")
    os.kill(pid, signal.SIGKILL)
    daemon.wait_new_pid("slow", pid)
    assert daemon.log().count("gave up: failing") == 2
    others.check()


@pytest.mark.slow
def test_ticks_follow_a_clock_that_is_set_and_are_not_caught_up(box):
    clock = SettableClock(box)
    daemon = box.daemon(f"[eventlistener:l]\ncommand={listener(box)}\nevents=TICK_5\n" + config(box), env=clock.env)
    daemon.wait_state("l", "RUNNING")

    def ticks():
        return [int(body.split(":")[1]) for body in bodies(box, "TICK_5")]
    eventually(ticks, what="a tick")
    for step in (HOUR, -HOUR):
        count = len(ticks())
        clock.set(step)
        eventually(lambda: len(ticks()) >= count + 2, 30, what=lambda: f"ticks after the clock was set: {ticks()}")
        assert len(ticks()) <= count + 3
        assert abs(ticks()[-1] - (time.time() + step)) < 5 + 2 * SCALE
        assert all(tick % 5 == 0 for tick in ticks())


def frozen(pids, seconds):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    eventually(lambda: all(procfs.status(pid, "State").startswith("T") for pid in pids), what="all frozen")
    time.sleep(seconds)
    for pid in reversed(pids):
        os.kill(pid, signal.SIGCONT)


@pytest.mark.slow
@pytest.mark.beyond("manager")
@pytest.mark.parametrize("who", ["manager", "keeper", "both", "everybody"])
def test_who_was_frozen_goes_on(box, who):
    """What a suspended machine or container, a debugger, or a processor that others use up look like from inside."""
    daemon = box.daemon(f"[program:failing]\ncommand={failing(box)}\nstartretries=2\n"
                        "[program:killed]\ncommand=sleep 600\n"
                        "[program:slow]\ncommand=sleep 600\nstartsecs=1\nautostart=false\n"
                        f"[eventlistener:l]\ncommand={listener(box)}\nevents=PROCESS_STATE_EXITED\n"
                        + config(box))
    others = Bystanders(daemon)
    keeper, manager = daemon.pid, daemon.manager
    pids = {name: daemon.wait_state(name, "RUNNING")["pid"] for name in ("killed", "l")}
    daemon.wait_state("failing", "FATAL", timeout=20)
    os.unlink(box.path("starts"))
    daemon.rpc.startProcess("failing", False)
    daemon.rpc.startProcess("slow", False)
    slow = daemon.wait_executed("slow")
    os.kill(pids["killed"], signal.SIGKILL) if who in ("keeper", "both") else None
    frozen({"manager": [manager], "keeper": [keeper], "both": [keeper, manager],
            "everybody": [keeper, manager, slow, *pids.values(), *others.pids.values()]}[who], 4)
    if who not in ("keeper", "both"):
        os.kill(pids["killed"], signal.SIGKILL)
    daemon.wait_state("slow", "RUNNING")
    daemon.wait_state("failing", "FATAL", timeout=20)
    # Nothing is caught up: as many tries as ever, but for a start or an end over which the keeper was frozen, so that
    # nobody knows how long that one ran.
    assert 3 <= len(start_times(box)) <= (3 if who == "manager" else 5)
    daemon.wait_new_pid("killed", pids["killed"])
    eventually(lambda: [b for b in bodies(box, "PROCESS_STATE_EXITED") if "processname:killed" in b], what="an event")
    assert daemon.pid_of("slow") == slow and daemon.pid_of("l") == pids["l"]
    assert daemon.pid == keeper and daemon.manager == manager
    assert daemon.log().count("exited: killed") == 1
    assert len([body for body in bodies(box, "PROCESS_STATE_EXITED") if "processname:killed" in body]) == 1
    others.check()


@pytest.mark.beyond("manager")
def test_a_call_to_a_frozen_manager_is_answered_when_it_goes_on(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n" + config(box))
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    manager = daemon.manager
    os.kill(manager, signal.SIGSTOP)
    with daemon.wire() as wire:
        wire.send(b"GET / HTTP/1.0\r\n\r\n")
        throughout(lambda: procfs.alive(pid), 0.3)
        os.kill(manager, signal.SIGCONT)
        assert wire.reply().status == 200
    assert daemon.pid_of("x") == pid
