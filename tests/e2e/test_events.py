"""Event listeners: what they are sent, byte for byte, and what is done about what they answer."""
import os
import re
import signal

import pytest

from support.listeners import bodies, events, listener, wait_events
from support.waiting import eventually


def test_the_life_of_a_process_as_events(box):
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={listener(box)}\nevents=PROCESS_STATE\nbuffer_size=100\n"
                        "[program:x]\ncommand=sleep 600\nautostart=false\n")
    daemon.wait_state("listener", "RUNNING")
    daemon.rpc.startProcess("x")
    pid = daemon.pid_of("x")
    daemon.rpc.stopProcess("x")

    def of_x():
        return [(h["eventname"], b) for h, b in events(box) if "processname:x " in b]
    eventually(lambda: len(of_x()) == 4, what=lambda: f"four events, got {of_x()}")
    assert of_x() == [
        ("PROCESS_STATE_STARTING", "processname:x groupname:x from_state:STOPPED tries:0"),
        ("PROCESS_STATE_RUNNING", f"processname:x groupname:x from_state:STARTING pid:{pid}"),
        ("PROCESS_STATE_STOPPING", f"processname:x groupname:x from_state:RUNNING pid:{pid}"),
        ("PROCESS_STATE_STOPPED", f"processname:x groupname:x from_state:STOPPING pid:{pid}")]


@pytest.mark.slow
def test_failing_starts_as_events(box):
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={listener(box)}\nevents=PROCESS_STATE\nbuffer_size=100\n"
                        f"[program:x]\ncommand={box.script('x', 'exit 3')}\nautostart=false\nstartretries=1\n")
    daemon.wait_state("listener", "RUNNING")
    daemon.call("startProcess", "x", False)
    daemon.wait_state("x", "FATAL")
    head = "processname:x groupname:x from_state:"

    def of_x():
        return [(h["eventname"], b) for h, b in events(box) if "processname:x " in b]
    eventually(lambda: len(of_x()) == 5, what=lambda: f"five events, got {of_x()}")
    assert of_x() == [
        ("PROCESS_STATE_STARTING", head + "STOPPED tries:0"), ("PROCESS_STATE_BACKOFF", head + "STARTING tries:1"),
        ("PROCESS_STATE_STARTING", head + "BACKOFF tries:1"), ("PROCESS_STATE_BACKOFF", head + "STARTING tries:2"),
        ("PROCESS_STATE_FATAL", head + "BACKOFF")]


def test_an_exit_tells_whether_it_was_expected(box):
    program = box.script("x", "read code; exit $code")
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={listener(box)}\nevents=PROCESS_STATE_EXITED\n"
                        f"[program:x]\ncommand={program}\nautorestart=false\nexitcodes=0,2\n")
    for code, expected in ((2, 1), (3, 0)):
        pid = daemon.wait_state("x", "RUNNING")["pid"]
        daemon.rpc.sendProcessStdin("x", f"{code}\n")
        daemon.wait_state("x", "EXITED")
        wait_events(box, 1 + (code == 3))
        assert bodies(box, "")[-1] == f"processname:x groupname:x from_state:RUNNING expected:{expected} pid:{pid}"
        daemon.rpc.startProcess("x")


def test_the_header_is_supervisors(box):
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={listener(box)}\nevents=REMOTE_COMMUNICATION\n",
                        supervisord="identifier=me")
    daemon.wait_state("listener", "RUNNING")
    for number in range(2):
        daemon.rpc.sendRemoteCommEvent("typ", f"daté {number}")
    wait_events(box, 2)
    for number, (header, body) in enumerate(events(box)):
        assert body == f"type:typ\ndaté {number}"
        assert header["raw"] == (f"ver:3.0 server:me serial:{number} pool:listener poolserial:{number} "
                                 f"eventname:REMOTE_COMMUNICATION len:{len(body)}\n")


def test_output_as_events_and_captured_text(box):
    program = box.python("x", "import os, time\nos.write(1, b'hello out\\n')\ntime.sleep(0.1)\n"
                              "os.write(2, b'hello err\\n')\ntime.sleep(0.1)\n"
                              "os.write(1, b'before<!--XSUPERVISOR:BEGIN-->captured<!--XSUPERVISOR:END-->behind'"
                              " + b'.' * 40 + b'\\n')\ntime.sleep(1000)\n")
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={listener(box)}\nevents=PROCESS_LOG,PROCESS_COMMUNICATION\n"
                        f"buffer_size=100\n[program:x]\ncommand={program}\nstdout_events_enabled=true\n"
                        f"stderr_events_enabled=true\nstdout_capture_maxbytes=1KB\nstdout_logfile={box}/out\n")
    wait_events(box, 1, "PROCESS_COMMUNICATION")
    pid = daemon.pid_of("x")
    assert bodies(box, "PROCESS_COMMUNICATION") == [f"processname:x groupname:x pid:{pid}\ncaptured"]
    told = f"processname:x groupname:x pid:{pid} channel:stderr\nhello err\n"
    eventually(lambda: told in bodies(box, "PROCESS_LOG_STDERR"), what="the output to the other channel")
    assert bodies(box, "PROCESS_LOG_STDOUT")[0].startswith(f"processname:x groupname:x pid:{pid} channel:stdout\nhello out")
    eventually(lambda: "before" in box.read("out") and "behind" in box.read("out"), what="the text around it in the log")
    assert "captured" not in box.read("out")


def test_groups_and_the_daemon_itself_as_events(box):
    text = (f"[eventlistener:listener]\ncommand={listener(box)}\nevents=PROCESS_GROUP,SUPERVISOR_STATE_CHANGE\n"
            "buffer_size=100\nstopsignal=CONT\nstopwaitsecs=600\n")  # time to take the last event
    daemon = box.daemon(text + "[program:x]\ncommand=sleep 600\n")
    wait_events(box, 3)
    assert [(h["eventname"], b) for h, b in events(box)] == [
        ("PROCESS_GROUP_ADDED", "groupname:listener\n"), ("PROCESS_GROUP_ADDED", "groupname:x\n"),
        ("SUPERVISOR_STATE_CHANGE_RUNNING", "")]
    daemon.reconfigure(text + "[program:y]\ncommand=sleep 600\n")
    daemon.ctl("update")
    wait_events(box, 5)
    assert [(h["eventname"], b) for h, b in events(box)][3:] == [
        ("PROCESS_GROUP_REMOVED", "groupname:x\n"), ("PROCESS_GROUP_ADDED", "groupname:y\n")]
    pid = daemon.pid_of("listener")
    daemon.rpc.shutdown()
    wait_events(box, 6)
    assert events(box)[5][0]["eventname"] == "SUPERVISOR_STATE_CHANGE_STOPPING"
    os.kill(pid, signal.SIGKILL)
    assert daemon.wait_exit() == 0


@pytest.mark.slow
def test_ticks_come_at_multiples_of_their_period(box):
    box.daemon(f"[eventlistener:listener]\ncommand={listener(box)}\nevents=TICK_5\n")
    whens = [int(body.partition(":")[2]) for body in wait_events(box, 2, timeout=30)]
    assert whens[1] - whens[0] == 5 and whens[0] % 5 == 0


def test_a_rejected_event_comes_again(box):
    flag = f"{box}/accept"
    program = listener(box, result="RESULT 4\\nFAIL", more=f"""
    import os, time
    if os.path.exists('{flag}'):
        sys.stdout.write('RESULT 2\\nOK'); sys.stdout.flush()
        continue
    time.sleep(0.02)""")
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={program}\nevents=REMOTE_COMMUNICATION\n")
    daemon.wait_state("listener", "RUNNING")
    daemon.rpc.sendRemoteCommEvent("a", "b")
    wait_events(box, 3)
    headers = [header["raw"] for header, _ in events(box)]
    assert len(set(headers)) == 1
    assert ("WARN", "listener: event was rejected") in daemon.messages()
    box.write("accept", "")
    daemon.wait_log("listener: event was processed")


def test_who_breaks_the_protocol_gets_no_more_events(box):
    program = box.script("bad", f"echo HELLO; cat > {box}/input")
    daemon = box.daemon(f"[eventlistener:bad]\ncommand={program}\nevents=REMOTE_COMMUNICATION\n")
    daemon.wait_log("bad: has entered the UNKNOWN state and will no longer receive events, this usually indicates the "
                    "process violated the eventlistener protocol")
    daemon.wait_state("bad", "RUNNING")
    daemon.rpc.sendRemoteCommEvent("a", "b")
    assert daemon.state("bad") == "RUNNING" and box.read("input") == ""


def test_a_bad_result_line_is_named(box):
    program = listener(box, result="RESULT many\\nOK")
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={program}\nevents=REMOTE_COMMUNICATION\n")
    daemon.wait_state("listener", "RUNNING")
    daemon.rpc.sendRemoteCommEvent("a", "b")
    daemon.wait_log(r"WARN listener: bad result line: 'many'|WARN listener: bad result line: 'RESULT many'")


def test_a_full_buffer_drops_the_oldest(box):
    program = box.python("slow", "import time; time.sleep(1000)\n")
    daemon = box.daemon(f"[eventlistener:slow]\ncommand={program}\nevents=REMOTE_COMMUNICATION\nbuffer_size=2\n")
    for _ in range(4):
        daemon.rpc.sendRemoteCommEvent("a", "b")
    daemon.wait_log("ERRO pool slow event buffer overflowed, discarding event", count=2)
    assert re.findall(r"overflowed, discarding event (\d+)", daemon.log()) == ["0", "1"]


def test_events_before_the_listener_is_ready_are_kept(box):
    program = box.script("late", f"while ! [ -e {box}/go ]; do sleep 0.02; done; exec {listener(box)}")
    daemon = box.daemon(f"[eventlistener:l]\ncommand={program}\nevents=REMOTE_COMMUNICATION\n")
    for number in range(3):
        daemon.rpc.sendRemoteCommEvent("n", str(number))
    box.write("go", "")
    assert wait_events(box, 3) == [f"type:n\n{number}" for number in range(3)]


def test_an_event_goes_to_one_process_of_a_pool(box):
    program = box.python("l", f"""import os, sys
while True:
    sys.stdout.write('READY\\n'); sys.stdout.flush()
    header = dict(pair.split(':') for pair in sys.stdin.readline().split())
    body = sys.stdin.read(int(header['len']))
    with open('{box}/all', 'a') as log: log.write(body.split('\\n')[1] + '\\n')
    sys.stdout.write('RESULT 2\\nOK'); sys.stdout.flush()
""")
    daemon = box.daemon(f"[eventlistener:l]\ncommand={program}\nevents=REMOTE_COMMUNICATION\nnumprocs=3\n"
                        "process_name=%(process_num)d\nbuffer_size=100\n")
    for number in range(3):
        daemon.wait_state(f"l:{number}", "RUNNING")
    for number in range(30):
        daemon.rpc.sendRemoteCommEvent("n", str(number))
    assert sorted(int(line) for line in box.wait_lines("all", 30)) == list(range(30))


@pytest.mark.beyond("events-once")
def test_overlapping_subscriptions_deliver_once(box):
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={listener(box)}\nevents=REMOTE_COMMUNICATION,EVENT\n"
                        "buffer_size=100\n")
    daemon.wait_state("listener", "RUNNING")
    daemon.rpc.sendRemoteCommEvent("a", "b")
    daemon.rpc.sendRemoteCommEvent("c", "d")
    assert wait_events(box, 2, "REMOTE") == ["type:a\nb", "type:c\nd"]


@pytest.mark.beyond("reject-own-pool")
def test_a_rejection_concerns_only_the_pool_that_rejected(box):
    rejecting = listener(box, "rejecting", result="RESULT 4\\nFAIL", more="import time; time.sleep(0.02)")
    daemon = box.daemon(f"[eventlistener:content]\ncommand={listener(box, 'content')}\nevents=REMOTE_COMMUNICATION\n"
                        f"[eventlistener:rejecting]\ncommand={rejecting}\nevents=REMOTE_COMMUNICATION\n")
    for name in ("content", "rejecting"):
        daemon.wait_state(name, "RUNNING")
    daemon.rpc.sendRemoteCommEvent("a", "b")
    wait_events(box, 5, name="rejecting")
    wait_events(box, 1, name="content")
    assert len(events(box, "content")) == 1


def test_a_listener_may_stop_the_daemon(box):
    program = box.python("stopper", "import os, signal, sys\nsys.stdout.write('READY\\n'); sys.stdout.flush()\n"
                                    "sys.stdin.readline()\nos.kill(os.getppid(), signal.SIGTERM)\n"
                                    "while True: signal.pause()\n")
    daemon = box.daemon(f"[eventlistener:stopper]\ncommand={program}\nevents=PROCESS_STATE_FATAL\n"
                        "[program:x]\ncommand=/no/such\nstartretries=0\n")
    assert daemon.wait_exit() == 0
    assert ("WARN", "received SIGTERM indicating exit request") in daemon.messages()


def test_listeners_end_last(box):
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={listener(box)}\nevents=PROCESS_STATE_STOPPED\n"
                        "[program:x]\ncommand=sleep 600\n")
    daemon.wait_state("listener", "RUNNING")
    daemon.wait_state("x", "RUNNING")
    assert daemon.stop() == 0
    assert re.findall(r"stopped: (\w+)", daemon.log()) == ["x", "listener"]


@pytest.mark.beyond("length-in-bytes")
def test_lengths_may_count_bytes(box):
    """For listeners that read bytes."""
    program = box.python("l", f"""import os
def read(count):
    data = b''
    while len(data) < count: data += os.read(0, count - len(data))
    return data
while True:
    os.write(1, b'READY\\n')
    line = b''
    while not line.endswith(b'\\n'): line += read(1)
    body = read(int(line.split(b'len:')[1]))
    with open('{box}/bodies', 'ab') as log: log.write(body + b'|')
    os.write(1, b'RESULT 2\\nOK')
""")
    daemon = box.daemon(f"[eventlistener:l]\ncommand={program}\nevents=REMOTE_COMMUNICATION\nlength_in_bytes=true\n")
    daemon.wait_state("l", "RUNNING")
    for text in ("daté €", "", "ascii", "😀"):
        daemon.rpc.sendRemoteCommEvent("é", text)
    eventually(lambda: box.read("bodies") == "type:é\ndaté €|type:é\n|type:é\nascii|type:é\n😀|", what="four events")


@pytest.mark.beyond("retry-delay")
def test_a_rejected_event_may_come_again_later(box):
    program = listener(box, result="RESULT 4\\nFAIL", more="""
    import time
    open('times', 'a').write(f'{time.monotonic()}\\n')
    if open('times').read().count('\\n') == 3:
        sys.stdout.write('RESULT 2\\nOK'); sys.stdout.flush()
        continue""")
    daemon = box.daemon(f"[eventlistener:listener]\ncommand={program}\ndirectory={box}\nevents=REMOTE_COMMUNICATION\n"
                        "retry_delay=1\n")
    daemon.wait_state("listener", "RUNNING")
    daemon.rpc.sendRemoteCommEvent("a", "b")
    times = [float(line) for line in box.wait_lines("times", 3)]
    assert times[1] - times[0] > 0.99 and times[2] - times[1] > 0.99
    daemon.wait_log("listener: event was processed")
    assert len({header["raw"] for header, _ in events(box)}) == 1
