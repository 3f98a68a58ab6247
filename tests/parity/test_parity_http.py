"""HTTP: the same bytes for the same bytes, header by header, and the same fate of the connection behind them."""
import hashlib
import os
import re

import pytest

from support.http import Wire, basic, call_body
from support.waiting import SCALE, eventually

SLEEPER = "command=sleep 600\n"
STATE = call_body("supervisor.getState").decode()
VERSION = call_body("supervisor.getAPIVersion").decode()


def post(body, *headers, target="/RPC2", version="1.1", length="Content-Length: {}"):
    lines = [f"POST {target} HTTP/{version}", *headers, length.format(len(body.encode()))]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def get(target, *headers, version="1.1", method="GET"):
    return "\r\n".join([f"{method} {target} HTTP/{version}", *headers]) + "\r\n\r\n"


class Raw(Wire):
    """A connection on which nothing is interpreted but where a reply ends."""

    def _more(self):
        try:
            return super()._more()
        except ConnectionResetError:
            return False

    def rest(self):
        """All that comes until the peer closes."""
        while self._more():
            pass
        return self.take(len(self._buffer))

    def head(self):
        """The lines of the next head, or of what came of it before the peer closed."""
        text = self._until(b"\r\n\r\n")
        if text is None:
            return self.take(len(self._buffer)).decode("latin-1").splitlines()
        return text.decode("latin-1").split("\r\n")

    def reply(self, bodiless=False):
        """The lines of the head and the body; nothing when the peer closed."""
        head = self.head()
        lower = [line.lower() for line in head]
        body = b""
        if "transfer-encoding: chunked" in lower:
            while piece := self.chunk():
                body += piece
        elif head and not bodiless and " 304 " not in head[0]:
            length = [int(line.split(":")[1]) for line in lower if line.startswith("content-length:")]
            body = self.take(length[0]) if length else self.rest()
        for pattern, text in ((r"(Date|Last-Modified): .*", r"\1: T"), (r"(at%20).*", r"\1T"),
                              # 301 and 303 are the same here, and so are their pages.
                              (r"^(HTTP/\S+) 30[13] .*", r"\1 301 or 303"),
                              (r"^Location: .*?(/images/|/\?message=)", r"Location: HOST\1")):
            head = [re.sub(pattern, text, line) for line in head]
        if head and head[0].endswith("301 or 303"):
            head = [line for line in head if not line.startswith("Cache-Control: ")]
        return head, body


def fate(raw):
    """What becomes of the connection: the status line of one more request, or nothing."""
    try:
        raw.send(get("/ok.html"))
        return raw.reply()[0][:1]
    except (BrokenPipeError, ConnectionResetError):
        return []


def ask(daemon, request, bodiless=False, address=None):
    with Raw(address or daemon.address) as raw:
        raw.send(request)
        head, body = raw.reply(bodiless)
        return [head, body.decode("utf-8", "replace"), fate(raw)]


def without_page(seen):
    """Pages and files are compared elsewhere; here all that counts is that there is one."""
    head, body, behind = seen
    if any(re.match(r"Content-Type: (text/html;charset=utf-8|text/css|image/)|Last-Modified: |HTTP/.* 301 or 303", line)
           for line in head):
        head = [re.sub(r"(Content-Length): [1-9]\d*", r"\1: N", line) for line in head]
        body = bool(body)
    return [head, body, behind]


@pytest.fixture(scope="module")
def servers(module_pair):
    pair = module_pair
    pair.script("talk", "for i in 1 2 3 4 5 6 7 8 9; do printf '%0199d\\n' $i; done; exec sleep 600")
    pair.start(f"[program:run]\n{SLEEPER}stdout_logfile=@/run.out\nstderr_logfile=@/run.err\n"
               f"[program:nolog]\n{SLEEPER}stdout_logfile=NONE\nstderr_logfile=NONE\n"
               "[program:talk]\ncommand=@/talk\nstdout_logfile=@/talk.out\n[program:idle]\ncommand=cat\nautostart=false\n"
               "stdout_logfile=@/idle.out\n"
               f"[program:é]\n{SLEEPER}[program:a]\n{SLEEPER}stdout_logfile=@/a.out\n[group:g]\nprograms=a\n", inet="",
               supervisord="loglevel=trace")

    def settle(daemon):
        for name in ("run", "nolog", "talk", "é", "g:a"):
            daemon.wait_state(name, "RUNNING")
        eventually(lambda: len(daemon.box.bytes("talk.out")) == 1800, what="talk")
        daemon.box.write("run.out", "short\n")
    pair.each(settle)
    return pair


# ---- request lines, versions, keep-alive

@pytest.mark.parametrize("line", ["GET", "", "GET /ok.html HTTP/1.1 x", "GET  /ok.html HTTP/1.1", " GET /ok.html HTTP/1.1",
                                  "GET /ok.html FTP/1.1", "\0", "/ok.html HTTP/1.1"])
def test_what_is_no_request_line(servers, line):
    """Closed without a word, but for an empty line, behind which a request may come."""
    def request(daemon):
        return ask(daemon, f"{line}\r\nHost: x\r\n\r\n")
    servers.same(request)


TARGETS = {"ok": "/ok.html", "page": "/", "error": "/nosuch", "style": "/stylesheets/supervisor.css", "folder": "/images",
           "action": "/?action=refresh"}
CONNECTIONS = ["", "Connection: close", "connection: close", "CONNECTION: keep-alive", "Connection: keep-alive",
               "Connection: x"]
CAPITAL = ["Connection: Close", "Connection: Keep-Alive"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_connections_that_are_kept(servers, target, version):
    def requests(daemon):
        return [without_page(ask(daemon, get(TARGETS[target], *[header][:bool(header)], version=version)))
                for header in CONNECTIONS]
    kept = [bool(behind) for _, _, behind in servers.same(requests)]
    assert kept[0] == (version == "1.1") and not kept[1] and kept[4]


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_connections_that_are_kept_behind_calls(servers, version):
    def requests(daemon):
        return [ask(daemon, post(STATE, *[header][:bool(header)], version=version)) for header in CONNECTIONS + CAPITAL]
    servers.same(requests)


def test_connections_of_pages_with_capitals(servers):
    def requests(daemon):
        return [bool(ask(daemon, get("/ok.html", header, version=version))[2])
                for version, header in (("1.1", CAPITAL[0]), ("1.0", CAPITAL[1]))]
    servers.differs("connection-case", requests, lambda kept: kept == [True, False], lambda kept: kept == [False, True])


def test_requests_without_a_version(servers):
    """They are answered with a status line all the same, and the connection ends."""
    def requests(daemon):
        return [ask(daemon, f"{line}\r\n\r\n") for line in ("GET /ok.html", "GET /nosuch")]

    def check(status):
        return lambda seen: [head[0] for head, _, _ in seen] == [f"HTTP/None {status}", "HTTP/None 404 Not Found"] \
            and not any(behind for *_, behind in seen)
    servers.differs("no-version", requests, check("500 Internal Server Error"), check("200 OK"))


def test_redirects_without_a_host(servers):
    def requests(daemon):
        found = []
        for target in ("/?action=refresh", "/images"):
            with Raw(daemon.address) as raw:
                raw.send(get(target))
                found += [line for line in raw.head() if line.startswith("Location: ")]
        return found
    servers.differs("redirect-without-host", requests, lambda seen: all("http://<unix domain socket>" in line for line in seen),
                    lambda seen: seen[0].startswith("Location: /?message=") and seen[1] == "Location: /images/")


def test_a_redirect_to_a_folder_with_a_host(servers):
    def request(daemon):
        with Raw(("127.0.0.1", daemon.box.port)) as raw:
            raw.send(get("/images", "Host: a.example:8080"))
            return [line for line in raw.head() if line.startswith("Location: ")]
    servers.differs("redirect-without-host", request, lambda seen: "a.example" not in seen[0],
                    lambda seen: seen == ["Location: http://a.example:8080/images/"])


def test_requests_behind_each_other(servers):
    def requests(daemon):
        with Raw(daemon.address) as raw:
            raw.send(post(STATE) + get("/nosuch") + post(VERSION) + get("/ok.html") + get("/?message=a") + post(STATE))
            return [without_page([*raw.reply(), None])[:2] for _ in range(6)]
    assert len(servers.same(requests)) == 6


def test_requests_over_tcp_have_the_same_replies(servers):
    def requests(daemon):
        return [without_page(ask(daemon, request, address=address)) for request in (post(STATE), get("/nosuch"), get("/"))
                for address in (daemon.address, ("127.0.0.1", daemon.box.port))]
    servers.same(requests)


# ---- headers and bodies

@pytest.mark.parametrize("name", ["content-length: {}", "CONTENT-LENGTH: {}", "cOnTeNt-LeNgTh: {}", "Content-Length:   {}  "])
def test_names_of_headers_have_no_case(servers, name):
    servers.same(lambda daemon: ask(daemon, post(STATE, length=name)))


def test_a_header_without_a_blank(servers):
    servers.differs("header-blank", lambda daemon: ask(daemon, post(STATE, length="Content-Length:{}"))[0][0],
                    lambda line: line == "HTTP/1.1 411 Length Required", lambda line: line == "HTTP/1.1 200 OK")


BODIES = {
    "expect": post(STATE, "Expect: 100-continue"), "unknown headers": post(STATE, "X-A: b", "Accept: */*", "User-Agent: x"),
    "no length": "POST /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n", "no length for a page": "POST / HTTP/1.1\r\n\r\n",
    "chunked": "POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
    "get with a length": get("/ok.html", "Content-Length: 0"), "query": get("/ok.html?a=b"), "fragment": get("/ok.html#a"),
    "post of ok": post("a=b", target="/ok.html"), "post of a page": post("message=a+b", target="/"),
    "put": get("/nosuch", method="PUT"), "delete of the page": get("/", method="DELETE"), "lower": get("/ok.html", method="get"),
    "unknown method": get("/ok.html", method="FOO"), "put to rpc": get("/RPC2", method="PUT"),
    "get of rpc": get("/RPC2"), "longer rpc": post(STATE, target="/RPC2foo"),
    "rpc and more": post(STATE, target="/RPC2/more?x=y"),
    "absolute": get("http://localhost/ok.html"), "two slashes": get("//ok.html"), "star": get("*"), "none": get("ok.html"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_request(servers, name):
    servers.same(lambda daemon: without_page(ask(daemon, BODIES[name])))


@pytest.mark.parametrize("request_bytes", [b"GET /ok.html HTTP/1.1\r\nX: \xff\r\n\r\n",
                                           b"GET /ok.html?\xff HTTP/1.1\r\nX: y\r\n\r\n"], ids=["header", "address"])
def test_bytes_that_are_no_text(servers, request_bytes):
    def request(daemon):
        with Raw(daemon.address) as raw:
            raw.send(request_bytes)
            return raw.head()[:1]
    servers.same(lambda daemon: ask(daemon, request_bytes.replace(b"\xff", b"\xc3\xa9")))
    servers.differs("header-bytes", request, lambda seen: seen == [], lambda seen: seen == ["HTTP/1.1 200 OK"])


@pytest.mark.parametrize("target", ["/nosuch", "/rpc2", "/status.html"])
def test_the_body_of_a_refused_post(servers, target):
    def request(daemon):
        head, _, behind = ask(daemon, post("a=b", target=target))
        return [head[0], behind]
    servers.differs("refused-body", request, lambda seen: seen == ["HTTP/1.1 400 Bad Request"] * 1 + [["HTTP/1.1 400 Bad Request"]],
                    lambda seen: seen == ["HTTP/1.1 400 Bad Request", ["HTTP/1.1 200 OK"]])


def test_what_has_not_changed(servers):
    """A 304 has no body in HTTP, so what comes behind its head is taken for the beginning of the next answer."""
    def request(daemon):
        with Raw(daemon.address) as raw:
            raw.send(get("/images/rule.gif", "If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT"))
            head = raw.head()
            raw.send(get("/ok.html"))
            return [head[0], raw.head()[0]]
    servers.differs("not-modified", request, lambda seen: seen == ["HTTP/1.1 304 Not Modified", "0"],
                    lambda seen: seen == ["HTTP/1.1 304 Not Modified", "HTTP/1.1 200 OK"])


@pytest.mark.parametrize("target", ["/nosuch", "/ok.html", "/status.html", "/images", "/logtail/run", "/RPC2"])
def test_a_head(servers, target):
    servers.same(lambda daemon: without_page([*ask(daemon, get(target, method="HEAD"), bodiless=True)[:1], "", None]))


# ---- passwords

AUTHORIZATIONS = {
    "none": [], "right": [f"Authorization: {basic('me', 'se:cret')}"], "wrong": [f"Authorization: {basic('me', 'x')}"],
    "other name": [f"Authorization: {basic('you', 'se:cret')}"], "empty": [f"Authorization: {basic('', '')}"],
    "scheme": ["Authorization: Digest abc"], "lower": [f"authorization: basic {basic('me', 'se:cret')[6:]}"],
    "only a word": ["Authorization: Basic"], "bad base64": ["Authorization: Basic a"], "no colon": ["Authorization: Basic bWU="],
    "blank": ["Authorization: "], "cut": [f"Authorization: {basic('me', 'se:cret')[:-4]}"],
    "the hash": [f"Authorization: {basic('me', '{SHA}' + hashlib.sha1(b'se:cret').hexdigest())}"],
    "case": [f"Authorization: {basic('me', 'SE:CRET')}"],
}


@pytest.fixture(scope="module", params=["se:cret", "{SHA}" + hashlib.sha1(b"se:cret").hexdigest()], ids=["plain", "sha1"])
def guarded(request, suite):
    from support.parity import Pair
    pair = Pair(suite)
    try:
        pair.start(f"[program:run]\n{SLEEPER}", inet=f"username=me\npassword={request.param}")
        pair.each(lambda daemon: daemon.wait_state("run", "RUNNING"))
        yield pair
    finally:
        pair.close()


@pytest.mark.parametrize("name", AUTHORIZATIONS)
def test_a_password(guarded, name):
    def requests(daemon):
        address = ("127.0.0.1", daemon.box.port)
        seen = []
        for request in (get("/ok.html", *AUTHORIZATIONS[name]), post(STATE, *AUTHORIZATIONS[name]),
                        get("/nosuch", *AUTHORIZATIONS[name], version="1.0"), get("/logtail/nosuch", *AUTHORIZATIONS[name]),
                        get("/mainlogtail", *AUTHORIZATIONS[name], method="PUT"), get("/images", *AUTHORIZATIONS[name]),
                        get("/?action=stopall", *AUTHORIZATIONS[name]) if name not in ("right", "lower") else get("/ok.html")):
            with Raw(address) as raw:
                raw.send(request)
                seen.append(raw.reply())
        return [without_page([head, body.decode(), None])[:2] for head, body in seen], daemon.state("run")
    guarded.same(requests)


def test_a_connection_behind_a_refused_password(guarded):
    def requests(daemon):
        with Raw(("127.0.0.1", daemon.box.port)) as raw:
            raw.send(get("/ok.html"))
            assert raw.reply()[0][0] == "HTTP/1.1 401 Unauthorized"
            raw.socket.settimeout((1 if daemon.suite.is_reference else 15) * SCALE)
            try:
                return fate(raw)
            except TimeoutError:
                return "silence"
    guarded.differs("unauthorized-close", requests, lambda behind: behind == "silence", lambda behind: behind == [])


# ---- logs that are followed

def follow(daemon, target, version="1.1", chunks=1):
    with Raw(daemon.address) as raw:
        raw.send(get(target, version=version))
        head, first = raw.head(), b""
        if head and head[0].endswith("200 OK"):
            first = b"".join(raw.chunk() for _ in range(chunks))
        return [re.sub(r"^(Date|Last-Modified): .*", r"\1: T", line) for line in head], first.decode()


@pytest.mark.parametrize("target", ["/logtail/run", "/logtail/run/stdout", "/logtail/talk", "/logtail/g:a", "/logtail/g%3Aa",
                                    "/logtail/run:run", "/logtail/run?x=y", "/logtailx/talk"])
def test_a_log_that_is_followed(servers, target):
    def request(daemon):
        return follow(daemon, target, chunks="/a" not in target.replace("%3A", "/").replace(":", "/"))
    head, first = servers.same(request)
    assert head[0] == "HTTP/1.1 200 OK" and (not first or first == "short\n" or len(first) == 1024)


@pytest.mark.parametrize("target", ["/logtail", "/logtail/", "/logtail/nosuch", "/logtail/nosuch/stdout", "/logtail/run/foo",
                                    "/logtail/run/", "/logtail/talk/stdout/more", "/logtail/g", "/logtail/g:", "/logtail/g:*", "/logtail/g:nosuch",
                                    "/logtail/nolog", "/logtail/nolog/stderr", "/logtail/idle", "/logtail//run", "/logtail/:",
                                    "/logtail/%00", "/logtail/%C3%A9/foo"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_log_that_cannot_be_followed(servers, target, method):
    servers.same(lambda daemon: ask(daemon, get(target, method=method)))


@pytest.mark.parametrize("target", ["/mainlogtail", "/mainlogtail/x", "/mainlogtailx", "/mainlogtail?x"])
def test_the_main_log_that_is_followed(servers, target):
    head, first = servers.same(lambda daemon: (lambda seen: [seen[0], len(seen[1].encode()) > 100])(follow(daemon, target)))
    assert head[0] == "HTTP/1.1 200 OK" and not any("Accel" in line for line in head)


def test_growth_and_a_new_file_are_followed(servers):
    def requests(daemon):
        box, pieces = daemon.box, []
        box.write("run.out", "a" * 1500 + "end\n")
        with Raw(daemon.address) as raw:
            raw.send(get("/logtail/run"))
            raw.head()
            pieces.append(raw.chunk())
            for text in ("one é\n", "no newline", "\n"):
                with open(box.path("run.out"), "a", encoding="utf-8") as file:
                    file.write(text)
                pieces.append(raw.chunk())
            box.write("next", "a new file\n")
            os.rename(box.path("next"), box.path("run.out"))
            pieces.append(raw.chunk())
        return [piece.decode() for piece in pieces]
    assert servers.same(requests)[0] == "a" * 1020 + "end\n"


def test_a_log_that_is_followed_by_an_old_client(servers):
    """The original holds everything back until 64 KiB have gathered."""
    def request(daemon):
        with Raw(daemon.address) as raw:
            raw.send(get("/logtail/talk", version="1.0"))
            raw.socket.settimeout((1.5 if daemon.suite.is_reference else 15) * SCALE)
            try:
                return raw.head()[0], len(raw.take(1024))
            except TimeoutError:
                return None
    servers.differs("old-followers", request, lambda seen: seen is None, lambda seen: seen == ["HTTP/1.0 200 OK", 1024])


# ---- the access log

def test_lines_of_the_access_log(servers):
    def session(daemon):
        for request in (get("/nosuch?log=b"), get("/ok.html?log", version="1.0"), post(STATE, target="/RPC2?log"),
                        get("/?log", method="PUT"), get("/images/rule.gif?log", method="HEAD")):
            with Raw(daemon.address) as raw:
                raw.send(request)
                raw.reply("HEAD" in request)
        with Raw(("127.0.0.1", daemon.box.port)) as raw:
            raw.send(get("/nosuch?log-tcp"))
            raw.reply()
        daemon.wait_log(r"/nosuch\?log-tcp")
        found = [text.rstrip("\n") for level, text in daemon.messages() if level == "TRAC" and "?log" in text]
        return [re.sub(r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]", "[T]", re.sub(r"^127.0.0.1:\d+", "TCP", text))
                for text in found]
    assert len(servers.same(session)) == 6
