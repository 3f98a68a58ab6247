"""The web pages: what they show, what their buttons do, who may press them, and the files that belong to them."""
import os
import re
import signal
import time
from email.utils import formatdate, parsedate_to_datetime
from html.parser import HTMLParser
from urllib.parse import quote, unquote

import pytest

from support import procfs
from support.http import Wire, basic, call_body
from support.waiting import eventually

SLEEPER = "command=sleep 600\n"


class Page(HTMLParser):
    """What a reader or a scraper takes from a page: texts, links with their names, rows of the table."""

    def __init__(self, body):
        super().__init__()
        self.links, self.rows, self.title, self.message, self.pre = [], [], "", None, ""
        self._open = []
        self.feed(body.decode("utf-8"))
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self._open.append((tag, attributes))
        if tag == "tr":
            self.rows.append({"class": attributes.get("class"), "cells": []})
        if tag == "td":
            self.rows[-1]["cells"].append("")
        if tag == "span" and "status" in attributes.get("class", ""):
            self.rows[-1]["state class"] = attributes["class"]
        if tag == "a":
            self.links.append([attributes.get("href"), attributes.get("name"), attributes.get("target"), ""])
        if attributes.get("class") == "status_msg":
            self.message = ""

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        inside = [tag for tag, _ in self._open]
        classes = [attributes.get("class") for _, attributes in self._open]
        if "hidden" in classes:
            return
        if "title" in inside:
            self.title += data
        if "pre" in inside:
            self.pre += data
        if "td" in inside:
            self.rows[-1]["cells"][-1] += data
        if "a" in inside:
            self.links[-1][3] += data
        if "status_msg" in classes:
            self.message += data

    def programs(self):
        """{name: (state, class of the state, description, [texts of the actions])}"""
        return {cells[2].strip(): (cells[0].strip(), row["state class"], cells[1].strip(), cells[3].split("\n"))
                for row in self.rows if len(cells := row["cells"]) == 4}

    def actions(self, name):
        return [text for href, _, _, text in self.links
                if re.search(rf"(processname=|logtail/){re.escape(quote(name))}(&|/|$)", href)]


def get(daemon, target, *headers, method="GET", body=None):
    with daemon.wire() as wire:
        return wire.request(method, target, body, headers)


def page(daemon, target="/"):
    reply = get(daemon, target)
    assert reply.status == 200, reply
    return Page(reply.body)


def press(daemon, query, *headers):
    """The message that an action leads to."""
    reply = get(daemon, "/index.html?" + query, *headers)
    assert reply.status in (301, 303), reply
    start = "http://localhost/?message="
    assert reply.headers["location"].startswith(start), reply
    return unquote(reply.headers["location"][len(start):])


@pytest.fixture
def mixed(box):
    box.script("fail", "exit 3")
    daemon = box.daemon(f"[program:run]\n{SLEEPER}[program:manual]\n{SLEEPER}autostart=false\n"
                        f"[program:bad]\ncommand={box}/fail\nstartretries=0\n"
                        f"[program:slow]\n{SLEEPER}startsecs=600\n"
                        f"[program:missing]\ncommand=/no/such\nautostart=false\n[program:nolog]\n{SLEEPER}"
                        f"stdout_logfile=NONE\n"
                        f"[program:a]\n{SLEEPER}[program:b]\n{SLEEPER}[group:g]\nprograms=a,b\n")
    for name, state in (("run", "RUNNING"), ("bad", "FATAL"), ("slow", "STARTING"), ("g:a", "RUNNING"),
                        ("g:b", "RUNNING"), ("nolog", "RUNNING")):
        daemon.wait_state(name, state)
    return daemon


def test_the_status_page_shows_every_process(mixed):
    shown = page(mixed)
    programs = shown.programs()
    assert shown.title == "Supervisor Status" and shown.message is None
    assert list(programs) == ["bad", "g:a", "g:b", "manual", "missing", "nolog", "run", "slow"]
    assert re.fullmatch(r"pid \d+, uptime 0:00:\d\d", programs["run"][2])
    assert programs["bad"][:3] == ("fatal", "statuserror", "Exited too quickly (process log may have details)")
    assert programs["manual"][:3] == ("stopped", "statusnominal", "Not started")
    assert programs["slow"][:3] == ("starting", "statusnominal", "")
    assert [row["class"] for row in shown.rows if row["class"] is not None] == ["", "shade"] * 4
    tails = ["Clear Log", "Tail -f Stdout", "Tail -f Stderr"]
    assert shown.actions("run") == ["run", "Restart", "Stop", *tails]
    assert shown.actions("bad") == ["bad", "Start", *tails]
    assert shown.actions("slow") == ["slow", *tails]
    assert ["index.html?processname=g%3Aa&action=restart", "Restart", None, "Restart"] in shown.links
    assert ["logtail/g%3Aa/stderr", "Tail -f Stderr", "_blank", "Tail -f Stderr"] in shown.links
    assert ["tail.html?processname=g%3Aa", None, "_blank", "g:a"] in shown.links
    assert ["index.html?action=stopall", None, None, "Stop All"] in shown.links


def test_every_link_of_the_page_leads_somewhere(mixed):
    shown = page(mixed)
    targets = {href for href, *_ in shown.links if href != "#" and not href.startswith(("http:", "logtail/"))}
    assert len(targets) > 20
    for target in sorted(targets, key=lambda href: "stop" in href):
        if "action=" in target and not re.search("refresh|clearlog", target):
            continue
        assert get(mixed, "/" + target).status in (200, 301, 303), target
    with mixed.wire() as wire:
        wire.send("GET /logtail/g%3Aa HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wire.head().status == 200


def settled(daemon):
    """{name: (state, pid)} of every process."""
    return {info["name"] if info["name"] == info["group"] else f"{info['group']}:{info['name']}":
            (info["statename"], info["pid"]) for info in daemon.rpc.getAllProcessInfo()}


def test_buttons_do_what_they_say(mixed):
    others = {name: at for name, at in settled(mixed).items() if name not in ("manual", "bad", "missing")}
    assert press(mixed, "processname=manual&action=start") == "Process manual started"
    # Whoever is told so finds it so: the answer waits for what it says.
    state, first = settled(mixed)["manual"]
    assert state == "RUNNING" and procfs.alive(first)
    assert press(mixed, "processname=manual&action=start") == "ERROR: Process manual: already started"
    assert settled(mixed)["manual"] == ("RUNNING", first)
    assert press(mixed, "processname=manual&action=restart") == "Process manual restarted"
    state, second = settled(mixed)["manual"]
    assert state == "RUNNING" and second != first and procfs.alive(second) and not procfs.alive(first)
    assert press(mixed, "processname=manual&action=stop") == "Process manual stopped"
    assert settled(mixed)["manual"] == ("STOPPED", 0) and not procfs.alive(second)
    assert press(mixed, "processname=manual&action=stop") == "unexpected rpc fault [70] NOT_RUNNING: manual"
    assert press(mixed, "processname=manual&action=restart") == "Process manual restarted"
    assert settled(mixed)["manual"][0] == "RUNNING"
    assert press(mixed, "processname=missing&action=start") == "ERROR: Process missing: no such file"
    assert press(mixed, "processname=missing&action=restart") == "Process missing restarted"
    assert settled(mixed)["missing"] == ("STOPPED", 0)
    assert press(mixed, "processname=bad&action=start") == "ERROR: Process bad: spawn error"
    assert press(mixed, "processname=g:*&action=stop") == "No such process named g:*"
    assert press(mixed, "processname=%3Cnope%3E&action=stop") == "No such process named <nope>"
    assert re.fullmatch(r"Page refreshed at \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d 20\d\d", press(mixed, "action=refresh"))
    for query in ("action=foo", "action=start", "action=foo&processname=run"):
        assert get(mixed, "/?" + query).status == 500
    assert {name: at for name, at in settled(mixed).items() if name in others} == others


def test_clearing_a_log_empties_this_one_only(box):
    for name in "ab":
        box.script(name, f"echo {name}; echo {name} >&2; exec sleep 600")
    daemon = box.daemon("".join(f"[program:{name}]\ncommand={box}/{name}\nstdout_logfile={box}/{name}.out\n"
                                f"stderr_logfile={box}/{name}.err\n" for name in "ab"))
    logs = [f"{name}.{kind}" for name in "ab" for kind in ("out", "err")]
    eventually(lambda: all(box.bytes(log) for log in logs), what="output")
    assert press(daemon, "processname=a&action=clearlog") == "Log for a cleared"
    assert [box.read(log) for log in logs] == ["", "", "b\n", "b\n"]


def test_all_are_stopped_and_restarted(mixed):
    mixed.rpc.stopProcess("slow")
    mixed.rpc.removeProcessGroup("slow")  # would take ten minutes to start
    before = settled(mixed)
    running = {"run", "g:a", "g:b", "nolog"}
    assert {name for name, (state, _) in before.items() if state == "RUNNING"} == running
    assert re.fullmatch(r"All stopped at \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d 20\d\d", press(mixed, "action=stopall"))
    assert settled(mixed) == {name: ("FATAL" if name == "bad" else "STOPPED", 0) for name in before}
    assert not any(procfs.alive(before[name][1]) for name in running)

    began = len(mixed.log())
    assert press(mixed, "action=restartall").startswith("All restarted at ")
    first = settled(mixed)
    # What was not running before is started too.
    assert {name for name, (state, _) in first.items() if state == "RUNNING"} == running | {"manual"}
    assert "stopped: " not in mixed.log()[began:]

    began = len(mixed.log())
    assert press(mixed, "action=restartall").startswith("All restarted at ")
    second = settled(mixed)
    for name in running | {"manual"}:
        assert second[name][0] == "RUNNING" and second[name][1] != first[name][1] and not procfs.alive(first[name][1])
    # All are stopped before any is started.
    said = re.findall(r"(stopped: |spawned: ')(?:run|manual|a|b|nolog)\b", mixed.log()[began:])
    assert said == ["stopped: "] * 5 + ["spawned: '"] * 5


def test_a_waiting_button_holds_nothing_up(box):
    box.script("stubborn", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    daemon = box.daemon(f"[program:x]\ncommand={box}/stubborn\nstopwaitsecs=600\nstdout_logfile={box}/out\n")
    box.wait_lines("out")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    with daemon.wire() as wire:
        wire.send("GET /?action=stop&processname=x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        daemon.wait_state("x", "STOPPING")
        assert page(daemon).programs()["x"][0] == "stopping"
        os.kill(pid, signal.SIGKILL)
        assert unquote(wire.reply().headers["location"]).endswith("message=Process x stopped")


def test_a_client_that_leaves_harms_nothing(box):
    daemon = box.daemon(f"[program:x]\n{SLEEPER}startsecs=3\nautostart=false\n")
    with daemon.wire() as wire:
        wire.send("GET /?action=start&processname=x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        daemon.wait_state("x", "STARTING", "RUNNING")
    daemon.wait_state("x", "RUNNING")
    assert page(daemon).programs()["x"][0] == "running"


def test_the_message_is_shown_and_harmless(mixed):
    assert page(mixed, "/?message=a+%3Cscript%3E%26%22").message == 'a <script>&"'
    assert b"<script>" not in get(mixed, "/?message=%3Cscript%3E").body
    assert page(mixed, "/?message=a&message=b").message == "a"


def test_a_posted_form_wins_over_the_address(mixed):
    reply = get(mixed, "/index.html?action=refresh&processname=nope", method="POST",
                body=b"action=start&processname=manual")
    assert unquote(reply.headers["location"]).endswith("?message=Process manual started")
    assert mixed.state("manual") == "RUNNING"


def test_the_tail_page(box):
    box.script("talk", "i=0; while [ $i -lt 300 ]; do echo \"line $i <b>&\"; i=$((i+1)); done; exec sleep 600")
    daemon = box.daemon(f"[program:x]\ncommand={box}/talk\nstdout_logfile={box}/x.out\n"
                        f"[program:nolog]\n{SLEEPER}stdout_logfile=NONE\n")
    whole = "".join(f"line {i} <b>&\n" for i in range(300))
    eventually(lambda: box.read("x.out") == whole, what="the whole log")
    shown = page(daemon, "/tail.html?processname=x")
    assert shown.title == "Supervisor tail of process x" and shown.pre == whole[-1024:]
    assert [link[0] for link in shown.links] == ["tail.html?processname=x&limit=1024"]
    shown = page(daemon, "/tail.html?processname=x&limit=2000")
    assert shown.pre == whole[-2000:]
    assert [link[0] for link in shown.links] == ["tail.html?processname=x&limit=2000"]
    for limit in ("5", "-2000", "x", ""):
        assert page(daemon, f"/tail.html?processname=x&limit={limit}").pre == whole[-1024:]
    assert page(daemon, "/tail.html?processname=x&limit=100000").pre == whole
    assert page(daemon, "/tail.html?processname=nolog").pre == "No file for nolog"
    assert page(daemon, "/tail.html?processname=%3Cx%3E").pre == "ERROR: unexpected rpc fault [10] BAD_NAME: <x>"
    shown = page(daemon, "/tail.html")
    assert shown.pre == "No process name found" and shown.title == "Supervisor tail of process None" and not shown.links


def test_nothing_to_manage(box):
    daemon = box.daemon("")
    reply = get(daemon, "/")
    assert b"No programs to manage" in reply.body and b"<table" not in reply.body
    assert get(daemon, "/ok.html").body == b"OK"
    assert get(daemon, "/ok.html").headers["content-type"] == "text/plain"


def test_a_password_guards_the_pages(box):
    daemon = box.daemon(f"[program:x]\n{SLEEPER}", unix="username=me\npassword=secret", start=False,
                        ctl="username=me\npassword=secret")
    daemon.credentials = ("me", "secret")
    daemon.start()
    for target in ("/", "/index.html?action=stopall", "/tail.html", "/ok.html", "/images/icon.png", "/status.html"):
        assert get(daemon, target).status == 401
    assert get(daemon, "/", f"Authorization: {basic('me', 'secret')}").status == 200


FILES = {"/stylesheets/supervisor.css": "text/css", "/images/icon.png": "image/png", "/images/supervisor.gif": "image/gif",
         "/images/rule.gif": "image/gif", "/images/state0.gif": "image/gif", "/images/state1.gif": "image/gif",
         "/images/state2.gif": "image/gif", "/images/state3.gif": "image/gif", "/status.html": "text/html"}


def test_files(box):
    daemon = box.daemon("")
    with daemon.wire() as wire:
        for target, kind in FILES.items():
            reply = wire.request("GET", target)
            assert reply.status == 200 and reply.headers["content-type"] == kind and reply.body, target
            modified = parsedate_to_datetime(reply.headers["last-modified"])
            assert modified.timestamp() <= time.time()
            wire.send(f"HEAD {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head = wire.head()
            assert head.status == 200 and int(head.headers["content-length"]) == len(reply.body)
            for since, status in ((reply.headers["last-modified"], 304), (formatdate(0, usegmt=True), 200), ("x", 200)):
                again = wire.request("GET", target, headers=[f"If-Modified-Since: {since}"])
                assert again.status == status and again.body == (reply.body if status == 200 else b"")
    assert get(daemon, "/images/icon.png").body.startswith(b"\x89PNG\r\n\x1a\n")
    assert get(daemon, "/images/state0.gif").body.startswith(b"GIF89a")
    for target in re.findall(rb'url\("\.\.(/[^"]*)"\)', get(daemon, "/stylesheets/supervisor.css").body):
        assert target.decode() in FILES


@pytest.mark.parametrize("target, status", [
    ("/images", 301), ("/stylesheets", 301), ("/images/", 404), ("/nosuch", 404), ("/../../../../etc/passwd", 404),
    ("/%2e%2e/%2e%2e/%2e%2e/etc/passwd", 404), ("/images/../status.html", 200), ("//index.html", 200),
    ("/%69ndex.html", 200), ("/index.html/", 404), ("/INDEX.HTML", 404), ("/images/..%2fstatus.html", 200)])
def test_paths(box, target, status):
    daemon = box.daemon("")
    reply = get(daemon, target)
    assert reply.status == status and b"root:" not in reply.body


def test_other_methods_are_bad_requests(box):
    daemon = box.daemon("")
    for method in ("PUT", "DELETE", "OPTIONS"):
        for target in ("/", "/tail.html", "/status.html", "/nosuch"):
            assert get(daemon, target, method=method).status == 400
    assert get(daemon, "/status.html", method="POST", body=b"x=y").status == 400


def test_the_access_log_at_trace_level(box):
    daemon = box.daemon("", supervisord="loglevel=trace", inet="")
    assert get(daemon, "/ok.html").status == 200
    with Wire(("127.0.0.1", box.port)) as wire:
        assert wire.request("GET", "/nosuch?a=b").status == 404
    when = r"\[\d\d/[A-Z][a-z]{2}/20\d\d:\d\d:\d\d:\d\d \+0000\]"
    daemon.wait_log(rf'TRAC localhost:0 - - {when} "GET /ok.html HTTP/1.1" 200 \d+\n')
    daemon.wait_log(rf'TRAC 127\.0\.0\.1:\d+ - - {when} "GET /nosuch\?a=b HTTP/1.1" 404 \d+\n')


@pytest.mark.beyond("web-redirect")
def test_an_action_may_not_be_remembered(mixed):
    reply = get(mixed, "/?action=refresh")
    assert reply.status == 303 and reply.headers["cache-control"] == "no-store"


CHANGES = ["action=start&processname=manual", "action=stop&processname=run", "action=restart&processname=run",
           "action=clearlog&processname=run", "action=stopall", "action=restartall"]
FOREIGN = ["Sec-Fetch-Site: cross-site", "Origin: http://evil.example", "Origin: null",
           "Referer: http://evil.example/page.html", "Sec-Purpose: prefetch"]
OWN = ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none", "Origin: http://localhost:9001",
       "Referer: https://localhost/index.html", "X-Unknown: x"]


@pytest.mark.beyond("web-origin")
def test_other_sites_may_not_press_buttons(mixed):
    before = [(info["name"], info["statename"], info["pid"]) for info in mixed.rpc.getAllProcessInfo()]
    for query in CHANGES:
        for header in FOREIGN:
            assert get(mixed, "/?" + query, header).status == 403, (query, header)
            assert get(mixed, "/", header, method="POST", body=query.encode()).status == 403, (query, header)
    assert [(info["name"], info["statename"], info["pid"]) for info in mixed.rpc.getAllProcessInfo()] == before
    mixed.wait_log(r"WARN refused the web page's 'stopall': it comes from another site, 'http://evil.example'\n")
    for header in FOREIGN:
        assert get(mixed, "/", header).status == 200
        assert get(mixed, "/?action=refresh", header).status == 303
    for header in OWN:
        assert press(mixed, "processname=run&action=clearlog", header) == "Log for run cleared"


@pytest.mark.beyond("web-origin")
def test_other_sites_may_not_post_calls(box):
    daemon = box.daemon("")
    body = call_body("supervisor.getState")
    for header in FOREIGN:
        assert get(daemon, "/RPC2", header, method="POST", body=body).status == 403
    for header in OWN:
        assert get(daemon, "/RPC2", header, method="POST", body=body).status == 200


@pytest.mark.beyond("web-shutdown")
def test_the_page_while_the_daemon_stops(box):
    box.script("stubborn", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    daemon = box.daemon(f"[program:x]\ncommand={box}/stubborn\nstopwaitsecs=600\nstdout_logfile={box}/out\n")
    box.wait_lines("out")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    daemon.signal(signal.SIGTERM)
    eventually(lambda: page(daemon).programs()["x"][0] == "stopping", what="stopping")
    for query in CHANGES[2:]:
        assert press(daemon, query.replace("=run", "=x")) == "unexpected rpc fault [6] SHUTDOWN_STATE"
    os.kill(pid, signal.SIGKILL)
    daemon.wait_exit()


@pytest.mark.beyond("web-parameters")
def test_parameters_of_a_path_are_ignored(box):
    assert page(box.daemon(""), "/index.html;x?message=a").message == "a"


@pytest.mark.beyond("web-without-interface")
def test_without_an_interface_the_pages_are_shown(box):
    text = box.config(f"[program:x]\n{SLEEPER}", inet="")
    text = re.sub(r"\[rpcinterface:supervisor\]\n.*\n", "", text)
    daemon = box.daemon(start=False)
    box.write("sd.conf", text)
    daemon.start(wait=False)
    eventually(lambda: box.exists("s") and "running" in str(page(daemon).programs().get("x")), what="the page")
    assert press(daemon, "processname=x&action=stop") == "unexpected rpc fault [1] UNKNOWN_METHOD"
    assert press(daemon, "action=stopall") == "unexpected rpc fault [1] UNKNOWN_METHOD"
    assert page(daemon).programs()["x"][0] == "running"
