"""When resources run out: the daemon says so, keeps what runs, and goes on when they are back."""
import os
import re
import resource
import shutil
import signal
import socket

import pytest

from support import procfs
from support.http import call_body
from support.waiting import SCALE, eventually


def limited(soft, hard=None):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard or soft))


@pytest.mark.beyond("descriptors")
def test_without_descriptors_a_start_fails_and_works_again_later(box):
    daemon = box.daemon("[program:first]\ncommand=sleep 600\n"
                        "[program:x]\ncommand=sleep 600\nnumprocs=120\nprocess_name=%(process_num)03d\n"
                        "autostart=false\nstartretries=0\n",
                        supervisord="minfds=100", preexec=limited(100))
    first = daemon.wait_state("first", "RUNNING")["pid"]
    results = daemon.rpc.startProcessGroup("x")
    started = [r for r in results if r["status"] == 80]
    failed = [r for r in results if r["status"] != 80]
    assert started and failed
    assert {r["status"] for r in failed} == {50}
    texts = {daemon.info(f"x:{r['name']}")["spawnerr"] for r in failed}
    assert all(re.match(r"too many open files to spawn '\d{3}'|unknown error ", text) for text in texts), texts
    assert daemon.pid_of("first") == first and daemon.ctl("pid", "first").out == f"{first}\n"
    daemon.rpc.stopProcessGroup("x")
    assert daemon.call("startProcess", f"x:{failed[0]['name']}") == ("value", True)


@pytest.mark.root
def test_without_processes_a_start_fails_and_works_again_later(box):
    """RLIMIT_NPROC binds a user that is not root, so the daemon runs as one that nobody else is."""
    user = 54000 + os.getpid() % 1000
    os.chmod(box.folder, 0o777)

    def poor():
        resource.setrlimit(resource.RLIMIT_NPROC, (12, 12))
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    daemon = box.daemon("[program:x]\ncommand=sleep 600\nnumprocs=20\nprocess_name=%(process_num)02d\n"
                        "autostart=false\nstartretries=0\n", supervisord="minprocs=5", preexec=poor)
    results = daemon.rpc.startProcessGroup("x")
    failed = [r for r in results if r["status"] != 80]
    assert failed and len(failed) < 20, results
    text = daemon.info(f"x:{failed[0]['name']}")["spawnerr"]
    assert text == f"Too many processes in process table to spawn '{failed[0]['name']}'"
    daemon.rpc.stopProcessGroup("x")
    assert daemon.call("startProcess", f"x:{failed[0]['name']}") == ("value", True)


def test_a_log_folder_that_vanishes_is_a_spawn_error_until_it_is_back(box):
    os.mkdir(box.path("logs"))
    daemon = box.daemon(f"[program:x]\ncommand=sleep 600\nstdout_logfile={box}/logs/x\nstartretries=0\n"
                        "[program:y]\ncommand=sleep 600\n")
    daemon.wait_state("x", "RUNNING")
    daemon.rpc.stopProcess("x")
    os.unlink(box.path("logs/x"))
    os.rmdir(box.path("logs"))
    assert daemon.call("startProcess", "x")[:2] == ("fault", 50)
    assert daemon.info("x")["spawnerr"] == "unknown error making dispatchers for 'x': ENOENT"
    os.mkdir(box.path("logs"))
    assert daemon.call("startProcess", "x") == ("value", True)
    assert daemon.state("y") == "RUNNING"


def test_a_command_that_vanishes_is_told_and_found_again(box):
    program = box.script("x", "exec sleep 600")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstartretries=0\n")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    os.rename(program, program + ".away")
    os.kill(pid, 9)
    info = daemon.wait_state("x", "FATAL")
    assert info["spawnerr"] == f"can't find command '{program}'"
    os.rename(program + ".away", program)
    assert daemon.call("startProcess", "x") == ("value", True)


def test_many_idle_connections_do_not_keep_others_out(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    idle = []
    try:
        for _ in range(200):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(box.path("s"))
            idle.append(connection)
        assert daemon.rpc.getState()["statename"] == "RUNNING"
        pid = daemon.wait_state("x", "RUNNING")["pid"]
        os.kill(pid, 9)
        daemon.wait_new_pid("x", pid)
    finally:
        for connection in idle:
            connection.close()


def test_a_client_that_leaves_while_it_waits_changes_nothing(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\nautostart=false\nstartsecs=3\n")
    body = call_body("supervisor.startProcess", "x")
    with daemon.wire() as wire:
        wire.send(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        daemon.wait_state("x", "STARTING", "RUNNING")
    daemon.wait_state("x", "RUNNING")


@pytest.mark.beyond("keeper-stops")
def test_the_keeper_ends_its_children_when_it_is_asked_to_without_a_manager(box):
    """A manager that cannot be started any more must not leave the children unstoppable."""
    program = box.path("supervisord-copy")
    shutil.copy2(box.suite.supervisord, program)
    path = box.write("sd.conf", box.config("[program:x]\ncommand=sleep 600\n"))
    process = box.start([program, "-n", "-c", path])
    eventually(lambda: box.exists("sd.pid") and box.read("sd.pid"), what="a pidfile")
    child = eventually(lambda: [p for p in procfs.children(process.pid) if procfs.command_line(p)[0] == "sleep"],
                       what="the child")[0]
    manager = [p for p in procfs.children(process.pid) if p != child][0]
    os.unlink(program)
    os.kill(manager, signal.SIGKILL)
    eventually(lambda: not procfs.alive(manager), what="the manager gone")
    assert procfs.alive(child)
    process.terminate()
    process.wait(20 * SCALE)
    eventually(lambda: not procfs.alive(child), what="the child gone")
