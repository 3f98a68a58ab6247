"""supervisorctl against a server that answers as it is told: every fault that a command knows, and those that it does not."""
import os
import re
import socket
from xmlrpc.client import Fault

import pytest

from support.parity import both, explain
from support.pretender import Pretender, Status


def told(text, url):
    text = text.replace(url, "URL")
    if url.startswith("http:"):
        text = text.replace(url.rpartition("/")[2], "HOST")
    return re.sub(r"file: \S* line: \d+", "file: F line: N", text)


def ask(box, words, answers, pages=None, arguments=(), path=None, once=False, **options):
    with Pretender(dict(answers), pages, path, once) as server:
        done = box.execute(box.suite.supervisorctl, "-s", server.url, *arguments, *words, **options)
        return [done.code, told(done.out, server.url), told(done.err, server.url)], server


@pytest.fixture
def alike(pair):
    def same(words, answers, pages=None, **options):
        """The same output, exit status and calls of both programs; returns code, output and errors."""
        def run(box):
            done, server = ask(box, words.split(), answers, pages, **options)
            return done, server.calls
        reference, ours = both(run, *pair.boxes)
        assert ours == reference, explain(reference, ours)
        return reference[0]
    return same


NAMES = {1: "UNKNOWN_METHOD", 2: "INCORRECT_PARAMETERS", 3: "BAD_ARGUMENTS", 6: "SHUTDOWN_STATE", 10: "BAD_NAME", 11: "BAD_SIGNAL",
         20: "NO_FILE", 21: "NOT_EXECUTABLE", 30: "FAILED", 40: "ABNORMAL_TERMINATION", 50: "SPAWN_ERROR", 60: "ALREADY_STARTED",
         70: "NOT_RUNNING", 80: "SUCCESS", 90: "ALREADY_ADDED", 91: "STILL_RUNNING", 92: "CANT_REREAD", 99: "UNHEARD_OF"}
# The method whose fault is given, and the faults for which the exit status is looked at as well.
COMMANDS = {
    "start x": ("startProcess", (6, 10, 20, 21, 40, 50, 60)), "start g:x": ("startProcess", (10,)), "start x:x": ("startProcess", (60,)),
    "start g:*": ("startProcessGroup", (6, 10)), "start g:": ("startProcessGroup", (10,)), "start all": ("startAllProcesses", (6,)),
    "stop x": ("stopProcess", (10, 30, 70, 99)), "stop g:*": ("stopProcessGroup", (10, 70)), "stop all": ("stopAllProcesses", (6,)),
    "signal HUP x": ("signalProcess", (10, 11, 30, 70, 99)), "signal HUP g:*": ("signalProcessGroup", (10, 11)),
    "signal HUP all": ("signalAllProcesses", (11,)), "clear g:x": ("clearProcessLogs", (10, 30, 6)), "clear g:*": ("clearProcessLogs", (10,)),
    "clear all": ("clearAllProcessLogs", (6,)), "pid x": ("getProcessInfo", (6, 10)), "pid": ("getPID", (6,)), "pid all": ("getAllProcessInfo", (6,)),
    "tail x": ("readProcessStdoutLog", (10, 20, 30, 6)), "tail g:x stderr": ("readProcessStderrLog", (20,)), "maintail": ("readLog", (20, 30, 6)),
    "avail": ("getAllConfigInfo", (6, 99)), "reread": ("reloadConfig", (6, 92, 99)), "update": ("reloadConfig", (6, 99)),
    "add x": ("addProcessGroup", (6, 10, 90, 99)), "remove x": ("removeProcessGroup", (6, 10, 91)), "shutdown": ("shutdown", (6, 99)),
    "reload": ("restart", (6, 99)), "version": ("getSupervisorVersion", (6,)), "status": ("getAllProcessInfo", (6,)),
    "fg x": ("getProcessInfo", (10, 6)),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_fault_of_a_command(alike, command):
    method, looked_at = COMMANDS[command]
    faults = tuple(Fault(code, f"{name}: it's x") for code, name in NAMES.items() if (command, code) != ("update", 92))
    alike("", {"getAllProcessInfo": [], method: ([], *faults) if method == "getAllProcessInfo" else faults},
          input=f"{command}\ny\n" * len(faults) if command in ("shutdown", "reload") else f"{command}\n" * len(faults))
    for code in looked_at:
        alike(command, {method: Fault(code, f"{NAMES[code]}: it's x")})


@pytest.mark.parametrize("command, method", [("start g:*", "startProcessGroup"), ("start all", "startAllProcesses"),
                                             ("stop all", "stopAllProcesses"), ("signal HUP g:*", "signalProcessGroup"),
                                             ("clear all", "clearAllProcessLogs")])
def test_every_result_of_a_list(alike, command, method):
    def results(code):
        return [{"name": "x", "group": "g", "status": 80, "description": "OK"},
                {"name": "y", "group": "y", "status": code, "description": f"{NAMES[code]}: y"}]
    alike("", {"getAllProcessInfo": [], method: tuple(map(results, NAMES))}, input=f"{command}\n" * len(NAMES))
    for code in (10, 50, 60, 70):
        alike(command, {method: results(code)})
    alike(command, {method: results(50)[::-1]})
    alike(command, {method: []})


SHUT = Fault(6, "SHUTDOWN_STATE")
RESTARTS = [
    ("restart x", {"stopProcess": True, "startProcess": True}, 0), ("restart x", {"stopProcess": Fault(70, "NOT_RUNNING: x"), "startProcess": True}, 0),
    ("restart x", {"stopProcess": Fault(10, "BAD_NAME: x"), "startProcess": Fault(50, "SPAWN_ERROR: x")}, 7),
    ("restart x", {"stopProcess": True, "startProcess": Fault(60, "ALREADY_STARTED: x")}, 0),
    ("restart x", {"stopProcess": Fault(30, "FAILED: x"), "startProcess": True}, 1),
    ("restart x y", {"stopProcess": True, "startProcess": (Fault(40, "ABNORMAL_TERMINATION: x"), Fault(20, "NO_FILE: x"))}, 1),
    ("restart x y", {"stopProcess": True, "startProcess": (Fault(20, "NO_FILE: x"), Fault(40, "ABNORMAL_TERMINATION: x"))}, 7),
    ("restart g:*", {"stopProcessGroup": [], "startProcessGroup": Fault(10, "BAD_NAME: g")}, 2),
    ("start a b c", {"startProcess": (Fault(10, "BAD_NAME: a"), True, Fault(50, "SPAWN_ERROR: c"))}, 7),
    ("start a all", {"startAllProcesses": []}, 0), ("signal HUP a b", {"signalProcess": (Fault(70, "NOT_RUNNING: a"), True)}, 7),
    ("pid a b", {"getProcessInfo": ({"pid": 0, "name": "a"}, Fault(10, "BAD_NAME: b"))}, 1),
    ("pid a b", {"getProcessInfo": (Fault(10, "BAD_NAME: b"), {"pid": 0, "name": "a"})}, 7),
    ("stop a b", {"stopProcess": (Status(500), True)}, 1), ("add a b", {"addProcessGroup": (SHUT, True)}, 1),
]


@pytest.mark.parametrize("command, answers, code", RESTARTS, ids=lambda value: value if isinstance(value, str) else "")
def test_one_command_with_several_ends(alike, command, answers, code):
    assert alike(command, answers)[0] == code


def info(name, state, statename, description, group=None, pid=7):
    return {"name": name, "group": group or name, "state": state, "statename": statename, "description": description, "pid": pid,
            "start": 1, "stop": 0, "now": 2, "spawnerr": "", "exitstatus": 0, "logfile": "", "stdout_logfile": "", "stderr_logfile": ""}


STATES = [(0, "STOPPED"), (10, "STARTING"), (20, "RUNNING"), (30, "BACKOFF"), (40, "STOPPING"), (100, "EXITED"), (200, "FATAL"),
          (1000, "UNKNOWN")]


@pytest.mark.parametrize("state, name", STATES)
def test_what_status_makes_of_a_state(alike, state, name):
    infos = [info("x", state, name, "a word"), info("ü" * 40, 20, "RUNNING", ""), info("p", 20, "RUNNING", "", "g")]
    code, out, _ = alike("status", {"getAllProcessInfo": infos})
    assert code == (3 if name in ("STOPPED", "EXITED", "FATAL", "UNKNOWN") else 0) and f"{'x':<43}{name:<10}a word\n" in out
    assert alike("status x nosuch", {"getAllProcessInfo": infos})[0] == (3 if code else 4)
    alike("status g:* nosuch:* x", {"getAllProcessInfo": infos})
    alike("status all nosuch", {"getAllProcessInfo": infos})


def test_what_avail_shows(alike):
    infos = [{"name": name, "group": group, "inuse": used, "autostart": start, "group_prio": 20, "process_prio": -1}
             for name, group, used, start in (("cat", "cat", True, True), ("p", "g", False, False), ("ü" * 40, "g", True, False))]
    alike("avail", {"getAllConfigInfo": infos})
    alike("avail", {"getAllConfigInfo": []})
    assert alike("avail", {"getAllConfigInfo": SHUT})[1] == "ERROR: supervisor shutting down\n"


FAILED = [{"name": "x", "group": "gone", "status": 30, "description": "FAILED: x"}]
CHANGES = [
    ("update", [[["new"], ["other"], ["gone"]]], {}, 0), ("update new", [[["new"], ["other"], ["gone"]]], {}, 0),
    ("update gone other", [[["new"], ["other"], ["gone"]]], {}, 0), ("update all", [[["new"], ["other"], ["gone"]]], {}, 0),
    ("update nosuch new", [[["new"], [], []]], {}, 1), ("update gone", [[[], [], ["gone"]]], {"stopProcessGroup": FAILED}, 1),
    ("update", [[["new"], [], ["gone"]]], {"stopProcessGroup": FAILED}, 1), ("update", [[[], [], []]], {}, 0),
    ("update", [[["new"], [], []]], {"addProcessGroup": SHUT}, 1), ("reread", [[["b", "a"], ["c"], ["d"]]], {}, 0), ("reread", [[[], [], []]], {}, 0),
    ("update x x", [[["x"], [], []]], {}, 0), ("update", [[[], ["other"], []]], {"removeProcessGroup": Fault(91, "STILL_RUNNING: other")}, 1),
]


@pytest.mark.parametrize("command, changes, answers, code", CHANGES, ids=lambda value: value if isinstance(value, str) else "")
def test_what_a_new_configuration_brings(alike, command, changes, answers, code):
    given = {"reloadConfig": changes, "stopProcessGroup": [], "removeProcessGroup": True, "addProcessGroup": True,
             "getAllProcessInfo": [info("p", 20, "RUNNING", "", group) for group in ("gone", "other", "still")], **answers}
    assert alike(command, given)[0] == code


@pytest.mark.parametrize("command", ["status", "start x", "stop x", "restart x", "signal HUP x", "pid", "tail x", "maintail", "clear x",
                                     "version", "fg x", "avail", "reread", "update", "add x", "remove x"])
def test_another_version_of_the_api(alike, command):
    """The commands that look at the version first say so and end with 5, and `status` with 4."""
    version = "2.0"
    unchecked = command.split()[0] in ("avail", "reread", "update", "add", "remove")
    code, out, _ = alike(command, {"getVersion": version, "getAllConfigInfo": [], "reloadConfig": [[[], [], []]], "addProcessGroup": True,
                                   "removeProcessGroup": True})
    assert unchecked or (code, out) == (4 if command == "status" else 5, "Sorry, this version of supervisorctl expects to talk to a server with API version 3.0, "
                                        f"but the remote version is {version}.\n")


EVERY = ("status", "status x", "start x", "start", "stop x", "stop", "restart x", "restart", "signal HUP x", "signal", "pid", "pid x", "pid all",
         "tail x", "tail", "tail -f x", "maintail", "maintail -f", "clear x", "clear", "version", "version x", "fg x", "fg", "avail", "reread",
         "update", "add x", "add", "remove x", "remove", "shutdown", "shutdown x", "reload", "open unix:///none", "help", "nosuch", "quit")


@pytest.mark.parametrize("url", ["unix://@/none", "http://127.0.0.1:1", "unix://@/stale"], ids=["missing", "refused", "stale"])
@pytest.mark.parametrize("commands", [EVERY[:12], EVERY[12:25], EVERY[25:]], ids=["1", "2", "3"])
def test_no_server_at_all(pair, url, commands):
    """Commands that look first say who is not there; the others tell an error."""
    def run(box):
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(box.path("stale"))
        where = url.replace("@", box.folder)
        seen = {}
        for command in commands:
            done = box.execute(box.suite.supervisorctl, "-s", where, *command.split())
            seen[command] = [done.code, told(done.out, where), told(done.err, where)]
        return seen
    seen = pair.same_in_box(run)
    missing = url.endswith("none")
    assert seen.get("start x", [7 if missing else 4, f"URL {'no such file' if missing else 'refused connection'}\n", ""]) == [
        7 if missing else 4, f"URL {'no such file' if missing else 'refused connection'}\n", ""]
    assert seen.get("status", [4])[0] == 4 and seen.get("shutdown", [1])[0] == 1


@pytest.mark.parametrize("status", [404, 500])
@pytest.mark.parametrize("command", ["status", "start x", "avail", "shutdown", "reread", "version"])
def test_a_status_of_http(alike, command, status):
    code, out, _ = alike(command, {"getVersion": Status(status), **{method: Status(status) for method, _ in COMMANDS.values()}})
    assert code == 1 and out.startswith("error: <class 'xmlrpc.client.ProtocolError'>, ") and out.count("\n") == 1


def test_a_server_that_wants_a_password(alike):
    """It is said twice: once in words, and once more after a second try."""
    code, out, _ = alike("status", {"getVersion": Status(401)})
    assert code == 1 and re.fullmatch(r"Server requires authentication\nerror: <class 'xmlrpc.client.ProtocolError'>, "
                                      r"<ProtocolError for 127\.0\.0\.1/RPC2: 401 Reason>: file: F line: N\n", out)


PAGES = {"/logtail/x/stdout": (200, "some words\n"), "/logtail/x/stderr": (500, ""), "/mainlogtail": (200, "main\n"),
         "/logtail/y/stdout": (410, "gone")}


@pytest.mark.parametrize("command", ["tail -f x", "tail -f x stdout", "tail -f x stderr", "tail -f y", "tail -f nosuch", "maintail -f",
                                     "tail -f x STDOUT", "tail -f é", "tail -f g:x"])
def test_following_pages(alike, command):
    """What cannot be read is said on standard error, and the exit status stays 0."""
    assert alike(command, {}, PAGES)[0] == 0


@pytest.mark.parametrize("command", ["tail -f x", "maintail -f"])
def test_following_a_server_that_has_gone(alike, command):
    code, _, err = alike(command, {}, PAGES, once=True)
    assert code == 0 and re.match(r"URL/(logtail/x/stdout|mainlogtail) Cannot connect, error: <class 'ConnectionRefusedError'>", err)


def test_what_is_sent(pair):
    """Requests byte for byte, and one connection for the calls of a command."""
    login = ["-u", "me", "-p", "sé:cret"]

    def run(box):
        asked = [ask(box, ["stop", "a", "b"], {"stopProcess": True}, arguments=login, path=box.path("s")),
                 ask(box, ["tail", "-f", "x"], {}, PAGES, arguments=login),
                 ask(box, ["pid"], {"getPID": 5}, arguments=["-u", "me"])]
        connections = {number for number, first, _, body in asked[0][1].requests if b"stopProcess" in body}
        sent = [(first, [re.sub(r"(Host: 127|User-Agent: Python-xmlrpc/).*", r"\1", line) for line in headers], body.decode())
                for _, server in asked for _, first, headers, body in server.requests]
        return [done for done, _ in asked], len(connections), sent
    _, connections, sent = pair.same_in_box(run)
    assert connections == 1 and [first for first, _, _ in sent].count("POST /RPC2 HTTP/1.1") == 6
    assert "Host: localhost" in sent[0][1] and "Authorization: Basic bWU6c8OpOmNyZXQ=" in sent[0][1]


@pytest.mark.parametrize("command, method", [("tail x", "readProcessStdoutLog"), ("tail x stderr", "readProcessStderrLog"),
                                             ("tail -5 x", "readProcessStdoutLog"), ("tail -0 x", "readProcessStdoutLog"),
                                             ("tail -100000 x", "readProcessStdoutLog"), ("tail -100000 x STDERR", "readProcessStderrLog"),
                                             ("maintail", "readLog"), ("maintail -7", "readLog")])
def test_the_end_of_a_log(alike, command, method):
    for text in ("", "no newline", "a line\n", "ü\n\n"):
        assert alike(command, {method: text}) == [0, text + "\n", ""]


@pytest.mark.parametrize("answers", [{"getProcessInfo": info("x", 20, "RUNNING", ""), "sendProcessStdin": Fault(70, "NOT_RUNNING: x")},
                                     {"getProcessInfo": info("x", 20, "RUNNING", ""), "sendProcessStdin": Fault(20, "NO_FILE: x")}])
def test_the_foreground_of_what_takes_no_input(pair, answers):
    def run(box):
        done, server = ask(box, ["fg", "x"], answers, {f"/logtail/x/{channel}": (404, "") for channel in ("stdout", "stderr")}, input="hello\n")
        # The original's other thread may find its connection gone, which then ends in an exit status of 1.
        calls = [call for call in server.calls if not call.startswith(("GET", "getProcessInfo"))]
        return done[1].partition("error: <class 'AttributeError'>")[0], calls
    pair.same_in_box(run)


def test_open_switches_the_server(pair):
    def run(box):
        with Pretender({"getAllProcessInfo": [info("x", 0, "STOPPED", "")]}) as one, \
                Pretender({"getAllProcessInfo": [info("y", 20, "RUNNING", "")], "getPID": 5}) as two:
            done = box.execute(box.suite.supervisorctl, "-s", one.url, "open", two.url)
            shell = box.execute(box.suite.supervisorctl, "-s", one.url, input=f"open {two.url}\npid\nopen ftp://x\nopen {one.url}\n")
            return done.code, done.out, shell.code, shell.out, one.calls, two.calls
    seen = pair.same_in_box(run)
    assert seen[0] == 0 and "y  " in seen[1]


def test_questions_before_the_end(pair):
    """Only in the shell or with -i, and only a y or Y at the start means yes."""
    answers = ("", "n", "no", "maybe", " y", "y", "yes", "Y", "Yes", "yellow")

    def run(box):
        seen = []
        for command, method in (("shutdown", "shutdown"), ("reload", "restart")):
            for answer in answers:
                with Pretender({method: True, "getAllProcessInfo": []}) as server:
                    done = box.execute(box.suite.supervisorctl, "-s", server.url, input=f"{command}\n{answer}\n")
                    seen.append([command, answer, done.code, done.out, server.calls.count(method)])
            for arguments in ([command], ["-i", command]):
                with Pretender({method: True}) as server:
                    done = box.execute(box.suite.supervisorctl, "-s", server.url, *arguments, input="n\n")
                    seen.append([command, done.code, done.out, server.calls])
        return seen
    seen = pair.same_in_box(run)
    assert [row[1] for row in seen if len(row) == 5 and row[4]] == ["y", "yes", "Y", "Yes", "yellow"] * 2


@pytest.mark.parametrize("url, code", [("ftp://x", 1), ("foo://x", 1), ("https://x", 1), ("HTTP://127.0.0.1:1", 1), ("http://127.0.0.1:x", 1),
                                       ("unix://@/none", 4), ("http://127.0.0.1:1", 4), ("http://127.0.0.1:99999", 1)])
def test_urls(pair, url, code):
    def run(box):
        done = box.execute(box.suite.supervisorctl, "-s", url.replace("@", box.folder), "status")
        return done.code, told(done.out, url), done.err
    assert pair.same_in_box(run)[0] == code


def test_the_port_is_80_when_none_is_given(pair):
    def run(box):
        done = box.execute(box.suite.supervisorctl, "-s", "http://127.0.0.1", "status")
        return done.code, done.out
    assert pair.same_in_box(run) == [4, "http://127.0.0.1 refused connection\n"]


def test_the_history_of_what_is_typed(pair):
    """The option on the command line is read and then forgotten by the original."""
    pair.daemons = pair.boxes  # nobody to ask

    def run(box):
        import pexpect
        child = pexpect.spawn(box.suite.supervisorctl, ["-s", f"unix://{box}/none", "-r", box.path("typed")], env={**box.env, "TERM": "vt100"},
                              timeout=20, encoding="utf-8")
        child.expect("supervisor> ")
        child.sendline("help version")
        child.expect("supervisor> ")
        child.sendline("quit")
        child.expect(pexpect.EOF)
        child.close()
        return os.path.exists(box.path("typed")) and box.read("typed")
    pair.differs("history-option", run, lambda seen: seen is False, lambda seen: "help version" in seen)


TOPICS = ("add avail clear exit fg maintail open pid quit reload remove reread restart shutdown signal start status stop tail update version "
          "help EOF nosuch STATUS start,stop _x").split()
LINES = ["", "   ", "\t", "status", "  status x  ", "status\tx", "?", "? status", "?status", "??", "? nosuch", "!", "!ls", "! status", "stop:x", "stop x:",
         "stop g:*", "start x y x", "stop nosuch x all", "status all x", "STATUS", "Status", "status;", "status,", "status#", "#status", "-x", "@", "123",
         "1 2", "_", "_x", "a_b", "status 'x'", 'status "x y"', "status x\\ y", "status a:b:c", "status ::", "status :", "status *", "status x:*",
         "start all", "start ALL", "start allx", "signal HUP all x", "signal x", "nosuch", "nosuch x", "é", "status é", "x" * 300, "status " + "x" * 300,
         "pid", "pid x y", "pid all x", "version x", "version", "avail x", "reread x", "shutdown x", "reload x", "add", "remove", "update",
         "tail", "tail x y", "tail a b c d", "tail -f", "tail -", "tail -x y", "tail -1x y", "tail -+5 x", "tail -1_0 x", "tail --5 x", "tail x stdout y",
         "maintail x", "maintail -x", "maintail -5 -6", "maintail a b", "fg", "fg x y", "fg nosuch", "clear", "clear all x", "open", "open x",
         "open unix:", "open http:", "open ftp://x", "help help", "help  start", "help start stop", "help EOF", "help exit quit", "EOFx", "exitx", "quit2"]


def test_the_help_of_everything(alike):
    code, out, _ = alike("", {"getAllProcessInfo": []}, input="help\n?\n" + "".join(f"help {topic}\n" for topic in TOPICS))
    assert code == 0 and out.count("*** No help on") == 5


def test_lines_of_every_kind(alike):
    """How a line is divided, which names are meant, and what is said about those that are none."""
    answers = {"getAllProcessInfo": [info("x", 20, "RUNNING", ""), info("p", 0, "STOPPED", "", "g")], "stopProcess": True, "startProcess": True,
               "stopProcessGroup": [], "startAllProcesses": [], "stopAllProcesses": [], "signalAllProcesses": [], "getPID": 5,
               "getProcessInfo": Fault(10, "BAD_NAME: x"), "getSupervisorVersion": "4", "reloadConfig": [[[], [], []]],
               "readProcessStdoutLog": "out", "readLog": "main", "clearProcessLogs": True, "clearAllProcessLogs": [], "signalProcess": True}
    assert alike("", answers, input="\n".join(LINES) + "\n")[0] == 0


@pytest.mark.parametrize("line", ["stop:x", "? status", "!ls", "é", "STATUS", "status;"])
def test_words_on_the_command_line_are_one_line(alike, line):
    alike(line, {"getAllProcessInfo": [info("x", 20, "RUNNING", "")], "stopProcess": Fault(10, "BAD_NAME: :x")})
