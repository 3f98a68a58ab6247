"""The same scenario, and then: the same lines in the daemon's log, the same bytes in the children's, the same events."""
import os
import re
import signal

import pytest

from support.listeners import events, listener
from support.parity import by_process, lines
from support.speaker import say, speaker
from support.waiting import eventually

SLEEPER = "command=sleep 600\n"


def test_the_end_of_output_is_logged(pair):
    pair.start("[program:x]\ncommand=/bin/true\nautorestart=false\nstartsecs=0\n")

    def look(daemon):
        daemon.wait_state("x", "EXITED")
        return [text for level, text in daemon.messages() if "stopped monitoring" in text]
    pair.differs("pipe-end-message", look, lambda seen: all(re.match(r"fd \d+ closed, stopped monitoring <", text) for text in seen),
                 lambda seen: sorted(seen) == [f"the {channel} of x is closed, stopped monitoring it"
                                               for channel in ("stderr", "stdout")])


def test_the_start_of_the_daemon(pair):
    pair.write("inc/1.conf", f"[program:x]\n{SLEEPER}")
    pair.start("[include]\nfiles=none/*.conf inc/*.conf\n[program:y]\ncommand=cat\nautostart=false\nredirect_stderr=true\n"
               "stderr_logfile=@/y.err\n[program:z]\ncommand=cat\nautostart=false\nstdout_logfile=syslog\n"
               "stderr_logfile_maxbytes=0\n", inet="", supervisord="minfds=64")

    def log(daemon):
        daemon.wait_state("x", "RUNNING")
        return lines(daemon)
    pair.same(log)


@pytest.mark.slow
def test_failures_to_start(pair):
    pair.write("plain", "x").write("garbage", b"\0\1", 0o755).script("fail", "echo some words; exit 3")
    programs = {"nofile": "command=/no/such/file", "noname": "command=nosuchcommand", "folder": "command=/tmp",
                "plain": "command=@/plain", "quote": "command=cat 'x", "garbage": "command=@/garbage",
                "nodir": "command=cat\ndirectory=/no/such/dir", "fail": "command=@/fail",
                "zero": "command=/bin/true", "retry": "command=@/fail\nstartretries=1",
                "nolog": "command=cat\nstdout_logfile=@/logs"}
    for box in pair.boxes:
        os.mkdir(box.path("logs"))
    pair.start("".join(f"[program:{name}]\n" + ("" if "startretries" in options else "startretries=0\n")
                       + "startsecs=10\n" + ("" if "stdout_logfile" in options else f"stdout_logfile=@/{name}.out\n")
                       + f"stderr_logfile=@/{name}.err\n{options}\n" for name, options in programs.items()))

    def look(daemon):
        for name in programs:
            daemon.wait_state(name, "FATAL", timeout=30)
        return [by_process(daemon, programs), {name: (daemon.box.read(f"{name}.out"), daemon.box.read(f"{name}.err"))
                                               for name in programs},
                {i["name"]: (i["statename"], i["spawnerr"], i["exitstatus"], i["description"])
                 for i in daemon.rpc.getAllProcessInfo()}]
    pair.same(look)


@pytest.mark.slow
def test_exits_stops_and_signals(pair):
    pair.script("exit", "read code; exit $code").script("deaf", "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n")
    pair.start("".join(f"[program:x{code}]\ncommand=@/exit\nautorestart=false\nexitcodes=0,2\n" for code in (0, 2, 5))
               + f"[program:again]\n{SLEEPER}[program:killed]\n{SLEEPER}autorestart=false\n"
               "[program:deaf]\ncommand=@/deaf\nstopwaitsecs=1\nstdout_logfile=@/deaf.out\n"
               f"[program:group]\n{SLEEPER}stopasgroup=true\n[program:hup]\n{SLEEPER}stopsignal=HUP\nexitcodes=\n")
    names = ["x0", "x2", "x5", "again", "killed", "deaf", "group", "hup"]

    def session(daemon):
        for name in names:
            daemon.wait_state(name, "RUNNING")
        daemon.box.wait_lines("deaf.out", 1)
        for code in (0, 2, 5):
            daemon.rpc.sendProcessStdin(f"x{code}", f"{code}\n")
            daemon.wait_state(f"x{code}", "EXITED")
        for name in ("again", "killed"):
            pid = daemon.pid_of(name)
            os.kill(pid, signal.SIGKILL)
            daemon.wait_new_pid(name, pid) if name == "again" else daemon.wait_state(name, "EXITED")
        daemon.wait_state("again", "RUNNING")
        daemon.rpc.signalProcess("group", "CONT")
        for name in ("deaf", "group", "hup", "again"):
            daemon.rpc.stopProcess(name)
        infos = {i["name"]: (i["statename"], i["spawnerr"], i["exitstatus"]) for i in daemon.rpc.getAllProcessInfo()}
        return [by_process(daemon, names), infos]
    pair.same(session)


def test_the_order_of_start_and_stop(pair):
    pair.start("".join(f"[program:{name}]\n{SLEEPER}priority={priority}\n" for name, priority in
                       (("d", 1), ("c", 5), ("b", 5), ("a", 999), ("m", 7), ("n", 3)))
               + "[group:g]\nprograms=m,n\npriority=4\n")

    def session(daemon):
        for name in ("a", "b", "c", "d", "g:m", "g:n"):
            daemon.wait_state(name, "RUNNING")
        daemon.stop()
        return re.findall(r"spawned: '(\w)'", daemon.log()), re.findall(r"killing (\w) ", daemon.log())
    pair.same(session)


def test_bytes_of_children(pair):
    pair.write("data", bytes(range(256)) * 2000)
    pair.script("ansi", "printf '\\033[31mred\\033[0m plain \\033[2Kx\\n'; exec sleep 600")
    pair.script("capture", "printf 'before<!--XSUPERVISOR:BEGIN-->inside<!--XSUPERVISOR:END-->behind'; "
                           "printf '%0100d\\n' 5; exec sleep 600")
    pair.script("both", "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done; exec sleep 600")
    for box in pair.boxes:
        speaker(box, "rotate")
    pair.start("[program:cat]\ncommand=/bin/cat @/data\nstartsecs=0\nautorestart=false\nstdout_logfile=@/cat.out\n"
               "[program:ansi]\ncommand=@/ansi\nstdout_logfile=@/ansi.out\n"
               "[program:capture]\ncommand=@/capture\nstdout_logfile=@/capture.out\nstdout_capture_maxbytes=1KB\n"
               "[program:both]\ncommand=@/both\nredirect_stderr=true\nstdout_logfile=@/both.out\n"
               "[program:rotate]\ncommand=@/speaker @/rotate.said\nstdout_logfile=@/rotate.out\nstdout_logfile_maxbytes=1000\n"
               "stdout_logfile_backups=2\n", supervisord="strip_ansi=true\nloglevel=info")

    def look(daemon):
        box = daemon.box
        daemon.wait_state("cat", "EXITED")
        eventually(lambda: len(box.bytes("cat.out")) == 256 * 2000, what="the bytes")
        box.wait_lines("both.out", 10)
        box.wait_lines("ansi.out", 1)
        eventually(lambda: "behind" in box.read("capture.out") and box.read("capture.out").endswith("5\n"), what="capture")
        daemon.wait_state("rotate", "RUNNING")
        # Each line by itself, for rotation looks at what comes in one piece.
        lines_of_it = [b"%099d\n" % number for number in range(50)]
        say(daemon, *lines_of_it, name="rotate")
        eventually(lambda: box.bytes("rotate.out.1").endswith(lines_of_it[-1]) and not box.bytes("rotate.out"), what="rotation")
        return [box.read(name) for name in ("ansi.out", "capture.out", "both.out")] + [
            box.bytes("cat.out") == box.bytes("data"),
            {name: box.read(name) for name in sorted(os.listdir(box.folder)) if name.startswith("rotate.out")}]
    pair.same(look)


def test_events_of_a_session(pair):
    for box in pair.boxes:
        listener(box)
    pair.script("fail", "exit 3")
    pair.start("[eventlistener:all]\ncommand=@/listener\nevents=PROCESS_STATE,PROCESS_GROUP,REMOTE_COMMUNICATION,"
               "SUPERVISOR_STATE_CHANGE,PROCESS_LOG\nbuffer_size=1000\n"
               f"[program:x]\n{SLEEPER}autostart=false\n[program:fail]\ncommand=@/fail\nautostart=false\nstartsecs=10\nstartretries=1\n"
               "[program:cat]\ncommand=/bin/cat\nautostart=false\nstdout_events_enabled=true\n", supervisord="identifier=me")

    def session(daemon):
        daemon.wait_state("all", "RUNNING")
        daemon.rpc.startProcess("x")
        daemon.rpc.sendRemoteCommEvent("typ", "daté")
        daemon.rpc.stopProcess("x")
        daemon.call("startProcess", "fail", False)  # how it is answered is a race
        daemon.wait_state("fail", "FATAL")
        daemon.rpc.startProcess("cat")
        daemon.rpc.sendProcessStdin("cat", "said é\n")
        eventually(lambda: any("said" in body for _, body in events(daemon.box)), what="the output as an event")
        daemon.rpc.stopProcess("cat")
        daemon.rpc.removeProcessGroup("cat")
        eventually(lambda: any("REMOVED" in header["eventname"] for header, _ in events(daemon.box)), what="the last event")
        return [[re.sub(r" len:\d+", " len:N", header["raw"]), re.sub(r"pid:[1-9]\d*", "pid:N", body)]
                for header, body in events(daemon.box)]
    pair.same(session)


@pytest.mark.slow
def test_a_stop_in_back_off_begins_the_count_anew(pair):
    """With one retry allowed: fail twice is FATAL. Fail once, stop, start: the original gives up one start early."""
    pair.script("fail", "exit 3")
    pair.start("[program:x]\ncommand=@/fail\nautostart=false\nstartsecs=10\nstartretries=1\n")

    def session(daemon):
        daemon.call("startProcess", "x", False)
        daemon.wait_state("x", "BACKOFF")
        daemon.rpc.stopProcess("x")
        before = daemon.log().count("spawned: 'x'")
        daemon.call("startProcess", "x", False)
        daemon.wait_state("x", "FATAL")
        return daemon.log().count("spawned: 'x'") - before
    pair.differs("backoff-reset", session, lambda starts: starts == 1, lambda starts: starts == 2)


def test_the_last_bytes_with_capture_mode(pair):
    pair.script("short", "printf 'x<!--XSUPERVISOR:BEGIN-->in<!--XSUPERVISOR:END-->last words'")
    pair.start("[program:x]\ncommand=@/short\nstartsecs=0\nautorestart=false\nstdout_capture_maxbytes=1KB\n"
               "stdout_logfile=@/out\n")

    def look(daemon):
        daemon.wait_state("x", "EXITED")
        return daemon.box.read("out")
    pair.differs("capture-tail", look, lambda text: text == "x", lambda text: text == "xlast words")


FCGI = """#!/usr/bin/python3 -BSEu
import os, stat, sys, time
kind = 'socket' if stat.S_ISSOCK(os.fstat(0).st_mode) else 'pipe'
import socket
if kind == 'socket':
    kind = 'listening' if socket.socket(fileno=os.dup(0)).getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) else 'pair'
open(sys.argv[1], 'w').write(kind)
time.sleep(1000)
"""


def test_a_fastcgi_program_has_its_socket(pair):
    pair.write("app", FCGI, 0o755)
    pair.start("[fcgi-program:x]\ncommand=@/app @/kind\nsocket=unix://@/app.sock\nsocket_mode=0770\n")

    def look(daemon):
        daemon.wait_state("x", "RUNNING")
        eventually(lambda: daemon.box.read("kind"), what="its word")
        mode = os.stat(daemon.box.path("app.sock")).st_mode & 0o777
        seen = [daemon.box.read("kind"), mode, daemon.call("sendProcessStdin", "x", "y")]
        return seen + [[t for level, t in daemon.messages() if "socket unix" in t]]
    pair.same(look)


def test_a_fastcgi_program_in_a_group_has_its_socket(pair):
    pair.write("app", FCGI, 0o755)
    pair.start("[fcgi-program:x]\ncommand=@/app @/kind\nsocket=unix://@/app.sock\n[group:g]\nprograms=x\n")

    def look(daemon):
        daemon.wait_state("g:x", "RUNNING")
        return eventually(lambda: daemon.box.read("kind"), what="its word")
    pair.differs("fcgi-group", look, lambda kind: kind != "listening", lambda kind: kind == "listening")


def test_a_fastcgi_socket_that_cannot_be_made(pair):
    pair.start("[fcgi-program:x]\ncommand=cat\nsocket=unix:///no/such/folder/s\nstartretries=0\n", start=False)

    def look(daemon):
        daemon.start(wait=False)
        try:
            daemon.wait_up()
            return ["up", daemon.wait_state("x", "FATAL")["statename"]]
        except AssertionError:
            return [daemon.wait_exit(), daemon.output()]
    pair.differs("fcgi-socket", look, lambda seen: seen[0] == 1 and "Traceback" in seen[1],
                 lambda seen: seen == ["up", "FATAL"] or (seen[0] == 2 and "Traceback" not in seen[1]))
