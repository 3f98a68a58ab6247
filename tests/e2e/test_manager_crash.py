"""The manager may die at any moment: the keeper starts it again, and no child notices.

Every test kills the manager with SIGKILL and looks at what a user would see: the children's pids, what is done about
their later ends, their logs, their deadlines, and the answers of the daemon.
"""
import os
import re
import signal
import threading
import time

import pytest

from support import procfs
from support.starts import check_pauses, failing
from support.waiting import SCALE, eventually, promptly, timed

pytestmark = pytest.mark.beyond("manager")


def kill_manager(daemon):
    """Kills it, and waits until the next one is there; returns the new pid."""
    old = daemon.manager
    os.kill(old, signal.SIGKILL)

    def replaced():
        new = [p for p in procfs.children(daemon.pid) if p != old and procfs.is_manager(p)]
        return new and new[0]
    return eventually(replaced, what="a new manager")


def test_the_keeper_and_the_manager_are_what_ps_shows(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60\n")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    assert sorted(procfs.children(daemon.pid)) == sorted([daemon.manager, pid])
    assert "supervisord: manager" in box.execute("ps", "-o", "args=", "-p", daemon.manager).out
    assert daemon.rpc.getPID() == daemon.pid == int(box.read("sd.pid"))


def test_children_keep_their_pids_and_states(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\nnumprocs=20\nprocess_name=%(process_num)02d\n"
                        "[program:stopped]\ncommand=sleep 60\nautostart=false\n"
                        f"[program:done]\ncommand={box.script('done', 'exit 0')}\nstartsecs=0\n"
                        "[program:fatal]\ncommand=/no/such/file\nstartretries=0\n")
    for number in range(20):
        daemon.wait_state(f"x:{number:02}", "RUNNING")
    daemon.wait_state("done", "EXITED")
    daemon.wait_state("fatal", "FATAL")

    def picture():
        return [{k: v for k, v in info.items() if k not in ("now", "description")}
                for info in daemon.rpc.getAllProcessInfo()]
    before = picture()
    kill_manager(daemon)
    daemon.wait_up()
    assert picture() == before
    assert daemon.info("fatal")["description"] == "can't find command '/no/such/file'"
    assert daemon.process.poll() is None and daemon.rpc.getPID() == daemon.pid


@pytest.mark.limit(90)
def test_status_answers_again_within_half_a_second(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\nnumprocs=10\nprocess_name=%(process_num)d\n")
    daemon.wait_state("x:9", "RUNNING")

    def crash():
        os.kill(daemon.manager, signal.SIGKILL)
        daemon.wait_up()
    promptly(lambda: timed(crash), 0.5, attempts=3)
    done = daemon.ctl("status")
    assert done.code == 0 and len(re.findall(r"RUNNING   pid \d+, uptime ", done.out)) == 10


def test_a_later_exit_is_acted_on(box):
    program = box.script("x", f"while ! [ -e {box}/go ]; do sleep 0.02; done; rm {box}/go; exit 4")
    daemon = box.daemon(f"[program:again]\ncommand=sleep 600\n"
                        f"[program:once]\ncommand={program}\nautorestart=false\n")
    pid = daemon.wait_state("again", "RUNNING")["pid"]
    daemon.wait_state("once", "RUNNING")
    kill_manager(daemon)
    box.write("go", "")
    os.kill(pid, signal.SIGKILL)
    daemon.wait_up()
    daemon.wait_new_pid("again", pid)
    info = daemon.wait_state("once", "EXITED")
    assert info["exitstatus"] == 4
    assert ("WARN", "exited: once (exit status 4; not expected)") in daemon.messages()
    assert ("WARN", "exited: again (terminated by SIGKILL; not expected)") in daemon.messages()


def stop_manager(daemon):
    """Freezes the manager, so that things happen while nobody manages."""
    pid = daemon.manager
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: procfs.status(pid, "State").startswith("T"), what="a frozen manager")
    return pid


def test_an_exit_while_there_is_no_manager_is_not_forgotten(box):
    program = box.script("x", f"while ! [ -e {box}/go ]; do sleep 0.02; done; exit 4")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nautorestart=false\nstdout_logfile={box}/out\n")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    frozen = stop_manager(daemon)
    box.write("go", "")
    eventually(lambda: not procfs.alive(pid), what="the program gone")
    os.kill(frozen, signal.SIGKILL)
    daemon.wait_up()
    assert daemon.wait_state("x", "EXITED")["exitstatus"] == 4
    assert daemon.log().count("exited: x ") == 1


def test_an_exit_while_there_is_no_manager_restarts_the_program(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    frozen = stop_manager(daemon)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not procfs.alive(pid), what="the program gone")
    os.kill(frozen, signal.SIGKILL)
    daemon.wait_up()
    daemon.wait_new_pid("x", pid)
    assert daemon.log().count("exited: x ") == 1


def test_logs_go_on_without_loss(box):
    program = box.python("x", "import os, time\nfor i in range(30000):\n  os.write(1, b'%07d\\n' % i)\n"
                              "  if i % 30 == 0: time.sleep(0.002)\n"
                              f"open('{box}/through', 'w')\ntime.sleep(1000)\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/out\nstdout_logfile_maxbytes=0\n",
                        supervisord="loglevel=info")
    daemon.wait_state("x", "STARTING", "RUNNING")
    for _ in range(4):
        size = len(box.bytes("out"))
        kill_manager(daemon)
        daemon.wait_up()
        eventually(lambda: len(box.bytes("out")) > size or box.exists("through"), what="output behind the crash")
    eventually(lambda: box.exists("through"), 30, "the program through its output")
    expected = b"".join(b"%07d\n" % i for i in range(30000))
    eventually(lambda: len(box.bytes("out")) >= len(expected), what="all output")
    assert box.bytes("out") == expected


def test_output_written_while_there_is_no_manager_is_kept(box):
    program = box.script("x", f"while ! [ -e {box}/go ]; do sleep 0.02; done; echo while nobody looked; "
                              f"touch {box}/said; exec sleep 600")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/out\n")
    daemon.wait_state("x", "RUNNING")
    frozen = stop_manager(daemon)
    box.write("go", "")
    eventually(lambda: box.exists("said"), what="the program to speak")
    os.kill(frozen, signal.SIGKILL)
    assert box.wait_lines("out", 1) == ["while nobody looked"]


def test_standard_input_still_works_after_a_crash(box):
    daemon = box.daemon(f"[program:x]\ncommand=/bin/cat\nstdout_logfile={box}/out\n")
    daemon.wait_state("x", "RUNNING")
    kill_manager(daemon)
    daemon.wait_up()
    daemon.rpc.sendProcessStdin("x", "hello\n")
    assert box.wait_lines("out", 1) == ["hello"]


@pytest.mark.slow
def test_ten_crashes_in_a_row_are_survived(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n[program:y]\ncommand=sleep 600\n")
    pids = {name: daemon.wait_state(name, "RUNNING")["pid"] for name in "xy"}
    for _ in range(10):
        os.kill(daemon.manager, signal.SIGKILL)
        daemon.wait_up(30)
        assert {name: daemon.pid_of(name) for name in "xy"} == pids
    assert daemon.ctl("stop", "x").out == "x: stopped\n"
    assert daemon.stop() == 0
    assert not any(procfs.alive(pid) for pid in pids.values())


def test_a_manager_killed_before_it_answers_is_replaced_again(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    for _ in range(4):
        kill_manager(daemon)
    daemon.wait_up(30)
    assert daemon.pid_of("x") == pid and procfs.alive(pid)


def test_startsecs_go_on_over_a_crash(box):
    startsecs = 5 * SCALE
    daemon = box.daemon(f"[program:x]\ncommand=sleep 600\nstartsecs={int(startsecs)}\n")
    daemon.wait_state("x", "STARTING")
    began = time.monotonic()
    eventually(lambda: time.monotonic() > began + startsecs / 2, what="half of its time")
    killed = time.monotonic()
    kill_manager(daemon)
    daemon.wait_up()
    assert daemon.state("x") == "STARTING"
    daemon.wait_state("x", "RUNNING")
    assert time.monotonic() < killed + startsecs, "they began anew"
    assert daemon.log().count("spawned: 'x'") == 1


@pytest.mark.slow
def test_the_kill_deadline_of_a_stop_goes_on_over_a_crash(box):
    program = box.script("x", "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstopwaitsecs=3\nstdout_logfile={box}/out\n")
    box.wait_lines("out", 1)
    pid = daemon.pid_of("x")
    daemon.rpc.stopProcess("x", False)
    began = time.monotonic()
    kill_manager(daemon)
    daemon.wait_up()
    assert daemon.state("x") == "STOPPING" and procfs.alive(pid)
    daemon.wait_state("x", "STOPPED")
    assert 2.5 < time.monotonic() - began < 3 + 5 * SCALE
    assert ("WARN", f"killing 'x' ({pid}) with SIGKILL") in daemon.messages()
    assert ("WARN", "stopped: x (terminated by SIGKILL)") in daemon.messages()


@pytest.mark.slow
def test_back_off_goes_on_over_a_crash(box):
    daemon = box.daemon(f"[program:x]\ncommand={failing(box)}\nstartretries=3\n")
    daemon.wait_log("exited: x", count=2)
    daemon.wait_state("x", "BACKOFF")
    kill_manager(daemon)
    daemon.wait_up()
    daemon.wait_state("x", "FATAL", timeout=20)
    check_pauses(box, 1, 2, 3, late=SCALE)


def test_what_was_stopped_stays_stopped(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    daemon.wait_state("x", "RUNNING")
    daemon.rpc.stopProcess("x")
    kill_manager(daemon)
    daemon.wait_up()
    assert daemon.state("x") == "STOPPED"
    assert daemon.ctl("start", "x").out == "x: started\n"


def test_the_running_configuration_is_kept_not_the_file(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    box.write("sd.conf", "[supervisord]\nthis is broken\n")
    kill_manager(daemon)
    daemon.wait_up()
    assert daemon.pid_of("x") == pid
    daemon.reconfigure("[program:y]\ncommand=sleep 600\n")
    assert daemon.ctl("update").out.splitlines() == ["x: stopped", "x: removed process group", "y: added process group"]
    kill_manager(daemon)
    daemon.wait_up()
    assert [info["name"] for info in daemon.rpc.getAllProcessInfo()] == ["y"]


def test_signals_to_the_daemon_are_obeyed_by_the_next_manager(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    frozen = stop_manager(daemon)
    daemon.signal(signal.SIGTERM)
    os.kill(frozen, signal.SIGKILL)
    assert daemon.wait_exit() == 0
    assert not procfs.alive(pid) and not box.exists("sd.pid") and not box.exists("s")


def test_a_crash_during_shutdown_ends_in_a_shutdown(box):
    program = box.script("x", "trap 'sleep 1; exit 0' TERM\necho ready\nwhile :; do sleep 0.1; done\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/out\n[program:y]\ncommand=sleep 600\n")
    box.wait_lines("out", 1)
    pids = [info["pid"] for info in daemon.rpc.getAllProcessInfo()]
    daemon.signal(signal.SIGTERM)
    daemon.wait_log("received SIGTERM indicating exit request")
    os.kill(daemon.manager, signal.SIGKILL)
    assert daemon.wait_exit() == 0
    assert not any(procfs.alive(pid) for pid in pids)


def test_clients_that_wait_are_cut_off_and_can_ask_again(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\nstartsecs=2\nautostart=false\n")
    failures = []

    def start():
        try:
            daemon.rpc.startProcess("x")
        except Exception as error:  # which one depends on how far the answer had come
            failures.append(error)
    caller = threading.Thread(target=start)
    caller.start()
    pid = daemon.wait_executed("x")
    kill_manager(daemon)
    caller.join(10 * SCALE)
    assert not caller.is_alive() and len(failures) == 1
    daemon.wait_up()
    assert daemon.wait_state("x", "RUNNING")["pid"] == pid


def test_an_event_listener_goes_on_after_a_crash(box):
    listener = box.python("listener", f"""import sys
log = open('{box}/events', 'a', buffering=1)
while True:
    sys.stdout.write('READY\\n'); sys.stdout.flush()
    header = dict(pair.split(':') for pair in sys.stdin.readline().split())
    body = sys.stdin.read(int(header['len']))
    log.write(header['eventname'] + ' ' + body + '\\n')
    sys.stdout.write('RESULT 2\\nOK'); sys.stdout.flush()
""")
    daemon = box.daemon(f"[eventlistener:l]\ncommand={listener}\nevents=REMOTE_COMMUNICATION\n")
    pid = daemon.wait_state("l", "RUNNING")["pid"]
    daemon.rpc.sendRemoteCommEvent("before", "1")
    eventually(lambda: "type:before" in box.read("events"), what="the first event")
    kill_manager(daemon)
    daemon.wait_up()
    daemon.rpc.sendRemoteCommEvent("after", "2")
    eventually(lambda: "type:after" in box.read("events"), what="the second event")
    assert daemon.pid_of("l") == pid
    assert box.read("events").count("type:before") == 1


def test_in_daemon_mode_too(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n", foreground=False)
    eventually(lambda: box.read("sd.pid"), what="a pidfile")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    keeper = daemon.pid
    kill_manager(daemon)
    daemon.wait_up()
    assert daemon.pid == keeper and daemon.pid_of("x") == pid
    daemon.ctl("shutdown")
    eventually(lambda: not procfs.alive(keeper), what="the daemon gone")
    assert not procfs.alive(pid)


def test_a_manager_that_ends_takes_no_child_along_when_the_keeper_is_told_to_stop(box):
    """TERM to the whole process group, as a terminal's Ctrl-C or a container's stop does it."""
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    os.killpg(daemon.pid, signal.SIGINT)
    assert daemon.wait_exit() == 0
    assert not procfs.alive(pid)
    assert ("WARN", "received SIGINT indicating exit request") in daemon.messages()
    assert ("WARN", "stopped: x (terminated by SIGTERM)") in daemon.messages()
