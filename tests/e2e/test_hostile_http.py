"""Clients that mean harm, or are broken beyond what one expects."""
import json
import os
import resource
import select
import socket
import time
import xmlrpc.client

import pytest

from support import procfs
from support.http import Wire, basic, call_body, connect, xmlrpc_client
from support.waiting import SCALE, eventually

SLEEPER = "command=sleep 1000\n"
OK = b"GET /ok.html HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def daemon(box):
    return box.daemon(f"[program:x]\n{SLEEPER}", inet="")


def everything(wire):
    """All that comes until the server closes, or is silent for a moment."""
    wire.socket.settimeout(3 * SCALE)
    got = b""
    try:
        while piece := wire.socket.recv(65536):
            got += piece
    except (TimeoutError, ConnectionResetError):
        pass
    return got


def answer_to(daemon, data):
    with daemon.wire() as wire:
        try:
            wire.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return everything(wire)


def alive(daemon):
    return daemon.rpc.getState()["statename"] == "RUNNING"


# --- whose request is it?

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
BODY = call_body("supervisor.getState")

SMUGGLED = {
    "length and chunked": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "chunked": b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked in capitals": b"TRANSFER-ENCODING: CHUNKED\r\n\r\n0\r\n\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "something like chunked": b"Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "space before the colon": b"Content-Length : 0\r\nContent-Length: 5\r\n\r\n",
    "folded": b"X: y\r\n Content-Length: 0\r\nContent-Length: abc\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
    "two lengths in one": b"Content-Length: 0, 44\r\n\r\n",
    "signed length": b"Content-Length: +0\r\n\r\n",
    "negative length": b"Content-Length: -1\r\n\r\n",
    "hexadecimal length": b"Content-Length: 0x0\r\n\r\n",
    "length with a blank": b"Content-Length: 0 0\r\n\r\n",
    "length beyond 64 bits": b"Content-Length: 18446744073709551616\r\n\r\n",
    "no length": b"\r\n",
    "bare line feeds": b"X: y\nContent-Length: 0\n\n",
    "bare carriage return": b"X: y\rContent-Length: 0\r\n\r\n",
    "zero byte": b"X: y\0\r\nContent-Length: 0\r\n\r\n",
    "zero byte in a name": b"Content-Len\0gth: 0\r\n\r\n",
}


@pytest.mark.parametrize("shape", SMUGGLED)
def test_no_request_is_found_behind_one_whose_end_is_in_doubt(daemon, shape):
    got = answer_to(daemon, b"POST /RPC2 HTTP/1.1\r\nHost: localhost\r\n" + SMUGGLED[shape] + HIDDEN)
    answers = got.count(b"HTTP/1.1 ")
    # A proxy that sees no body here agrees with us, and what follows is a request of its own.
    if shape == "no length":
        assert got.startswith(b"HTTP/1.1 411 ")
        return
    assert answers <= 1 and b" 404 " not in got, got
    assert b" 200 " not in got
    assert alive(daemon)


def test_the_body_of_a_get_is_no_request(daemon):
    got = answer_to(daemon, b"GET /ok.html HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN + OK)
    assert got.count(b"HTTP/1.1 200 ") == 2 and b"404" not in got


@pytest.mark.parametrize("line", [
    b"GET / HTTP/1.1\0", b"GET /\r HTTP/1.1", b"GET / HTTP/1.1 HTTP/1.1", b"G\0T / HTTP/1.1", b"GET\t/ HTTP/1.1", b"\0" * 1000,
    b"GET http://other/ HTTP/1.1", b"CONNECT other:80 HTTP/1.1", b"PRI * HTTP/2.0", b"\x16\x03\x01\x02\x00\x01"])
def test_odd_request_lines(daemon, line):
    got = answer_to(daemon, line + b"\r\nHost: x\r\n\r\n")
    assert got.count(b"HTTP/1.") <= 1
    assert alive(daemon)


# --- out of the folder

@pytest.mark.parametrize("path", [
    "/../../../../../../etc/passwd", "/images/../../../../../etc/passwd", "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2f..%2f..%2fetc/passwd", "/%252e%252e/%252e%252e/etc/passwd", "/..%5c..%5c..%5cetc/passwd", "//etc/passwd",
    "/./.././../etc/passwd", "/images/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd", "/..%c0%af..%c0%afetc/passwd", "/etc/passwd%00.png",
    "/logtail/../../../../etc/passwd", "/logtail/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/logtail/x/../../etc/passwd",
    "/mainlogtail/../../etc/passwd", "/tail.html?processname=../../../../etc/passwd", "/tail.html?processname=%2fetc%2fpasswd",
    "/tail.html?processname=/etc/passwd%00x"])
def test_no_path_leads_out(daemon, path):
    with daemon.wire() as wire:
        wire.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"root:" not in everything(wire)


@pytest.mark.parametrize("name", [
    "supervisor.supervisord.options.warnings.linecache.os.system", "supervisor.supervisord.options.execve",
    "supervisor._getAllProcesses", "supervisor._update", "supervisor.__init__", "supervisor.__class__.__mro__",
    "supervisor.getState.__call__", "system.rpcinterface.supervisor.getState", "system.namespaces", "supervisor", "..", "__import__"])
def test_no_name_walks_to_what_is_no_method(box, daemon, name):
    """CVE-2017-11610: `supervisor.supervisord.options.warnings.linecache.os.system` ran commands."""
    command = f"touch {box}/walked"
    for method, arguments in ((name, [command]), ("system.multicall", [[{"methodName": name, "params": [command]}]])):
        proxy = daemon.server
        try:
            result = getattr(proxy, method)(*arguments)
            assert result == [{"faultCode": 1, "faultString": "UNKNOWN_METHOD"}]
        except xmlrpc.client.Fault as fault:
            assert (fault.faultCode, fault.faultString) == (1, "UNKNOWN_METHOD")
    assert not box.exists("walked")


# --- bombs

BILLION = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 20))
CALL = "<methodCall><methodName>{}</methodName></methodCall>"
BOMBS = {
    "billion laughs": f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{BILLION}]>' + CALL.format("&e19;"),
    "quadratic": f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>' + CALL.format("&a;" * 10_000),
    "file": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + CALL.format("&a;"),
    "network": '<!DOCTYPE x [<!ENTITY a SYSTEM "http://127.0.0.1:1/">]>' + CALL.format("&a;"),
    "parameter": '<!DOCTYPE x [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>' + CALL.format("x"),
    "unknown entity": CALL.format("&nosuch;"),
    "never closed": "<methodCall>" * 100_000,
    "comments": "<!--" * 100_000,
    "attributes": "<methodCall " + " ".join(f'a{n}="x"' for n in range(50_000)) + "/>",
    "deep": CALL.replace("</methodCall>", "<params><param>").format("x") + "<value><array><data>" * 50_000 +
            "</data></array></value>" * 50_000 + "</param></params></methodCall>",
    "deep structs": CALL.replace("</methodCall>", "<params><param>").format("x") +
                    "<value><struct><member><name>a</name>" * 30_000 + "</member></struct></value>" * 30_000 +
                    "</param></params></methodCall>",
    "many values": CALL.replace("</methodCall>", "<params>").format("x") + "<param><value/></param>" * 300_000 + "</params></methodCall>",
    "utf-16": "\ufeff" + CALL.format("supervisor.getState"),
}


@pytest.mark.beyond("document-type")
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_do_not_explode(daemon, bomb):
    before = int(procfs.status(daemon.manager, "VmHWM").split()[0])
    body = BOMBS[bomb].encode("utf-16-be" if bomb == "utf-16" else "utf-8")
    with daemon.wire() as wire:
        reply = wire.request("POST", "/RPC2", body)
    assert reply.status == 400 and b"root:" not in reply.body, reply
    assert alive(daemon)
    grown = int(procfs.status(daemon.manager, "VmHWM").split()[0]) - before
    assert grown < 100_000 + 40 * len(body) // 1024, f"{grown} KiB more"


@pytest.mark.beyond("request-limits")
def test_the_log_shows_the_beginning_of_a_bad_request(daemon):
    with daemon.wire() as wire:
        assert wire.request("POST", "/RPC2", b"x" * 1_000_000).status == 400
    daemon.wait_log(r"XML-RPC request data '?b?'?x{1000}'?\.\.\. of 1000000 bytes is invalid")
    assert len(daemon.log()) < 20_000


# --- limits

def limited(box, options, **more):
    return box.daemon(f"[program:x]\n{SLEEPER}stdout_logfile={box}/x.log\n", unix=options, **more)


@pytest.mark.beyond("request-limits")
def test_sizes_are_limited_as_configured(box):
    daemon = limited(box, "header_maxbytes=1KB\nbody_maxbytes=2KB\nbody_maxdepth=7\n")
    for header, status in ((500, 200), (2000, 431)):
        assert answer_to(daemon, b"GET /ok.html HTTP/1.1\r\nX: " + b"y" * header + b"\r\n\r\n").split()[1] == b"%d" % status
    assert answer_to(daemon, b"GET /" + b"x" * 2000).split()[1] == b"431"
    for size, status in ((1000, 200), (3000, 413)):
        with daemon.wire() as wire:
            assert wire.request("POST", "/RPC2", call_body("supervisor.getState") + b" " * size).status == status
    for depth, status in ((2, 200), (3, 400)):
        nested = []
        for _ in range(depth - 1):
            nested = [nested]
        with daemon.wire() as wire:
            assert wire.request("POST", "/RPC2", call_body("supervisor.nosuch", nested)).status == status


@pytest.mark.beyond("request-limits")
def test_times_are_limited_as_configured(box):
    daemon = limited(box, "idle_timeout=1\nrequest_timeout=1\nreply_timeout=1\n")
    box.write("x.log", b"x" * 5_000_000)
    slow = {"idle": b"", "header": b"GET / HTTP/1.1\r\nX: ", "body": b"POST /RPC2 HTTP/1.1\r\nContent-Length: 10\r\n\r\nx",
            "line": b"GE", "reader": b""}
    before = len(procfs.descriptors(daemon.manager))
    wires = {name: daemon.wire() for name in slow}
    for name, data in slow.items():
        wires[name].send(data)
    body = call_body("supervisor.readProcessLog", "x", 0, 0)
    wires["reader"].send(b"POST /RPC2 HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    for name, wire in reversed(wires.items()):
        with wire:
            if name == "reader":
                eventually(lambda: len(procfs.descriptors(daemon.manager)) == before, 10, "the end of all")
                assert len(everything(wire)) < 5_000_000
            else:
                eventually(wire.closed, 10, f"the end of the connection that is slow with its {name}")
    assert alive(daemon)


@pytest.mark.beyond("request-limits")
def test_who_has_the_most_connections_makes_room(box):
    daemon = limited(box, "max_connections=10\n")
    own = daemon.wire()
    assert own.request("GET", "/ok.html").status == 200
    # Another process, and so another client.
    crowd = box.python("crowd", f"import socket, time\nheld = []\nfor n in range(50):\n  s = socket.socket(socket.AF_UNIX)\n"
                                f"  s.connect('{box}/s'); s.send(b'GET / HTTP/1.1\\r\\nX: '); held.append(s)\n"
                                f"open('{box}/ready', 'w').close()\ntime.sleep(1000)\n")
    box.start([crowd])
    eventually(lambda: box.exists("ready"), what="the crowd")
    for _ in range(20):
        with daemon.wire() as wire:
            assert wire.request("GET", "/ok.html").status == 200
    assert own.request("GET", "/ok.html").status == 200


def test_a_thousand_idle_clients_are_nobodys_trouble(box, daemon):
    held = []
    try:
        for _ in range(1000):
            held.append(connect(daemon.address))
        assert alive(daemon)
        pid = daemon.pid_of("x")
        os.kill(pid, 9)
        eventually(lambda: daemon.pid_of("x") not in (0, pid), what="a restart")
    finally:
        for connection in held:
            connection.close()
    eventually(lambda: len(procfs.descriptors(daemon.manager)) < 100, what="closed descriptors")


@pytest.mark.beyond("request-limits")
def test_idle_clients_leave_descriptors_for_everything_else(box):
    daemon = box.daemon(f"[program:x]\n{SLEEPER}", supervisord="minfds=100", inet="",
                        preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300)))
    held = [connect(daemon.address) for _ in range(400)] + [connect(("127.0.0.1", box.port)) for _ in range(400)]
    try:
        assert alive(daemon)
        assert xmlrpc_client(("127.0.0.1", box.port)).supervisor.getPID() == daemon.pid
        pid = daemon.pid_of("x")
        os.kill(pid, 9)
        eventually(lambda: daemon.pid_of("x") not in (0, pid), what="a restart")
        assert daemon.rpc.readLog(0, 0)
    finally:
        for connection in held:
            connection.close()


def test_half_closed_clients_are_answered_and_forgotten(daemon):
    for data in (OK, OK * 50, b"GET /nosuch HTTP/1.0\r\n\r\n"):
        with daemon.wire() as wire:
            wire.send(data)
            wire.socket.shutdown(socket.SHUT_WR)
            assert everything(wire).count(b"HTTP/1.") == data.count(b"GET")
    with daemon.wire() as wire:
        wire.send(b"POST /RPC2 HTTP/1.1\r\nContent-Length: 100\r\n\r\nx")
        wire.socket.shutdown(socket.SHUT_WR)
        assert everything(wire) == b""
    for target in ("/logtail/x", "/mainlogtail"):
        with daemon.wire() as wire:
            wire.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
            assert wire.head().status == 200
            wire.socket.shutdown(socket.SHUT_WR)
            eventually(lambda: wire.socket.recv(65536) == b"", what="the end of the stream")


def test_all_that_is_pipelined_is_answered_in_order(daemon):
    methods = ["getIdentification", "getPID", "nosuch"] * 300
    bodies = [call_body(f"supervisor.{method}") for method in methods]
    with daemon.wire() as wire:
        wire.send(b"".join(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(b) + b for b in bodies))
        for method in methods:
            body = wire.reply().body
            assert {"getIdentification": b"supervisor<", "getPID": b"<int>", "nosuch": b"UNKNOWN_METHOD"}[method] in body


# --- one client and the others

def post(body):
    return b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.beyond("fair-turns")
def test_a_long_multicall_holds_nobody_up(box):
    daemon = box.daemon(f"[program:x]\n{SLEEPER}numprocs=20\nprocess_name=%(process_num)d\n")
    calls = [{"methodName": "supervisor.getAllProcessInfo", "params": []}] * 600
    with daemon.wire() as bad, daemon.wire() as good:
        bad.send(post(call_body("system.multicall", calls)))
        for _ in range(20):
            assert good.request("POST", "/RPC2", BODY).status == 200
        pid = daemon.pid_of("x:0")
        os.kill(pid, 9)
        eventually(lambda: daemon.pid_of("x:0") not in (0, pid), what="a restart")
        results = xmlrpc.client.loads(bad.reply().body)[0][0]
    assert len(results) == 600 and len(results[0]) == 20


@pytest.mark.beyond("fair-turns")
def test_a_multicall_ends_with_its_client(box):
    daemon = box.daemon(f"[program:x]\n{SLEEPER}numprocs=20\nprocess_name=%(process_num)d\n")
    calls = [{"methodName": "supervisor.getAllProcessInfo", "params": []}] * 8000
    body = call_body("system.multicall", calls)
    for _ in range(5):
        with daemon.wire() as wire:
            wire.send(post(body))
            assert select.select([wire.socket], [], [], 0.02)[0] == [], "this was no long call"
    if box.suite.is_built_with("thread"):
        return  # ThreadSanitizer has a thread of its own that wakes up
    manager = daemon.manager
    eventually(lambda: procfs.context_switches(manager) == (time.sleep(0.2), procfs.context_switches(manager))[1], 20,
               "a manager at rest")
    assert alive(daemon)


@pytest.mark.beyond("fair-turns")
def test_large_requests_and_answers_are_as_good_as_small_ones(box):
    text = "The <quick> brown fox & the lazy dog.\n" * 50_000
    daemon = box.daemon(f"[program:x]\ncommand=cat\nautostart=false\nstdout_logfile={box}/x.log\n")
    box.write("x.log", text)
    assert daemon.rpc.readProcessLog("x", 0, 0) == text
    assert daemon.rpc.readProcessStdoutLog("x", 38, 200_000) == text[38:200_038]
    assert daemon.rpc.readProcessStdoutLog("x", -100_000, 0) == text[-100_000:]
    tail = daemon.rpc.tailProcessStdoutLog("x", 0, 500_000)
    assert tail == [text[-500_000:], len(text), True] or tail[0] in text
    both = daemon.server.system.multicall([{"methodName": "supervisor.readProcessLog", "params": ["x", 0, 0]},
                                           {"methodName": "supervisor.getState", "params": []}])
    assert both[0] == text and both[1]["statename"] == "RUNNING"
    assert daemon.call("getProcessInfo", "y" * 200_000) == ("fault", 10, "BAD_NAME: " + "y" * 1000 + "...")
    assert daemon.call("getProcessInfo", *["z"] * 5000)[:2] == ("fault", 2)


@pytest.mark.beyond("fair-turns")
def test_many_processes_are_shown_like_few(box):
    daemon = box.daemon(f"[program:x]\n{SLEEPER}autostart=false\nnumprocs=300\nprocess_name=%(process_num)03d\n")
    with daemon.wire() as wire:
        pages = [wire.request("GET", f"/?message={n}").body.decode() for n in range(3)]
    for n, page in enumerate(pages):
        assert page.count("statusnominal") == 300 and f'<div class="status_msg">{n}</div>' in page
    infos = daemon.rpc.getAllConfigInfo()
    assert [info["name"] for info in infos] == [f"{n:03}" for n in range(300)]
    assert infos[7]["stdout_logfile"] == daemon.info("x:007")["stdout_logfile"] and infos[7]["inuse"]


# --- pages of other sites

def status(address, target, headers=(), method="GET", body=None):
    with Wire(address) as wire:
        lines = [f"{method} {target} HTTP/1.1", *headers, *([f"Content-Length: {len(body)}"] if body is not None else [])]
        wire.send("\r\n".join(lines) + "\r\n\r\n").send(body or b"")
        return wire.reply().status


STOP = "/index.html?processname=x&action=stop"


@pytest.mark.beyond("foreign-name")
def test_a_foreign_name_for_a_loopback_address_changes_nothing(box, daemon):
    tcp = ("127.0.0.1", box.port)
    daemon.wait_state("x", "RUNNING")
    evil = f"Host: evil.example:{box.port}"
    call = call_body("supervisor.stopProcess", "x")
    assert status(tcp, STOP, [evil]) == 403
    assert status(tcp, STOP, [evil, f"Referer: http://evil.example:{box.port}/"]) == 403
    assert status(tcp, "/RPC2", [evil, f"Origin: http://evil.example:{box.port}"], "POST", call) == 403
    assert daemon.state("x") == "RUNNING"
    daemon.wait_log("'evil.example:[0-9]+' is no name of this server, see allowed_hosts")
    # Reading, programs that are no browsers, other names of this machine, and https in front go on as ever.
    assert status(tcp, "/", [evil]) == 200
    assert status(tcp, "/RPC2", [evil], "POST", BODY) == 200
    for good in ([f"Host: localhost:{box.port}"], ["Host: 127.0.0.1"], [], [evil, "Sec-Fetch-Site: same-origin"]):
        assert status(tcp, STOP.replace("stop", "restart"), good) == 303, good


@pytest.mark.beyond("foreign-name")
def test_names_can_be_configured(box):
    daemon = box.daemon(f"[program:x]\n{SLEEPER}", inet="allowed_hosts=web.example,other.example")
    tcp = ("127.0.0.1", box.port)
    assert status(tcp, "/", ["Host: web.example:80"]) == 200
    assert status(tcp, STOP, ["Host: WEB.example"]) == 303
    for target in ("/", "/RPC2", "/logtail/x", "/ok.html"):
        assert status(tcp, target, ["Host: evil.example"]) == 403
    assert xmlrpc_client(tcp).supervisor.getPID() == daemon.pid


def test_no_header_of_a_request_gets_into_one_of_a_reply(daemon):
    for target in ("/?action=refresh%0d%0aSet-Cookie:%20a", "/index.html?action=start&processname=x%0d%0aSet-Cookie:a",
                   "/?message=%0d%0aSet-Cookie:a", "/images%0d%0aSet-Cookie:a", "/logtail/x%0d%0aSet-Cookie:a"):
        for host in ("x", "x%0d%0aSet-Cookie: a", "x/\"><script>", "x\tSet-Cookie: a"):
            with daemon.wire() as wire:
                wire.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
                reply = wire.head()
            if reply:
                assert "set-cookie" not in reply.headers
                assert "<script>" not in json.dumps(reply.headers)


# --- passwords

def test_wrong_passwords_are_logged_once_a_second_and_not_shown(box):
    daemon = box.daemon("", unix="username=me\npassword=right", ctl="username=me\npassword=right", start=False)
    daemon.credentials = ("me", "right")
    daemon.start()
    began = time.monotonic()
    for n in range(300):
        with daemon.wire() as wire:
            assert wire.request("GET", "/", headers=[f"Authorization: {basic('me', f'guess{n}')}"]).status == 401
    seconds = time.monotonic() - began
    lines = [line for line in daemon.log().splitlines() if "wrong user name or password" in line]
    assert len(lines) <= seconds + 1
    assert "guess" not in daemon.log()
