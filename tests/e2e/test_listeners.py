"""Event listeners in adverse times: floods, restarts, reloads, and managers that die over their work."""
import os
import re
import signal

import pytest

from support.listeners import bodies, events, listener, wait_events
from support.waiting import eventually
from support import procfs


def kill_manager(daemon):
    old = daemon.manager
    os.kill(old, signal.SIGKILL)
    eventually(lambda: [p for p in procfs.children(daemon.pid) if p != old and procfs.is_manager(p)], what="a new manager")
    daemon.wait_up()


def serials(box, name="listener"):
    return [int(header["serial"]) for header, _ in events(box, name)]


def send(daemon, *numbers):
    for number in numbers:
        daemon.rpc.sendRemoteCommEvent("n", str(number))


def received(box, name="listener"):
    return [body.partition("\n")[2] for body in bodies(box, "REMOTE", name)]


# ---- a listener's work

@pytest.mark.slow
def test_a_flood_of_log_events_never_stalls_a_listener(box):
    program = box.python("x", "import sys\nfor n in range(2000):\n    print('line', n, flush=True)\n"
                              "sys.stdin.readline()\n")
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={listener(box)}\nevents=PROCESS_LOG\nbuffer_size=5000\n"
                        f"[program:x]\ncommand={program}\nstdout_events_enabled=true\nautostart=false\n")
    daemon.wait_state("listener", "RUNNING")
    daemon.rpc.startProcess("x")
    eventually(lambda: any("line 1999\n" in body for body in bodies(box, "PROCESS_LOG")), 30, "the last line")
    text = "".join(body.partition("\n")[2] for body in bodies(box, "PROCESS_LOG"))
    assert text == "".join(f"line {n}\n" for n in range(2000))


def test_an_event_larger_than_a_pipe_arrives_whole(box):
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={listener(box)}\nevents=REMOTE_COMMUNICATION\n")
    daemon.wait_state("listener", "RUNNING")
    large = "x" * 300_000
    daemon.rpc.sendRemoteCommEvent("large", large)
    assert wait_events(box, 1) == [f"type:large\n{large}"]


def test_what_a_listener_says_is_also_logged(box):
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={listener(box)}\nevents=REMOTE_COMMUNICATION\n"
                        f"stdout_logfile={box}/said\n")
    daemon.wait_state("listener", "RUNNING")
    eventually(lambda: box.read("said") == "READY\n", what="its first word")
    daemon.wait_log(r"DEBG 'listener' stdout output:\nb'READY\\n'")
    daemon.rpc.clearProcessLogs("listener")
    assert box.read("said") == ""
    os.rename(box.path("said"), box.path("moved"))
    daemon.signal(signal.SIGUSR2)
    eventually(lambda: box.exists("said"), what="the reopened log")
    send(daemon, 1)
    eventually(lambda: box.read("said") == "RESULT 2\nOKREADY\n", what="the log of what it said")


def test_the_last_words_of_a_listener_are_heard(box):
    program = box.python("brief", "import sys\nsys.stdout.write('READY\\n'); sys.stdout.flush()\n"
                                  "header = sys.stdin.readline()\nsys.stdin.read(int(header.split('len:')[1]))\n"
                                  "sys.stdout.write('RESULT 2\\nOK'); sys.stdout.flush()\n")
    daemon = box.daemon(f"[eventlistener:brief]\ncommand={program}\nevents=REMOTE_COMMUNICATION\nautorestart=false\n")
    daemon.wait_state("brief", "RUNNING")
    send(daemon, 1)
    daemon.wait_state("brief", "EXITED")
    assert ("DEBG", "brief: event was processed") in daemon.messages()
    assert "rebuffering" not in daemon.log()


def test_an_event_over_which_its_listener_dies_goes_to_another(box):
    deadly = listener(box, more="if 'deadly' in body and not __import__('os').path.exists('died'): "
                                "open('died', 'w').close(); sys.exit(1)")
    daemon = box.daemon(f"[eventlistener:l]\ncommand={deadly}\ndirectory={box}\nevents=REMOTE_COMMUNICATION\nnumprocs=2\n"
                        "process_name=%(process_num)d\n")
    for number in range(2):
        daemon.wait_state(f"l:{number}", "RUNNING")
    send(daemon, "deadly")
    wait_events(box, 2)
    assert received(box) == ["deadly", "deadly"] and serials(box) == [0, 0]


# ---- groups that come and go

def test_a_pool_that_is_added_later_hears_of_itself_first(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60\n")
    daemon.reconfigure(f"[eventlistener:listener]\ncommand={listener(box)}\n"
                       "events=PROCESS_STATE,PROCESS_GROUP\n[program:x]\ncommand=sleep 60\n")
    daemon.ctl("update")
    wait_events(box, 3)
    assert [header["eventname"] for header, _ in events(box)][:3] == [
        "PROCESS_GROUP_ADDED", "PROCESS_STATE_STARTING", "PROCESS_STATE_RUNNING"]
    assert serials(box)[0] == 0 and bodies(box, "")[0] == "groupname:listener\n"


def test_serials_go_on_over_a_restart_and_pool_serials_begin_again(box):
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={listener(box)}\nevents=REMOTE_COMMUNICATION\n")
    daemon.wait_state("listener", "RUNNING")
    send(daemon, 1, 2)
    wait_events(box, 2)
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("success: listener entered RUNNING", count=2)
    send(daemon, 3)
    wait_events(box, 3)
    assert [(header["serial"], header["poolserial"]) for header, _ in events(box)] == [("0", "0"), ("1", "1"), ("2", "0")]


# ---- managers that die

@pytest.mark.beyond("manager")
def test_a_listener_goes_on_under_the_next_manager(box):
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={listener(box)}\nevents=REMOTE_COMMUNICATION\n")
    pid = daemon.wait_state("listener", "RUNNING")["pid"]
    send(daemon, 0)
    wait_events(box, 1)
    for number in range(1, 4):
        kill_manager(daemon)
        send(daemon, number)
        wait_events(box, number + 1)
    assert received(box) == ["0", "1", "2", "3"] and serials(box) == [0, 1, 2, 3]
    assert daemon.pid_of("listener") == pid


@pytest.mark.beyond("manager")
@pytest.mark.parametrize("answer, times", [("RESULT 2\\nOK", 1), ("RESULT 4\\nFAIL", 2)])
def test_an_event_in_work_is_answered_to_the_next_manager(box, answer, times):
    slow = listener(box, more=f"""
    import os, time
    while not os.path.exists('{box}/go'): time.sleep(0.01)
    first = not os.path.exists('{box}/answered')
    open('{box}/answered', 'w').close()
    sys.stdout.write('{answer}' if first else 'RESULT 2\\nOK'); sys.stdout.flush()
    continue""")
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={slow}\nevents=REMOTE_COMMUNICATION\n")
    pid = daemon.wait_state("listener", "RUNNING")["pid"]
    send(daemon, "in work", "waiting")
    wait_events(box, 1)
    kill_manager(daemon)
    send(daemon, "later")
    box.write("go", "")
    wait_events(box, times + 2)
    assert received(box) == ["in work"] * times + ["waiting", "later"]
    assert daemon.pid_of("listener") == pid


@pytest.mark.beyond("manager")
@pytest.mark.slow
def test_managers_that_die_all_the_time_lose_no_event(box):
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={listener(box)}\nevents=REMOTE_COMMUNICATION\nbuffer_size=1000\n")
    daemon.wait_state("listener", "RUNNING")
    for turn in range(5):
        send(daemon, *range(turn * 10, turn * 10 + 10))
        kill_manager(daemon)
    wait_events(box, 50)
    assert received(box) == [str(number) for number in range(50)]
    assert not re.search("UNKNOWN state", daemon.log())
