"""XML-RPC as bytes: what is taken for a request, what it is answered, and what the log says about it."""
import os
import re

import pytest

from support.http import call_body
from support.waiting import eventually

SLEEPER = "command=sleep 600\n"


@pytest.fixture(scope="module")
def servers(module_pair):
    pair = module_pair
    pair.script("talk", "cat $(dirname $0)/ten; exec sleep 600").write("ten", "0123456789")
    pair.start(f"[program:run]\n{SLEEPER}[program:talk]\ncommand=@/talk\nstdout_logfile=@/talk.out\n")

    def settle(daemon):
        daemon.wait_state("run", "RUNNING")
        eventually(lambda: daemon.box.read("talk.out") == "0123456789", what="the output")
    pair.each(settle)
    return pair


def post(daemon, body, headers=()):
    with daemon.wire() as wire:
        reply = wire.request("POST", "/RPC2", body, headers)
    kept = {name: value for name, value in reply.headers.items() if name in ("content-type", "content-length")}
    return reply.status, kept, reply.body.decode()


def called(method, *values):
    """The text of a request whose values are written down as they are."""
    params = "".join(f"<param><value>{value}</value></param>" for value in values)
    return f"<methodCall><methodName>supervisor.{method}</methodName><params>{params}</params></methodCall>".encode()


@pytest.mark.parametrize("kind", [None, "text/xml", "text/plain", "application/x-www-form-urlencoded", "nonsense", ""])
def test_the_type_of_a_request_does_not_matter(servers, kind):
    headers = [] if kind is None else [f"Content-Type: {kind}"]
    seen = servers.same(lambda daemon: post(daemon, call_body("supervisor.getIdentification"), headers))
    assert seen[0] == 200 and seen[1]["content-type"] == "text/xml"
    assert int(seen[1]["content-length"]) == len(seen[2])


DEFECTS = {
    "no xml": b"nonsense", "a letter": b"x", "blank": b" ", "no end": b"<methodCall>",
    "crossed": b"<methodCall><methodName></methodCall></methodName>",
    "no method": b"<methodCall></methodCall>", "an empty method": b"<methodCall><methodName></methodName></methodCall>",
    "only params": b"<methodCall><params></params></methodCall>",
    "int with letters": called("readLog", "<int>x</int>", "<int>1</int>"),
    "int with a point": called("readLog", "<int>1.5</int>", "<int>1</int>"),
    "empty int": called("readLog", "<int></int>", "<int>1</int>"),
    "double with letters": called("readLog", "<double>x</double>", "<int>1</int>"),
    "no date": called("getProcessInfo", "<dateTime.iso8601>2020</dateTime.iso8601>"),
    "an unknown entity": called("getProcessInfo", "&nosuch;"),
    "not ascii": "<methodCall>é".encode(), "quotes": b"'\"\\\n\t",
    "two roots": b"<methodCall><methodName>supervisor.getState</methodName></methodCall><x/>",
    "array without data": called("getProcessInfo", "<array></array>"),
    "empty member": called("getProcessInfo", "<struct><member></member></struct>"),
    "a blank before the declaration": b"\n<?xml version='1.0'?><a><methodName>supervisor.getState</methodName></a>",
    "two declarations": b"<?xml version='1.0'?><?xml version='1.0'?><methodCall/>",
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_request_that_is_none(servers, name):
    """Status 400, and an error in the log that shows the data as Python does."""
    def ask(daemon):
        before = len(daemon.messages())
        reply = post(daemon, DEFECTS[name])
        eventually(lambda: len(daemon.messages()) > before, what="a line in the log")
        return reply, daemon.messages()[before:]
    (status, *_), messages = servers.same(ask)
    assert status == 400 and [level for level, _ in messages] == ["ERRO"]
    assert re.fullmatch(r"XML-RPC request data .* is invalid: (unmarshallable|no method name)", messages[0][1], re.S)


UNUSUAL = {
    "no declaration": call_body("supervisor.getState").partition(b"?>\n")[2],
    "no params": b"<methodCall><methodName>supervisor.getState</methodName></methodCall>",
    "other names": b"<a><methodName>supervisor.getState</methodName></a>",
    "params first": b"<a><params/><methodName>supervisor.getState</methodName></a>",
    "a comment": b"<a><!-- here --><methodName>supervisor.getState</methodName></a>",
    "a blank method": b"<a><methodName> supervisor.getState </methodName></a>",
    "cdata": b"<a><methodName><![CDATA[supervisor.getState]]></methodName></a>",
    "blanks": b"<a>\n <methodName>supervisor.getState</methodName>\n <params>\n </params>\n</a>\n",
    "blank first": b"\n<a><methodName>supervisor.getState</methodName></a>",
    "another encoding": b"<?xml version='1.0' encoding='ISO-8859-1'?><a><methodName>supervisor.getState</methodName></a>",
    "an unknown encoding": b"<?xml version='1.0' encoding='x'?><a><methodName>supervisor.getState</methodName></a>",
    "an encoding": b"<?xml version='1.0' encoding='UTF-8'?><a><methodName>supervisor.getState</methodName></a>",
    "letters": "<a><methodName>supervisor.é</methodName></a>".encode(),
    "no dot": b"<a><methodName>getState</methodName></a>", "two dots": b"<a><methodName>a.b.c</methodName></a>",
    "private": b"<a><methodName>supervisor._update</methodName></a>",
    "no namespace": b"<a><methodName>nosuch.getState</methodName></a>",
    "an attribute": b"<a><methodName>supervisor.supervisord</methodName></a>",
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_a_request_that_is_odd(servers, name):
    assert servers.same(lambda daemon: post(daemon, UNUSUAL[name]))[0] == 200


NUMBERS = {
    "int": "<int>3</int>", "i4": "<i4>3</i4>", "blanks": "<int> 3 </int>", "plus": "<int>+3</int>", "zeros": "<int>003</int>",
    "underscore": "<int>1_0</int>", "huge": "<int>99999999999</int>",
    "i8": "<i8>3</i8>", "double": "<double>3.9</double>", "text": "3", "string": "<string>3</string>",
    "text with blanks": "<string> 3 </string>", "true": "<boolean>1</boolean>", "base64": "<base64>Mw==</base64>",
    "negative double": "<double>-0.5</double>", "tiny double": "<double>1e-400</double>",
    "beyond any file": "<int>9223372036854775807</int>", "a double beyond any file": "<double>1e18</double>",
    "more digits than Python reads": f"<int>{'9' * 4301}</int>",
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_every_kind(servers, name):
    """As an offset, which goes through Python's int()."""
    servers.same(lambda daemon: [post(daemon, called(method, "talk", NUMBERS[name], "<int>4</int>"))
                                 for method in ("readProcessStdoutLog", "tailProcessStdoutLog")])


HUGE = {
    "int": "<int>99999999999999999999999</int>", "negative": "<i4>-99999999999999999999999</i4>",
    "spelled out": "<int> +00_99999999999999999999999 </int>", "the first": "<int>9223372036854775808</int>",
    "the last": "<int>-9223372036854775809</int>", "double": "<double>1e23</double>", "infinite": "<double>1e400</double>",
    "nested": "<array><data><value><int>99999999999999999999999</int></value></data></array>",
}


@pytest.mark.parametrize("name", HUGE)
def test_numbers_beyond_64_bits_in_faults(servers, name):
    """They are shown as they are."""
    value = HUGE[name]
    seen = servers.same(lambda daemon: [post(daemon, called(*call)) for call in (
        ("sendProcessStdin", "run", value), ("addProcessGroup", value), ("signalProcess", "run", value))
        if call[0] == "sendProcessStdin" or name not in ("infinite", "nested")])
    assert "INCORRECT_PARAMETERS: " in seen[0][2]


def test_numbers_beyond_64_bits_as_places_in_a_log(servers):
    high, low = "9" * 23, "-" + "9" * 23
    beyond = [low, f"<int>{low}</int>", "<double>-1e30</double>"]
    calls = [(f"tailProcess{channel}Log", "talk", offset, length) for channel in ("Stdout", "Stderr") for offset, length in [
        *((offset, "4") for offset in [*beyond, high, f"<int>{high}</int>", "<double>1e30</double>"]),
        *(("3", length) for length in beyond)]]
    calls += [(method, "talk", place, "<int>4</int>") for method in ("readProcessStdoutLog", "readProcessStderrLog")
              for place in beyond]
    servers.same(lambda daemon: [(call, post(daemon, called(*call))) for call in calls])


@pytest.mark.parametrize("offset, length, then", [
    ("9" * 23, "4", "(FAILED)?"), (2 ** 63, "0", "(FAILED)?"), ("2", "9" * 23, "23456789"), ("2", 2 ** 63 - 1, "23456789"),
    (-2 ** 63, "0", "0123456789"), ("-" + "9" * 23, "0", "0123456789")])
def test_places_in_a_log_that_python_cannot_seek(servers, offset, length, then):
    body = called("readProcessStdoutLog", "talk", f"<int>{offset}</int>", f"<int>{length}</int>")
    servers.differs("large-numbers", lambda daemon: post(daemon, body), lambda seen: seen[0] == 500,
                    lambda seen: seen[0] == 200 and re.search(f"<string>{then}</string>", seen[2]))


def test_digits_of_other_scripts(servers):
    body = called("readProcessStdoutLog", "talk", "<int>\u0663</int>", "<int>4</int>")
    servers.differs("number-limits", lambda daemon: post(daemon, body)[0], lambda seen: seen == 200, lambda seen: seen == 400)


TEXTS = {
    "string": "<string>run</string>", "bare": "run", "base64": "<base64>cnVu</base64>", "base64 in lines": "<base64>\ncn\nVu\n</base64>",
    "i8": "<i8>7</i8>", "blank before": "<string> run</string>", "blank in value": " <string>run</string> ",
    "newline": "<string>run\n</string>", "entities": "<string>&#114;un</string>", "amp": "<string>&lt;&amp;&gt;</string>",
    "cdata": "<string><![CDATA[run]]></string>", "empty string": "<string/>", "empty": "", "tab": "\t", "nil": "<nil/>",
    "unknown type": "<name>run</name>", "int": "<int>7</int>", "negative": "<int>-7</int>", "true": "<boolean>1</boolean>",
    "true in letters": "<boolean>true</boolean>", "double": "<double>1.5</double>",
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_of_every_kind(servers, name):
    """As the text to write to a process, which says what it got when it is none."""
    servers.same(lambda daemon: post(daemon, called("sendProcessStdin", "nosuch", TEXTS[name])))


SHAPES = {
    "array": "<array><data><value>a</value><value><int>1</int></value></data></array>",
    "empty array": "<array><data></data></array>", "struct": "<struct><member><name>a</name><value>b</value></member></struct>",
    "empty struct": "<struct></struct>", "nested": "<array><data><value><array><data></data></array></value></data></array>",
    "date": "<dateTime.iso8601>20200131T23:59:58</dateTime.iso8601>",
    "a name twice": "<struct><member><name>a</name><value>1</value></member><member><name>a</name><value>2</value></member></struct>",
}


@pytest.mark.parametrize("name", SHAPES)
def test_values_of_several_parts(servers, name):
    seen = servers.same(lambda daemon: post(daemon, called("sendProcessStdin", "run", SHAPES[name])))
    assert "INCORRECT_PARAMETERS: " in seen[2]


def test_a_request_with_a_document_type(servers):
    body = b"<!DOCTYPE a [<!ENTITY x 'supervisor.getState'>]><a><methodName>&x;</methodName></a>"
    servers.differs("document-type", lambda daemon: post(daemon, body)[0], lambda status: status == 200,
                    lambda status: status == 400)


def test_a_request_that_is_no_utf8(servers):
    def ask(daemon):
        with daemon.wire() as wire:
            reply = wire.request("POST", "/RPC2", b"<a><methodName>x\xff</methodName></a>")
        return reply and reply.status
    servers.differs("undecodable", ask, lambda status: status is None, lambda status: status == 400)


WRONG = [("getProcessInfo", "<int>7</int>"), ("getProcessInfo", "<boolean>1</boolean>"),
         ("startProcess", "<double>1.5</double>"), ("stopProcess", "<array><data></data></array>"),
         ("readProcessStdoutLog", "talk", "x", "<int>1</int>"), ("tailProcessStdoutLog", "talk", "<int>0</int>", "x"),
         ("readLog", "x", "<int>1</int>"), ("signalProcess", "run", "<double>nan</double>")]


@pytest.mark.parametrize("call", WRONG, ids=" ".join)
def test_an_argument_of_a_wrong_type(servers, call):
    def faulty(seen):
        return seen[0] == 200 and re.search("<string>(BAD_NAME|BAD_SIGNAL|INCORRECT_PARAMETERS)", seen[2])
    servers.differs("argument-type", lambda daemon: post(daemon, called(*call)), lambda seen: seen[0] == 500, faulty)


def test_numbers_beyond_31_bits(pair):
    """Logs and limits of more than 2 GiB."""
    pair.start(f"[program:x]\n{SLEEPER}stdout_logfile=@/out\nstdout_logfile_maxbytes=3GB\n")

    def ask(daemon):
        daemon.wait_state("x", "RUNNING")
        with open(daemon.box.path("out"), "r+b") as file:
            file.truncate(5 << 30)  # without blocks on the disk
            file.seek(-4, os.SEEK_END)
            file.write(b"last")
        return daemon.call("tailProcessStdoutLog", "x", 0, 4), daemon.call("getAllConfigInfo")
    pair.differs("large-numbers", ask, lambda seen: seen == [["http", 500]] * 2,
                 lambda seen: seen[0] == ["value", ["last", 5 << 30, True]]
                 and seen[1][1][0]["stdout_logfile_maxbytes"] == 3 << 30)


def test_the_client_that_leaves_does_not_stop_the_call(pair):
    pair.start(f"[program:x]\n{SLEEPER}autostart=false\nstartsecs=1\n")

    def ask(daemon):
        wire = daemon.wire()
        body = call_body("supervisor.startProcess", "x")
        wire.send(b"POST /RPC2 HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        daemon.wait_state("x", "STARTING")
        wire.socket.close()
        return daemon.wait_state("x", "RUNNING")["statename"], daemon.rpc.stopProcess("x")
    assert pair.same(ask) == ["RUNNING", True]
