"""XML-RPC and HTTP: the same calls, the same answers."""
import re

import pytest

from support.http import Wire, call_body, outcome
from support.parity import without_clock
from support.waiting import eventually

SLEEPER = "command=sleep 600\n"


@pytest.fixture(scope="module")
def pair_of_servers(module_pair):
    pair = module_pair
    pair.write("plain", "text").write("ten", "0123456789").write("text.log", "é" * 600 + "\nlast\n")
    pair.script("talk", "cat $(dirname $0)/ten; exec sleep 600")
    pair.start(f"[program:run]\n{SLEEPER}[program:manual]\n{SLEEPER}autostart=false\n"
               "[program:bad]\ncommand=/no/such/file\nstartretries=0\n"
               "[program:plain]\ncommand=@/plain\nautostart=false\n"
               f"[program:nolog]\n{SLEEPER}stdout_logfile=NONE\nstderr_logfile=NONE\n"
               "[program:talk]\ncommand=@/talk\nstdout_logfile=@/talk.out\n"
               f"[program:a]\n{SLEEPER}[program:b]\n{SLEEPER}autostart=false\n[group:g]\nprograms=a,b\n")

    def settle(daemon):
        for name, state in (("run", "RUNNING"), ("bad", "FATAL"), ("g:a", "RUNNING"), ("nolog", "RUNNING"),
                            ("talk", "RUNNING")):
            daemon.wait_state(name, state)
        eventually(lambda: daemon.box.read("talk.out") == "0123456789", what="talk")
    pair.each(settle)
    return pair


NAMES = ["run", "run:run", "manual", "bad", "nolog", "g:a", "g:*", "g:", "g", "a", "nosuch", "nosuch:*", "nosuch:a", "",
         ":", "run:*", "run:nosuch", " run", "é"]


@pytest.mark.parametrize("method", ["getProcessInfo", "startProcess", "signalProcess", "readProcessStdoutLog",
                                    "tailProcessStdoutLog", "clearProcessLogs", "addProcessGroup", "removeProcessGroup",
                                    "sendProcessStdin", "signalProcessGroup", "startProcessGroup"])
def test_names(pair_of_servers, method):
    more = {"signalProcess": ("CONT",), "signalProcessGroup": ("CONT",), "readProcessStdoutLog": (0, 5),
            "tailProcessStdoutLog": (0, 5), "sendProcessStdin": ("text",)}.get(method, ())
    names = [name for name in NAMES if not (method.startswith(("start", "remove")) and
                                            name in ("manual", "g:*", "g:", "g", "run:*"))]
    pair_of_servers.same(lambda daemon: [daemon.call(method, name, *more) for name in names], without_clock)


CALLS = [
    ("getState",), ("getVersion",), ("getAPIVersion",), ("getIdentification",), ("getSupervisorVersion", 1),
    ("getPID", 1), ("getProcessInfo",), ("getProcessInfo", "run", 1), ("nosuch",), ("stopProcess", "manual"),
    ("stopProcess", "bad"), ("stopProcess", "nosuch"), ("startProcess", "plain"), ("startProcess", "bad", False),
    ("startProcess", "run", False), ("signalProcess", "run", "NOSUCH"), ("signalProcess", "manual", "NOSUCH"),
    ("signalProcess", "run", "18"), ("signalProcess", "run", 18), ("signalProcess", "run", "sigcont"),
    ("signalProcess", "run", ""), ("signalProcess", "run", "99"), ("signalAllProcesses", "NOSUCH"),
    ("signalProcessGroup", "g", "NOSUCH"), ("signalProcessGroup", "g", "CONT"), ("stopProcessGroup", "nosuch"),
    ("startProcessGroup", "nosuch"), ("sendProcessStdin", "run", 1), ("sendProcessStdin", "manual", "x"),
    ("sendProcessStdin", "nosuch", 1), ("sendRemoteCommEvent", "type", "data"), ("sendRemoteCommEvent", "type"),
    ("addProcessGroup", "nosuch"), ("addProcessGroup", "run"), ("removeProcessGroup", "run"), ("reloadConfig",),
    ("readProcessStdoutLog", "nolog", 0, 0), ("readProcessStderrLog", "nolog", 0, 0),
    ("tailProcessStdoutLog", "nolog", 0, 10), ("clearProcessLogs", "nolog"), ("clearProcessLogs", "nosuch"),
    ("readProcessStdoutLog", "talk", "3", "4"), ("readProcessStdoutLog", "talk", 3.0, 4.0),
    ("readLog", -1, 1), ("readLog", 0, -1), ("readLog", 0, 20), ("readLog",), ("getAllProcessInfo", 1),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: " ".join(str(word) for word in call))
def test_a_call(pair_of_servers, call):
    def cut_time(value):
        return ["value", value[1][:4]] if call == ("readLog", 0, 20) else without_clock(value)
    pair_of_servers.same(lambda daemon: daemon.call(*call), cut_time)


@pytest.mark.parametrize("method", ["readProcessStdoutLog", "tailProcessStdoutLog"])
def test_offsets_and_lengths(pair_of_servers, method):
    numbers = (-20, -5, -1, 0, 1, 5, 9, 10, 11, 20)
    pair_of_servers.same(lambda daemon: [(o, n, daemon.call(method, "talk", o, n)) for o in numbers for n in numbers])


def test_lists_and_infos(pair_of_servers):
    pair_of_servers.same(lambda daemon: daemon.rpc.getAllProcessInfo(), without_clock)
    pair_of_servers.same(lambda daemon: [{k: v for k, v in info.items() if k != "autorestart"}
                                         for info in daemon.rpc.getAllConfigInfo()])


def test_system_methods(pair_of_servers):
    pair_of_servers.same(lambda daemon: daemon.server.system.listMethods())
    pair_of_servers.same(lambda daemon: {name: daemon.server.system.methodSignature(name)
                                         for name in daemon.server.system.listMethods()})

    def failures(daemon):
        return [outcome(daemon.server.system.methodSignature, "nosuch"),
                outcome(daemon.server.system.methodHelp, "nosuch"), outcome(daemon.server.system.nosuch),
                outcome(daemon.server.nosuch), outcome(daemon.server.a.b.c)]
    pair_of_servers.same(failures)


def test_multicall(pair_of_servers):
    calls = [{"methodName": "supervisor.getState", "params": []}, {"methodName": "supervisor.getProcessInfo", "params": ["x"]},
             {"methodName": "supervisor.getVersion"}, {"methodName": "system.multicall", "params": [[]]}, {},
             {"methodName": "nosuch", "params": []}, {"methodName": "supervisor.getVersion", "params": [1]}]
    pair_of_servers.same(lambda daemon: outcome(daemon.server.system.multicall, calls))
    pair_of_servers.same(lambda daemon: outcome(daemon.server.system.multicall, []))


def test_start_and_stop_of_groups(pair):
    pair.start(f"[program:a]\n{SLEEPER}priority=2\n[program:b]\n{SLEEPER}priority=1\n[group:g]\nprograms=a,b\n"
               f"[program:c]\n{SLEEPER}\n[program:bad]\ncommand=/no/such\nstartretries=0\n")

    def in_any_order(results):
        return [sorted(r, key=lambda item: item["name"]) if isinstance(r, list) else r for r in results]

    def session(daemon):
        for name in ("g:a", "g:b", "c"):
            daemon.wait_state(name, "RUNNING")
        daemon.wait_state("bad", "FATAL")
        rpc = daemon.rpc
        seen = [rpc.stopProcessGroup("g"), rpc.stopProcessGroup("g"), rpc.startProcess("g:*"),
                rpc.stopProcess("g:*", False)]
        for name in ("g:a", "g:b"):
            daemon.wait_state(name, "STOPPED")
        seen += [rpc.startProcessGroup("g", False), rpc.stopAllProcesses(), rpc.startAllProcesses(),
                 rpc.signalAllProcesses("CONT"), rpc.clearAllProcessLogs(), rpc.stopAllProcesses(False)]
        return [[dict(item) for item in result] if isinstance(result, list) else result for result in seen]
    pair.same(session, in_any_order)


REQUESTS = {
    "get of rpc": "GET /RPC2 HTTP/1.1\r\n\r\n",
    "put of rpc": "PUT /RPC2 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
    "no length": "POST /RPC2 HTTP/1.1\r\n\r\n",
    "not found": "GET /nosuch HTTP/1.1\r\n\r\n",
    "not found 1.0": "GET /nosuch HTTP/1.0\r\n\r\n",
    "not found 1.0 kept": "GET /nosuch HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "not found and closed": "GET /nosuch HTTP/1.1\r\nConnection: close\r\n\r\n",
    "log of nobody": "GET /logtail/nosuch HTTP/1.1\r\n\r\n",
    "no channel": "GET /logtail/run/foo HTTP/1.1\r\n\r\n",
    "no log": "GET /logtail/nolog HTTP/1.1\r\n\r\n",
    "post to a log": "POST /logtail/run HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
    "main log by post": "POST /mainlogtail HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
    "garbage": "POST /RPC2 HTTP/1.1\r\nContent-Length: 7\r\n\r\ngarbage",
    "no method name": "POST /RPC2 HTTP/1.1\r\nContent-Length: 25\r\n\r\n<methodCall></methodCall>",
}


def answers_no_more(wire):
    """Has the peer closed? A connection that is open has an answer to one more request."""
    try:
        return wire.send("GET /ok.html HTTP/1.1\r\n\r\n").reply() is None
    except (BrokenPipeError, ConnectionResetError):
        return True


def asked(daemon, request):
    with daemon.wire() as wire:
        reply = wire.send(request).reply()
        if reply is None:
            return None
        headers = [(key, re.sub(r"\d\d:\d\d:\d\d", "T", value)) for key, value in reply.headers.items()]
        return reply.status, headers, reply.body.decode(), answers_no_more(wire)


@pytest.mark.parametrize("name", REQUESTS)
def test_bytes_on_the_wire(pair_of_servers, name):
    pair_of_servers.same(lambda daemon: asked(daemon, REQUESTS[name]))


def test_a_length_in_letters(pair_of_servers):
    pair_of_servers.differs("bad-length",
                            lambda daemon: asked(daemon, "POST /RPC2 HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
                            lambda seen: seen[0] == 500 and not seen[3], lambda seen: seen[0] == 500 and seen[3])


XML = {
    "i8 is its text": "<value><i8>5</i8></value>", "bare text": "<value>run</value>",
    "true is no boolean": "<value><boolean>true</boolean></value>", "i4": "<value><i4>5</i4></value>",
    "nil": "<value><nil/></value>", "array": "<value><array><data><value>run</value></data></array></value>",
    "entities": "<value><string>a&amp;b&lt;c&gt;</string></value>", "spaces": "<value><string> run </string></value>",
    "base64": "<value><base64>cnVu</base64></value>", "empty": "<value></value>",
}


@pytest.mark.parametrize("name", XML)
def test_values_in_calls(pair_of_servers, name):
    body = (f"<?xml version='1.0'?><methodCall><methodName>supervisor.sendRemoteCommEvent</methodName><params><param>"
            f"{XML[name]}</param><param><value>data</value></param></params></methodCall>").encode()

    def ask(daemon):
        with daemon.wire() as wire:
            reply = wire.request("POST", "/RPC2", body)
            return reply.status, reply.body.decode()
    pair_of_servers.same(ask)


def test_the_layout_of_answers(pair_of_servers):
    def ask(daemon):
        seen = []
        for call in (("supervisor.getState",), ("supervisor.getProcessInfo", "<nosuch>"), ("supervisor.nosuch",),
                     ("supervisor.getVersion",), ("supervisor.reloadConfig",), ("supervisor.tailProcessStdoutLog", "talk", 0, 4)):
            with Wire(daemon.address) as wire:
                seen.append(wire.request("POST", "/RPC2", call_body(*call)).body.decode())
        return seen
    pair_of_servers.same(ask)
