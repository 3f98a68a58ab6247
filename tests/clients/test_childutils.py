"""Supervisor's own helpers for clients: SupervisorTransport, and childutils in listeners and in talking programs."""
import json
import re
import xmlrpc.client

import pytest

from support.http import outcome
from support.waiting import eventually

transport = pytest.importorskip("supervisor.xmlrpc", reason="Debian's supervisor is not installed")

SLEEPER = "command=sleep 600\n"


def client(daemon, url, name=None, password=None):
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport.SupervisorTransport(name, password, url))


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_the_transport(pair, kind):
    login = "username=me\npassword=secret"
    pair.start(f"[program:x]\n{SLEEPER}[program:y]\n{SLEEPER}autostart=false\n", start=False, inet=login, unix=login)

    def session(daemon):
        daemon.credentials = ("me", "secret")
        daemon.start()
        daemon.wait_state("x", "RUNNING")
        url = f"unix://{daemon.box}/s" if kind == "unix" else f"http://127.0.0.1:{daemon.box.port}"
        server = client(daemon, url, "me", "secret")
        seen = [outcome(server.supervisor.getState), outcome(server.supervisor.getProcessInfo, "nosuch"),
                outcome(server.supervisor.startProcess, "y"), outcome(server.supervisor.stopProcess, "x"),
                outcome(client(daemon, url, "me", "wrong").supervisor.getState),
                outcome(client(daemon, url).supervisor.getState), outcome(server.system.listMethods),
                outcome(server.supervisor.getProcessInfo, "é"), outcome(server.supervisor.restart)]
        daemon.wait_log("supervisord started with pid", count=2, timeout=20)
        daemon.wait_up()
        again = client(daemon, url, "me", "secret")
        return seen + [outcome(again.supervisor.getState), outcome(again.supervisor.shutdown), daemon.wait_exit()]
    pair.same(session)


LISTENER = """#!/usr/bin/python3 -Bu
import json, os, sys
from supervisor import childutils

rpc = childutils.getRPCInterface(os.environ)
with open(sys.argv[1], "a") as out:
    while True:
        headers, payload = childutils.listener.wait()
        values, data = childutils.eventdata(payload + "\\n") if ":" in payload.split("\\n")[0] else ({}, payload)
        if "processname" in values:
            asked = rpc.supervisor.getProcessInfo(values["groupname"] + ":" + values["processname"])
        else:
            asked = rpc.supervisor.getState()
        out.write(json.dumps([headers, values, data, asked["statename"]]) + "\\n")
        out.flush()
        if headers["eventname"].startswith("REMOTE") and "again" in payload and len(sys.argv) < 3:
            sys.argv.append("once")
            childutils.listener.fail()
        else:
            childutils.listener.ok()
"""

TALKER = """#!/usr/bin/python3 -B
import sys, time
from supervisor import childutils
sys.stdout.buffer.write(b"before ")
childutils.pcomm.send(b"said aloud", sys.stdout.buffer)
childutils.pcomm.send(b"said aside", sys.stderr.buffer)
sys.stdout.buffer.write(b"after\\n")
sys.stdout.buffer.flush()
time.sleep(600)
"""


def events(box, name):
    return [json.loads(line) for line in box.whole_lines(name)]


@pytest.mark.slow
def test_a_listener_made_with_childutils(pair):
    pair.write("listener", LISTENER, 0o755).write("talker", TALKER, 0o755)
    pair.start("[eventlistener:l]\ncommand=@/listener @/events\nstderr_logfile=@/l.err\n"
               "events=PROCESS_STATE_RUNNING,PROCESS_STATE_STOPPED,PROCESS_STATE_EXITED,PROCESS_COMMUNICATION,"
               "REMOTE_COMMUNICATION,PROCESS_GROUP,SUPERVISOR_STATE_CHANGE\n"
               "environment=SUPERVISOR_USERNAME=me,SUPERVISOR_PASSWORD=secret\n"
               "[program:talk]\ncommand=@/talker\nautostart=false\n"
               "stdout_capture_maxbytes=1KB\nstderr_capture_maxbytes=1KB\n"
               f"[program:a]\n{SLEEPER}autostart=false\n[group:g]\nprograms=a\n"
               "[program:gone]\ncommand=/bin/false\nstartsecs=0\nautostart=false\nautorestart=false\n",
               unix="username=me\npassword=secret", start=False)

    def session(daemon):
        daemon.credentials = ("me", "secret")
        daemon.start()
        box, rpc = daemon.box, daemon.rpc

        def wait_event(text, count=1):
            eventually(lambda: box.read("events").count(text) >= count,
                       what=lambda: f"{text}: {box.read('events')}\n{box.read('l.err')}\n{daemon.log()[-2000:]}")
        daemon.wait_state("l", "RUNNING")
        wait_event("SUPERVISOR_STATE_CHANGE_RUNNING")
        rpc.startProcess("g:a")
        wait_event("PROCESS_STATE_RUNNING", 2)
        rpc.startProcess("talk")
        wait_event("said aloud")
        wait_event("said aside")
        wait_event("PROCESS_STATE_RUNNING", 3)
        rpc.startProcess("gone")
        wait_event("PROCESS_STATE_EXITED")
        rpc.sendRemoteCommEvent("greeting", "grüße: again\nand again")
        wait_event("and again", 2)
        rpc.stopProcess("g:a")
        wait_event("PROCESS_STATE_STOPPED")
        rpc.removeProcessGroup("g")
        wait_event("PROCESS_GROUP_REMOVED")
        # What happened at the same time, or again by another timing, is compared without its order.
        seen = []
        for headers, values, data, asked in events(box, "events"):
            for key in ("serial", "poolserial"):
                assert headers.pop(key).isdigit()
            length = headers.pop("len")
            if "pid" in values:
                assert re.fullmatch(r"[1-9]\d*", values.pop("pid")), values
            else:
                headers["len"] = length
            # Where it may have gone on meanwhile the state says nothing.
            goes_on = values.get("processname") == "gone" or headers["eventname"].startswith("PROCESS_COMMUNICATION")
            seen.append((headers, values, data, "?" if goes_on else asked))
        return sorted(seen, key=repr)
    pair.same(session)


@pytest.mark.slow
def test_serial_numbers_as_a_listener_sees_them(box):
    box.write("listener", LISTENER, 0o755)
    daemon = box.daemon(f"[eventlistener:l]\ncommand={box}/listener {box}/events\nevents=REMOTE_COMMUNICATION,TICK_5\n"
                        "buffer_size=50\n")
    daemon.wait_state("l", "RUNNING")
    for number in range(20):
        daemon.rpc.sendRemoteCommEvent("count", str(number))
    eventually(lambda: box.read("events").count("REMOTE") == 20 and "TICK_5" in box.read("events"), 30,
               what=lambda: box.read("events"))
    found = [headers for headers, *_ in events(box, "events")]
    serials = [int(headers["poolserial"]) for headers in found]
    assert serials == list(range(serials[0], serials[0] + len(serials)))
    assert {(headers["pool"], headers["server"], headers["ver"]) for headers in found} == {("l", "supervisor", "3.0")}
    said = [data for headers, _, data, _ in events(box, "events") if headers["eventname"] == "REMOTE_COMMUNICATION"]
    assert [line.strip() for line in said] == [str(number) for number in range(20)]
