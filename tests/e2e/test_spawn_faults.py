"""Starting a program when the system refuses to help: what the operator sees, and that nobody else is disturbed."""
import os
import signal

import pytest

from support import procfs
from support.bystanders import Bystanders, config
from support.faults import CLONE_FILES, CLONE_VFORK, failing, refusing
from support.listeners import bodies, listener
from support.waiting import eventually

pytestmark = pytest.mark.beyond("manager")

# Whatever of these is refused, all works.
SANDBOXES = {
    "clone that shares descriptors": {("clone", CLONE_FILES | CLONE_VFORK): "EPERM", "vfork": "EPERM"},
    "clone with EINVAL": {("clone", CLONE_VFORK): "EINVAL"},
    "clone3": {"clone3": "ENOSYS"},
    "close_range": {"close_range": "ENOSYS"},
    "close_range by permission": {"close_range": "EPERM"},
    "pidfd_open": {"pidfd_open": "EPERM"},
    "epoll_pwait2": {"epoll_pwait2": "ENOSYS"},
    "splice": {"splice": "EPERM"},
    "all of an old kernel": {"clone3": "ENOSYS", "close_range": "ENOSYS", "pidfd_open": "ENOSYS",
                             "epoll_pwait2": "ENOSYS", ("clone", CLONE_VFORK): "EPERM", "vfork": "EPERM"},
}


@pytest.mark.parametrize("rules", SANDBOXES.values(), ids=SANDBOXES.keys())
def test_what_a_sandbox_refuses_is_done_in_another_way(box, rules):
    program = box.script("x", "read line; echo got $line; exec sleep 600")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/x.log\n"
                        f"[eventlistener:l]\ncommand={listener(box)}\nevents=PROCESS_STATE\n"
                        + config(box), preexec=refusing(rules),
                        # LeakSanitizer looks from a process that it may not make here.
                        env={"ASAN_OPTIONS": "detect_leaks=0"})
    others = Bystanders(daemon)
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    daemon.rpc.sendProcessStdin("x", "this\n")
    assert box.wait_lines("x.log") == ["got this"]
    eventually(lambda: procfs.command_line(pid) == ["sleep", "600"] and procfs.descriptors(pid) == [0, 1, 2],
               what=lambda: f"the program at rest with three descriptors, has {procfs.descriptors(pid)}")
    os.kill(pid, signal.SIGKILL)
    pid = daemon.wait_new_pid("x", pid)
    daemon.wait_state("l", "RUNNING")
    eventually(lambda: bodies(box, "PROCESS_STATE_EXITED"), what="an event")
    os.kill(daemon.manager, signal.SIGKILL)
    daemon.wait_log("its successor has taken over")
    daemon.wait_up()
    assert daemon.pid_of("x") == pid
    daemon.rpc.stopProcess("x")
    eventually(lambda: bodies(box, "PROCESS_STATE_STOPPED"), what="an event")
    others.check()
    assert daemon.stop() == 0


def test_without_memory_files_a_daemon_says_that_it_cannot_start(box):
    """The configuration has to outlive the manager in one."""
    daemon = box.daemon(config(box), start=False, preexec=refusing({"memfd_create": "ENOSYS"})).start(wait=False)
    assert daemon.wait_exit() == 2
    assert "memfd_create: Function not implemented" in daemon.output()


REASONS = {
    "EAGAIN": "Too many processes in process table to spawn 'x'",
    "ENOMEM": "unknown error during fork for 'x': ENOMEM",
}


@pytest.mark.root
@pytest.mark.parametrize("error", REASONS)
def test_a_process_that_cannot_be_made_is_a_failed_start(box, error):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\nautostart=false\nstartretries=0\n"
                        "[program:again]\ncommand=sleep 600\nstartretries=1000\n" + config(box))
    others = Bystanders(daemon)
    pid = daemon.wait_state("again", "RUNNING")["pid"]
    with failing(daemon.pid, "clone,vfork,fork,clone3", error):
        assert daemon.call("startProcess", "x") == ("fault", 50, "SPAWN_ERROR: x")
        assert daemon.info("x")["spawnerr"] == REASONS[error]
        daemon.wait_state("x", "FATAL")
        assert ("INFO", f"spawnerr: {REASONS[error]}") in daemon.messages()
        # One that ends meanwhile is tried again until it can be started.
        os.kill(pid, signal.SIGKILL)
        daemon.wait_state("again", "BACKOFF")
        others.check()
    assert daemon.wait_state("again", "RUNNING")["pid"] != pid
    assert daemon.call("startProcess", "x") == ("value", True)
    others.check()


@pytest.mark.root
@pytest.mark.parametrize("calls, error", [("pipe2", "EMFILE"), ("pipe2", "ENFILE")])
def test_pipes_that_cannot_be_made_are_a_failed_start(box, calls, error):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\nautostart=false\nstartretries=0\n" + config(box))
    others = Bystanders(daemon)
    reason = {"EMFILE": "too many open files to spawn 'x'",
              "ENFILE": "unknown error making dispatchers for 'x': ENFILE"}[error]
    with failing(daemon.pid, calls, error):
        assert daemon.call("startProcess", "x")[:2] == ("fault", 50)
        assert daemon.info("x")["spawnerr"] == reason
        others.check()
    assert daemon.call("startProcess", "x") == ("value", True)
    others.check()


@pytest.mark.root
@pytest.mark.parametrize("calls, error", [("socketpair", "EMFILE"), ("socketpair", "ENFILE"),
                                          ("clone,vfork,fork,clone3", "EAGAIN"), ("clone,vfork,fork,clone3", "ENOMEM")])
def test_a_manager_that_cannot_be_started_comes_when_it_can(box, calls, error):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n" + config(box))
    others = Bystanders(daemon)
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    manager = daemon.manager
    with failing(daemon.pid, calls, error):
        os.kill(manager, signal.SIGKILL)
        eventually(lambda: not procfs.alive(manager), what="the manager gone")
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not procfs.alive(pid), what="the program gone")
    daemon.wait_up(30)
    daemon.wait_new_pid("x", pid)
    others.check()
