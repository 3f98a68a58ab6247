"""What users of Supervisor have reported over the years, each as they met it."""
import os
import re
import signal

import pytest

from support import procfs
from support.http import call_body
from support.waiting import SCALE, eventually

SLEEPER = "command=sleep 600\n"


def test_percent_signs_in_the_environment_of_the_daemon(pair):
    """They reach the child unchanged and do not disturb expansions."""
    pair.start(f"[program:x]\n{SLEEPER}environment=B=\"%(ENV_PLAIN)s\"\n", env={"A": "%(nosuch)s 100% %%", "PLAIN": "fine"})

    def look(daemon):
        daemon.wait_state("x", "RUNNING")
        found = procfs.environment(daemon.pid_of("x"))
        return found["A"], found["B"]
    assert pair.same(look) == ["%(nosuch)s 100% %%", "fine"]


def test_the_environment_of_the_daemons_section_reaches_children(pair):
    pair.script("talk", "printf '%05000d' 7; exec sleep 600")
    pair.start("[program:x]\ncommand=@/talk\n", supervisord="environment=A=\"one\",B=two")

    def look(daemon):
        daemon.wait_state("x", "RUNNING")
        eventually(lambda: len(daemon.rpc.readProcessStdoutLog("x", 0, 0)) == 5000, what="the output")
        found = procfs.environment(daemon.pid_of("x"))
        return [found["A"], found["B"], daemon.ctl("tail", "-100000", "x"), daemon.ctl("tail -100000", "x"), daemon.ctl("tail -100000 x")]
    seen = pair.same(look)
    assert seen[:2] == ["one", "two"] and seen[2] == seen[3] == seen[4] and len(seen[2]["out"]) == 5001


def test_output_beyond_ascii_is_followed_whole_and_in_order(pair):
    lines = "".join(f"{number} hällo wörld 世界 {'é' * number}\n" for number in range(1, 60))
    pair.write("lines", lines).script("talk", "cat $(dirname $0)/lines; exec sleep 600")
    pair.start("[program:x]\ncommand=@/talk\nautostart=false\n")

    def look(daemon):
        daemon.rpc.startProcess("x")
        eventually(lambda: daemon.rpc.readProcessStdoutLog("x", 0, 0) == lines, what="the output")
        with open(daemon.box.path("seen"), "wb") as seen:
            follower = daemon.box.start([daemon.suite.supervisorctl, "-c", daemon.path, "tail", "-f", "x"], stdout=seen,
                                        env={"PYTHONIOENCODING": "utf-8"})
        daemon.box.wait_lines("seen", 2)
        daemon.rpc.stopProcess("x")
        daemon.rpc.startProcess("x")
        eventually(lambda: daemon.box.read("seen").endswith(lines[-1000:]) and daemon.box.read("seen").count("\n1 h") == 1, what="the new lines")
        follower.send_signal(signal.SIGINT)
        return follower.wait(10 * SCALE), daemon.box.bytes("seen").endswith((lines + "\n").encode()), daemon.ctl("tail", "-1000000", "x").out == lines * 2 + "\n"
    assert pair.same(look) == [0, True, True]


def test_output_that_is_no_text_and_the_level_debug(pair):
    pair.script("talk", "printf '\\210\\n'; sleep 1; echo fine; exec sleep 600")
    pair.start("[program:x]\ncommand=@/talk\n")

    def look(daemon):
        daemon.wait_log("fine")
        return [text for _, text in daemon.messages() if "output:" in text], daemon.state("x")
    assert pair.same(look) == [["'x' stdout output:\nUndecodable: b'\\x88\\n'", "'x' stdout output:\nfine\n"], "RUNNING"]


@pytest.mark.slow
def test_a_listener_keeps_up_with_many_log_events(pair):
    pair.write("ears", """#!/usr/bin/python3 -BSEu
import sys
count = 0
while True:
    sys.stdout.write('READY\\n'); sys.stdout.flush()
    header = dict(pair.split(':') for pair in sys.stdin.readline().split())
    body = sys.stdin.read(int(header['len']))
    count += 1
    sys.stderr.write('%d\\n' % count)
    sys.stdout.write('RESULT 2\\nOK'); sys.stdout.flush()
    if 'the end' in body: open(sys.argv[1], 'w').write('seen')
""", 0o755)
    pair.script("talk", "i=0; while [ $i -lt 300 ]; do echo line $i; echo error $i >&2; i=$((i+1)); sleep 0.005; done; sleep 1; echo the end; exec sleep 600")
    pair.start("[eventlistener:ears]\ncommand=@/ears @/done\nevents=PROCESS_LOG\nbuffer_size=100\n"
               "[program:talk]\ncommand=@/talk\nstdout_events_enabled=true\nstderr_events_enabled=true\n")

    def look(daemon):
        eventually(lambda: daemon.box.read("done") == "seen", 30, "the last event")
        return daemon.state("ears"), daemon.state("talk")
    assert pair.same(look) == ["RUNNING", "RUNNING"]


def test_names_beyond_ascii(pair):
    """In logs, in status, and over the API; columns are as wide as characters, not bytes."""
    pair.start(f"[program:test_öäü]\n{SLEEPER}[program:世界]\n{SLEEPER}autostart=false\n[program:x]\n{SLEEPER}[group:größe]\nprograms=x\n")

    def look(daemon):
        daemon.wait_state("test_öäü", "RUNNING")
        daemon.wait_state("größe:x", "RUNNING")
        seen = [daemon.ctl(*words) for words in (["status"], ["status", "test_öäü", "größe:*"], ["stop", "test_öäü", "nöt"], ["avail"],
                                                 ["start", "世界"], ["pid", "ö"], ["remove", "größe"], ["signal", "HUP", "größe:*"])]
        seen.append(daemon.call("getProcessInfo", "nö"))
        return seen + [sorted(os.listdir(daemon.box.folder))[-3:], re.findall(r"\w+: .*(?:öäü|世界).*", daemon.log())]

    def settled(seen):
        seen[-1] = sorted({re.sub(r"\d+", "N", line) for line in seen[-1] if "waiting" not in line})
        return seen
    seen = pair.same(look, settled)
    assert "test_öäü                         RUNNING   pid N" in seen[0]["out"] and "test_öäü: stopped\n" in seen[2]["out"]


def test_a_listener_that_ends_the_daemon_when_a_program_fails(pair):
    pair.write("end", """#!/usr/bin/python3 -BSEu
import os, signal, sys
while True:
    sys.stdout.write('READY\\n'); sys.stdout.flush()
    header = dict(pair.split(':') for pair in sys.stdin.readline().split())
    sys.stdin.read(int(header['len']))
    os.kill(int(open(sys.argv[1]).read()), signal.SIGTERM)
    sys.stdout.write('RESULT 2\\nOK'); sys.stdout.flush()
""", 0o755)
    pair.start(f"[eventlistener:end]\ncommand=@/end @/sd.pid\nevents=PROCESS_STATE_FATAL\n[program:x]\n{SLEEPER}"
               "[program:bad]\ncommand=/bin/false\nstartretries=0\nautostart=false\nstartsecs=10\n")

    def look(daemon):
        daemon.wait_state("end", "RUNNING")
        daemon.wait_state("x", "RUNNING")
        daemon.call("startProcess", "bad", False)
        return daemon.wait_exit(), "received SIGTERM indicating exit request" in daemon.log()
    assert pair.same(look) == [0, True]


@pytest.mark.parametrize("text", ["hällo\n", "世界 ☃ \U0001f600\n", "\xa0\u2028\n", "plain\n"])
def test_text_beyond_ascii_as_input(pair, text):
    pair.start("[program:cat]\ncommand=/bin/cat\nstdout_logfile=@/out\n")

    def look(daemon):
        daemon.wait_state("cat", "RUNNING")
        answer = daemon.call("sendProcessStdin", "cat", text)
        eventually(lambda: daemon.box.read("out") == text, what="the echo")
        return answer, daemon.call("readProcessStdoutLog", "cat", 0, 0)
    assert pair.same(look) == [["value", True], ["value", text]]


def test_doubled_percent_signs_in_a_command(pair):
    pair.start("[program:x]\ncommand=/bin/sh -c 'echo \"$0\"; exec sleep 600' %%h:%%p\nstdout_logfile=@/out\n")
    assert pair.same(lambda daemon: daemon.box.wait_lines("out")) == ["%h:%p"]


def test_avail_of_a_single_program(pair):
    pair.start("[program:cat]\ncommand=/bin/cat\n")
    assert pair.same(lambda daemon: daemon.ctl("avail"))["out"] == "cat                              in use    auto      999:999\n"


@pytest.mark.parametrize("own, found", [("", "daemon"), ("environment=FOO=\"own\"\n", "own")])
@pytest.mark.parametrize("kind", ["program", "eventlistener"])
def test_expansions_of_environment_variables_that_are_configured(pair, kind, own, found):
    pair.start(f"[{kind}:x]\ncommand=/bin/sh -c 'echo %(ENV_FOO)s >@/out; exec sleep 600'\n{own}"
               + ("events=TICK_3600\n" if kind == "eventlistener" else ""), supervisord="environment=FOO=\"daemon\"")
    assert pair.same(lambda daemon: daemon.box.wait_lines("out")) == [found]


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_the_log_may_be_standard_output(pair, terminal):
    """A pipe or a terminal has no position, and nothing to rotate."""
    def run(box):
        config = box.config(f"[program:x]\ncommand=/bin/echo through\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n"
                            "startsecs=0\nautorestart=false\n", supervisord="logfile_maxbytes=0\nuser=root")
        config = config.replace(f"logfile={box}/sd.log", "logfile=/dev/stdout")
        command = [box.suite.supervisord, "-n", "-c", box.write("sd.conf", config)]
        reading, writing = os.openpty() if terminal else os.pipe()
        process = box.start(command, stdout=writing, stderr=writing)
        os.close(writing)
        seen = b""
        while not (b"through" in seen and b"exited: x" in seen):
            seen += os.read(reading, 4096)
        process.terminate()
        code = process.wait(15 * SCALE)
        os.close(reading)
        return code, seen.count(b"through\n") + seen.count(b"through\r\n"), b"Traceback" in seen, seen.count(b"INFO spawned: 'x'") > 0
    code, times, traceback, spawned = pair.same_in_box(run)
    assert (code, traceback, spawned) == (0, False, True) and times > 0


def test_a_follower_that_dies(pair):
    pair.script("talk", "while :; do echo tick; sleep 0.05; done")
    pair.start(f"[program:talk]\ncommand=@/talk\n[program:x]\n{SLEEPER}")

    def look(daemon):
        daemon.wait_state("talk", "RUNNING")
        pid = daemon.pid_of("talk")
        for number in range(3):
            with open(daemon.box.path(f"seen{number}"), "wb") as seen:
                follower = daemon.box.start([daemon.suite.supervisorctl, "-c", daemon.path, "tail", "-f", "talk"], stdout=seen,
                                            env={"PYTHONUNBUFFERED": "1"})
            daemon.box.wait_lines(f"seen{number}", 3)
            follower.kill()
        with daemon.wire() as wire:
            wire.send("GET /logtail/talk HTTP/1.1\r\n\r\n").head()
            wire.chunk()
        return daemon.pid_of("talk") == pid, daemon.state("x"), daemon.call("getState"), "Traceback" in daemon.log()
    seen = pair.same(look)
    assert seen[:2] == [True, "RUNNING"] and not seen[3]


@pytest.mark.parametrize("arguments", ["", " one 'two words'"], ids=["none", "some"])
def test_pidproxy_as_a_program(pair, arguments):
    """It stands between the daemon and a program that knows its own pidfile."""
    pair.script("real", "echo $$ >$(dirname $0)/pid; trap 'echo stopped >>$(dirname $0)/out; exit 0' TERM\n"
                        "for word; do echo \"$word\"; done >>$(dirname $0)/out; echo ready >>$(dirname $0)/out\nwhile :; do sleep 0.05; done\n")

    def run(box):
        daemon = box.daemon(f"[program:x]\ncommand={box.suite.pidproxy} {box}/pid {box}/real{arguments}\n")
        eventually(lambda: "ready" in box.read("out"), what="the real program")
        daemon.wait_state("x", "RUNNING")
        daemon.rpc.stopProcess("x")
        eventually(lambda: "stopped" in box.read("out"), what="the signal")
        return daemon.state("x"), box.lines("out")
    assert pair.same_in_box(run) == ["STOPPED", (["one", "two words"] if arguments else []) + ["ready", "stopped"]]


@pytest.mark.parametrize("configured, arguments, told", [("", [], "supervisor"), ("identifier=file", [], "file"),
                                                         ("", ["-i", "line"], "line"), ("identifier=file", ["--identifier=line"], "line")])
def test_the_name_of_the_daemon(pair, configured, arguments, told):
    pair.start("", supervisord=configured, arguments=arguments)
    assert pair.same(lambda daemon: daemon.rpc.getIdentification()) == told


BROKEN = [b"", b"\0" * 100, b"GET", b"GET / HTTP/1.1\r\nHost", b"POST /RPC2 HTTP/1.1\r\nContent-Length: 100\r\n\r\n<methodCall>",
          b"POST /RPC2 HTTP/1.1\r\n\r\n", b"\r\n\r\n\r\n", b"GET / HTTP/1.1\r\n: :\r\n\r\n", "GET /é HTTP/1.1\r\n\r\n".encode(),
          b"GET /logtail/x HTTP/1.1\r\n\r\n", b"POST /RPC2 HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (
              len(call_body("supervisor.startProcess", "x")), call_body("supervisor.startProcess", "x"))]


@pytest.mark.parametrize("data", BROKEN, ids=range(len(BROKEN)))
def test_a_client_that_breaks_off(pair, data):
    pair.start(f"[program:x]\n{SLEEPER}autostart=false\n")

    def look(daemon):
        for _ in range(5):
            wire = daemon.wire().send(data)
            wire.socket.close()
        return daemon.call("getState"), daemon.wait_state("x", "STOPPED", "STARTING", "RUNNING")["group"]
    pair.same(look)
