"""The web pages: the same elements, links and texts, the same answers to buttons, the same files."""
import os
import re
from html.parser import HTMLParser

import pytest

from support.waiting import eventually

SLEEPER = "command=sleep 600\n"


class Elements(HTMLParser):
    """A page as a list of tags with their attributes and of texts, white space between them left out."""

    def __init__(self, body):
        super().__init__()
        self.found, self._pre, self._right = [], False, 0
        self.feed(body.decode("utf-8"))
        self.close()

    def handle_decl(self, decl):
        self.found.append(["decl", re.sub(r"\s+", " ", decl)])

    def handle_starttag(self, tag, attributes):
        attributes = {name: value.lower() if name == "method" else value for name, value in attributes
                      if tag != "html"}  # ours names its language there
        self._pre = tag == "pre"
        if attributes == {"class": "right"}:
            self._right = 1
        if not self._right:
            self.found.append([tag, attributes])

    def handle_endtag(self, tag):
        if self._right:
            self._right = tag != "div"  # whose design it is, in each one's words
        else:
            self.found.append(["/" + tag])

    def handle_data(self, data):
        if self._right:
            assert "20" not in data or re.search(r"2006-|^20\d\d$", data)
            return
        text = data if self._pre else re.sub(r"\s+", " ", data).strip()
        text = re.sub(r"pid \d+, uptime \d:\d\d:\d\d", "pid N, uptime T", text)
        if self.found and self.found[-1] == ["span", {}] and re.fullmatch(r"\d+\.\d+\.\d+\S*", text):
            text = "VERSION"
        if text:
            self.found.append(["text", text])


def ask(daemon, target, *headers, method="GET", body=None):
    with daemon.wire() as wire:
        return wire.request(method, target, body, headers)


def without_time(headers):
    return [[name, "T" if name in ("date", "last-modified") or name == "content-length" else value]
            for name, value in headers.items()]


@pytest.fixture(scope="module")
def pages(module_pair):
    pair = module_pair
    pair.script("talk", "i=0; while [ $i -lt 300 ]; do echo \"line $i <b>&\\\"é\"; i=$((i+1)); done; exec sleep 600")
    pair.write("plain", "text").script("deaf", "trap '' TERM; echo deaf; while :; do sleep 0.1; done")
    pair.start(f"[program:run]\n{SLEEPER}[program:manual]\n{SLEEPER}autostart=false\n"
               "[program:bad]\ncommand=/no/such/<file>\nstartretries=0\n"
               "[program:plain]\ncommand=@/plain\nautostart=false\n"
               f"[program:slow]\n{SLEEPER}startsecs=600\n[program:nolog]\n{SLEEPER}stdout_logfile=NONE\n"
               "[program:talk]\ncommand=@/talk\nstdout_logfile=@/talk.out\n"
               "[program:done]\ncommand=/bin/true\nstartsecs=0\nautorestart=false\n[program:deaf]\ncommand=@/deaf\n"
               "stopwaitsecs=600\nstdout_logfile=@/deaf.out\n"
               f"[program:many]\n{SLEEPER}numprocs=2\nprocess_name=é&%%20%(process_num)d\n"
               f"[program:a]\n{SLEEPER}[program:b]\n{SLEEPER}[group:g]\nprograms=b,a\n", inet="")

    def settle(daemon):
        for name, state in (("run", "RUNNING"), ("bad", "FATAL"), ("slow", "STARTING"), ("nolog", "RUNNING"),
                            ("talk", "RUNNING"), ("g:a", "RUNNING"), ("g:b", "RUNNING"), ("many:é&%200", "RUNNING"),
                            ("many:é&%201", "RUNNING")):
            daemon.wait_state(name, state)
        eventually(lambda: daemon.box.read("talk.out").endswith("line 299 <b>&\"é\n"), what="talk")
        daemon.wait_state("done", "EXITED")
        eventually(lambda: daemon.box.read("deaf.out"), what="deaf")
        daemon.rpc.stopProcess("deaf", False)
        daemon.wait_state("deaf", "STOPPING")
    pair.each(settle)
    return pair


PAGES = ["/", "/index.html", "//", "/?message=a+b%3Cc%26%22%C3%A9", "/?message=", "/?message", "/?message=a&message=b",
         "/?Message=a", "/index.html?x=y;message=z", "/%69ndex.html",
         "/tail.html", "/tail.html?processname=", "/tail.html?processname=talk", "/tail.html?processname=talk&limit=1024",
         "/tail.html?processname=talk&limit=2000", "/tail.html?processname=talk&limit=7",
         "/tail.html?processname=talk&limit=-2000", "/tail.html?processname=talk&limit=x",
         "/tail.html?processname=talk&limit=100000", "/tail.html?processname=talk:talk", "/tail.html?processname=nolog",
         "/tail.html?processname=g:*", "/tail.html?processname=nosuch", "/tail.html?processname=%3Cnosuch%3E%22",
         "/tail.html?processname=run", "/tail.html?processname=many:%C3%A9%26%25200", "/ok.html"]


@pytest.mark.parametrize("target", PAGES)
def test_a_page(pages, target):
    def look(daemon):
        reply = ask(daemon, target)
        return [reply.status, without_time(reply.headers), Elements(reply.body).found]
    found = pages.same(look)
    assert found[0] == 200 and len(found[2]) > (0 if target == "/ok.html" else 10)


ACTIONS = ["action=refresh", "action=foo", "action=foo&processname=run", "action=foo&processname=nosuch", "action=start",
           "action=start&processname=run", "action=start&processname=bad", "action=start&processname=plain",
           "action=stop&processname=manual", "action=stop&processname=bad", "action=start&processname=nosuch",
           "action=start&processname=g:*", "action=start&processname=g", "action=start&processname=%3Cx%3E%26%22+%C3%A9/y",
           "action=clearlog&processname=run", "action=clearlog&processname=nolog", "action=restart&processname=nosuch",
           "action=stop&processname=talk:nosuch", "action=STOP&processname=run", "action=stop&action=refresh",
           "action=&processname=run&message=x", "processname=many:%C3%A9%26%25200&action=clearlog"]


def redirection(reply):
    """An action's outcome. 301 and 303 are the same here, and so are their bodies."""
    location = re.sub(r"at%20\w{3}%20\w{3}%20(%20)?\d+%20[%\dA-F]+%2020\d\d", "at%20T", reply.headers.get("location", ""))
    return [303 if reply.status == 301 else reply.status, location]


@pytest.mark.parametrize("query", ACTIONS)
def test_a_button(pages, query):
    def press(daemon):
        reply = ask(daemon, "/index.html?" + query)
        names = [name for name in reply.headers if name != "connection"]
        return [redirection(reply), names, redirection(ask(daemon, "/", method="POST", body=query.encode())),
                redirection(ask(daemon, "/?action=foo&processname=y", method="POST", body=query.encode()))]
    pages.same(press)


def test_the_buttons_of_one_process(pages):
    def press(daemon):
        found = []
        for action in ("start", "start", "stop", "stop", "start", "restart"):
            found.append(redirection(ask(daemon, f"/?processname=manual&action={action}")))
        daemon.wait_state("manual", "RUNNING")
        found.append(redirection(ask(daemon, "/?processname=manual&action=stop")))
        return found
    assert "Process%20manual%20restarted" in pages.same(press)[5][1]


@pytest.mark.parametrize("host", ["a.example", "a.example:80", "a.example:8080", "127.0.0.1:9001", "[::1]:9001"])
def test_where_the_redirect_leads(pages, host):
    def press(daemon):
        with daemon.wire() as wire:
            wire.send(f"GET /?action=start&processname=run HTTP/1.1\r\nHost: {host}\r\n\r\n")
            return redirection(wire.reply())
    assert pages.same(press)[1].startswith("http://" + host.removesuffix(":80") + "/?message=")


PATHS = ["/stylesheets/supervisor.css", "/images/icon.png", "/images/supervisor.gif", "/images/rule.gif",
         "/images/state0.gif", "/images/state1.gif", "/images/state2.gif", "/images/state3.gif", "/status.html",
         "/status.html?x", "/%73tatus.html", "/images/../status.html", "/../../status.html", "/images/", "/images/nosuch",
         "/nosuch", "/stylesheets/../../ui/status.html", "/stylesheets/", "/index.html/", "/tail.html/x", "/ok.html/",
         "/./", "/images/./state0.gif", "/images//state0.gif", "/Images/state0.gif"]


@pytest.mark.parametrize("target", PATHS)
def test_a_file(pages, target):
    def fetch(daemon):
        first = ask(daemon, target)
        found = [first.status, without_time(first.headers)]
        with daemon.wire() as wire:
            wire.send(f"HEAD {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head = wire.head()
            found += [head.status, without_time(head.headers)]
        for since in (first.headers.get("last-modified"), "Thu, 01 Jan 1970 00:00:01 GMT", "nonsense",
                      f"{first.headers.get('last-modified')}; length=1"):
            found.append(ask(daemon, target, f"If-Modified-Since: {since}").status)
        return [*found, ask(daemon, target, method="PUT").status]
    pages.same(fetch)


def test_a_folder_without_its_slash(pages):
    def fetch(daemon):
        replies = [ask(daemon, target) for target in ("/images", "/stylesheets", "//images", "/images/../images")]
        return [[reply.status, re.sub(r"^http://.*?/", "http://H/", reply.headers["location"])] for reply in replies]
    pages.same(fetch)


@pytest.mark.parametrize("method", ["HEAD", "PUT", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("target", ["/", "/index.html", "/tail.html", "/ok.html", "/nosuch"])
def test_methods(pages, method, target):
    def fetch(daemon):
        with daemon.wire() as wire:
            wire.send(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return wire.head().status
    pages.same(fetch)


def test_deliberate_differences(pages):
    pages.differs("web-redirect", lambda daemon: ask(daemon, "/?action=refresh").status,
                  lambda status: status == 301, lambda status: status == 303)
    pages.differs("web-origin", lambda daemon: ask(daemon, "/?action=clearlog&processname=run", "Origin: http://evil").status,
                  lambda status: status == 301, lambda status: status == 403)


def test_nothing_to_manage(pair):
    pair.start("")

    def look(daemon):
        reply = ask(daemon, "/")
        return [reply.status, without_time(reply.headers), Elements(reply.body).found]
    assert ["text", "No programs to manage"] in pair.same(look)[2]


def test_starts_that_fail(pair):
    """A program that ends too early, one without a log, one that is stopped while its start is waited for."""
    pair.script("fail", "exit 3")
    pair.start("[program:fail]\ncommand=@/fail\nautostart=false\nstartsecs=10\nstartretries=0\n[program:again]\ncommand=@/fail\n"
               "autostart=false\nstartsecs=10\nstartretries=5\n[program:nolog]\ncommand=cat\nautostart=false\nstartretries=0\n"
               f"stdout_logfile=@/folder\n[program:slow]\n{SLEEPER}autostart=false\nstartsecs=600\n")

    def session(daemon):
        os.mkdir(daemon.box.path("folder"))
        found = [redirection(ask(daemon, f"/?processname={name}&action=start")) for name in ("fail", "again", "nolog")]
        with daemon.wire() as wire:
            wire.send("GET /?processname=slow&action=start HTTP/1.1\r\nHost: localhost\r\n\r\n")
            daemon.wait_state("slow", "STARTING")
            daemon.rpc.stopProcess("slow")
            found.append(redirection(wire.reply()))
        daemon.rpc.stopProcess("again")
        return found, [daemon.state(name) for name in ("fail", "again", "nolog", "slow")]
    found, _ = pair.same(session)
    assert [location.partition("%20")[2].partition("%20")[2] for _, location in found] == [
        "fail%3A%20spawn%20error", "again%3A%20spawn%20error", "nolog%3A%20spawn%20error", "slow%3A%20abnormal%20termination"]


def test_the_buttons_for_all(pair):
    pair.start(f"[program:x]\n{SLEEPER}[program:manual]\n{SLEEPER}autostart=false\n[program:bad]\ncommand=/no/such\nstartretries=0\n"
               f"[program:a]\n{SLEEPER}[program:b]\n{SLEEPER}[group:g]\nprograms=a,b\n")
    names = ("x", "manual", "bad", "g:a", "g:b")

    def session(daemon):
        for name in ("x", "g:a", "g:b"):
            daemon.wait_state(name, "RUNNING")
        daemon.wait_state("bad", "FATAL")
        found = []
        for action in ("stopall", "stopall", "restartall", "restartall"):
            before = {name: daemon.pid_of(name) for name in names}
            found.append(redirection(ask(daemon, f"/index.html?action={action}")))
            found.append({name: (daemon.state(name), daemon.pid_of(name) == before[name]) for name in names})
        return found
    found = pair.same(session)
    assert found[5]["manual"] == ["RUNNING", False] and found[7]["g:a"] == ["RUNNING", False]
