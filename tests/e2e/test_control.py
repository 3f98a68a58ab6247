"""Steering the daemon: sockets and passwords, supervisorctl's commands, reread and update, reload and shutdown."""
import hashlib
import os
import re
import signal

import pexpect
import pytest

from support import procfs
from support.http import basic, call_body, xmlrpc_client
from support.programs import REFERENCE, has_reference
from support.waiting import SCALE, eventually

SLEEPER = "command=sleep 600\n"


def ok(daemon, *words):
    done = daemon.ctl(*words)
    assert done.code == 0 and done.err == "", done
    return done.out


# --- sockets and passwords

def test_tcp_and_unix_sockets_answer_alike(box):
    daemon = box.daemon(f"[program:x]\n{SLEEPER}", inet="")
    tcp = xmlrpc_client(("127.0.0.1", box.port)).supervisor
    assert tcp.getIdentification() == daemon.rpc.getIdentification() == "supervisor"
    assert tcp.getPID() == daemon.rpc.getPID() == daemon.pid
    done = daemon.ctl("-s", f"http://127.0.0.1:{box.port}", "pid")
    assert done.out == f"{daemon.pid}\n"


@pytest.mark.parametrize("stored", ["secret", "{SHA}" + hashlib.sha1(b"secret").hexdigest()], ids=["plain", "sha1"])
def test_a_password_guards_everything(box, stored):
    daemon = box.daemon(f"[program:x]\n{SLEEPER}", unix=f"username=me\npassword={stored}", start=False,
                        ctl="username=me\npassword=secret")
    daemon.credentials = ("me", "secret")
    daemon.start()
    daemon.wait_state("x", "RUNNING")
    assert re.match(r"x +RUNNING ", ok(daemon, "status"))
    for target in ("/RPC2", "/", "/logtail/x", "/mainlogtail", "/nosuch"):
        with daemon.wire() as wire:
            reply = wire.request("GET", target)
        assert reply.status == 401 and reply.headers["www-authenticate"] == 'Basic realm="default"'
    body = call_body("supervisor.getState")
    for credentials, status in [(("me", "secret"), 200), (("me", "wrong"), 401), (("you", "secret"), 401),
                                (("me", stored), 200 if stored == "secret" else 401)]:
        with daemon.wire() as wire:
            reply = wire.request("POST", "/RPC2", body, [f"Authorization: {basic(*credentials)}"])
        assert reply.status == status, credentials
    done = daemon.ctl("-u", "me", "-p", "wrong", "status")
    assert done.code == 1 and done.out.startswith("Server requires authentication\n"), done


def test_several_servers_at_once(box):
    daemon = box.daemon("", more=f"[unix_http_server:two]\nfile={box}/s2\nusername=u\npassword=p\n")
    assert xmlrpc_client(box.path("s2"), ("u", "p")).supervisor.getPID() == daemon.pid
    assert [text for _, text in daemon.messages() if "without any" in text] == [
        "Server 'unix_http_server' running without any HTTP authentication checking"]


@pytest.mark.parametrize("words, code", [(("status",), 4), (("pid",), 7), (("start", "x"), 7), (("version",), 7)])
def test_a_missing_socket_is_said_so(box, words, code):
    done = box.execute(box.suite.supervisorctl, "-s", f"unix://{box}/none", *words)
    assert (done.code, done.out) == (code, f"unix://{box}/none no such file\n"), done


def test_a_refused_connection_is_said_so(box):
    done = box.execute(box.suite.supervisorctl, "-s", f"http://127.0.0.1:{box.port}", "status")
    assert (done.code, done.out) == (4, f"http://127.0.0.1:{box.port} refused connection\n"), done


@pytest.mark.parametrize("arguments, message", [
    (["-s", "foo"], "invalid value for -s 'foo': value 'foo' is not a URL"),
    (["-x"], "option -x not recognized"), (["-c"], "option -c requires argument"),
    (["-c", "/nonexistent.conf", "status"], "could not find config file /nonexistent.conf")])
def test_mistakes_on_the_command_line(box, arguments, message):
    done = box.execute(box.suite.supervisorctl, *arguments)
    assert done.code == 2 and done.err == f"Error: {message}\nFor help, use {box.suite.supervisorctl} -h\n", done


# --- commands

@pytest.fixture(scope="class")
def mixed(class_box):
    box = class_box
    daemon = box.daemon(f"[program:run]\n{SLEEPER}priority=5\n[program:manual]\n{SLEEPER}autostart=false\n"
                        f"[program:gone]\ncommand={box.script('gone', 'exit 0')}\nstartsecs=0\n"
                        "[program:bad]\ncommand=/no/such/file\nstartretries=0\n"
                        f"[program:a]\n{SLEEPER}[program:b]\n{SLEEPER}autostart=false\n[group:g]\nprograms=a,b\npriority=20\n")
    for name, state in [("run", "RUNNING"), ("g:a", "RUNNING"), ("gone", "EXITED"), ("bad", "FATAL")]:
        daemon.wait_state(name, state)
    return daemon


class TestMixedSet:
    """Commands that change nothing, against one daemon with processes in many states."""

    def test_status_of_all(self, mixed):
        done = mixed.ctl("status")
        stamp = r"\w{3} \d\d \d\d:\d\d [AP]M"
        assert re.fullmatch(r"bad {30}FATAL     can't find command '/no/such/file'\n"
                            rf"g:a {{30}}RUNNING   pid \d+, uptime 0:\d\d:\d\d\n"
                            r"g:b {30}STOPPED   Not started\n"
                            rf"gone {{29}}EXITED    {stamp}\n"
                            r"manual {27}STOPPED   Not started\n"
                            r"run {30}RUNNING   pid \d+, uptime 0:\d\d:\d\d\n", done.out), done.out
        assert done.code == 3

    @pytest.mark.parametrize("words, lines, code", [
        (["run"], ["run +RUNNING .*"], 0), (["manual", "run"], ["manual +STOPPED .*", "run +RUNNING .*"], 3),
        (["g:*"], ["g:a +RUNNING .*", "g:b +STOPPED .*"], 3), (["g:a"], ["g:a +RUNNING .*"], 0),
        (["nosuch"], ["nosuch: ERROR \\(no such process\\)"], 4),
        (["nosuch:*"], ["nosuch: ERROR \\(no such group\\)"], 4),
        (["run", "nosuch"], ["nosuch: ERROR \\(no such process\\)", "run +RUNNING .*"], 4)])
    def test_status_of_some(self, mixed, words, lines, code):
        done = mixed.ctl("status", *words)
        assert re.fullmatch("".join(line + "\n" for line in lines), done.out), done
        assert done.code == code

    def test_pids(self, mixed):
        assert mixed.ctl("pid").out == f"{mixed.pid}\n"
        assert mixed.ctl("pid", "run").out == f"{mixed.pid_of('run')}\n"
        done = mixed.ctl("pid", "manual")
        assert (done.code, done.out) == (7, "0\n")
        done = mixed.ctl("pid", "nosuch")
        assert (done.code, done.out) == (1, "No such process nosuch\n")
        assert [int(line) for line in mixed.ctl("pid", "all").out.split()] == [
            info["pid"] for info in mixed.rpc.getAllProcessInfo()]

    def test_avail(self, mixed):
        done = mixed.ctl("avail")
        assert done.code == 0
        assert done.out == "".join(f"{name:<32} in use    {start:<9} {priorities}\n" for name, start, priorities in [
            ("g:a", "auto", "20:999"), ("g:b", "manual", "20:999"), ("bad", "auto", "999:999"),
            ("gone", "auto", "999:999"), ("manual", "manual", "999:999"), ("run", "auto", "5:5")])

    def test_reread_of_an_unchanged_file(self, mixed):
        done = mixed.ctl("reread")
        assert (done.code, done.out) == (0, "No config updates to processes\n")

    def test_version_is_the_servers(self, mixed):
        assert mixed.ctl("version").out == mixed.rpc.getSupervisorVersion() + "\n"

    @pytest.mark.parametrize("words, first, code", [
        (["start"], "Error: start requires a process name", 2), (["stop"], "Error: stop requires a process name", 1),
        (["restart"], "Error: restart requires a process name", 1),
        (["signal", "HUP"], "Error: signal requires a signal name and a process name", 1),
        (["clear"], "Error: clear requires a process name", 1),
        (["reread", "x"], "Error: reread accepts no arguments", 1),
        (["version", "x"], "Error: version accepts no arguments", 1),
        (["shutdown", "x"], "Error: shutdown accepts no arguments", 1),
        (["nosuchcommand"], "*** Unknown syntax: nosuchcommand", 1), (["help", "nope"], "*** No help on nope", 0),
        (["fg"], "ERROR: no process name supplied", 1), (["fg", "nosuch"], "ERROR: bad process name supplied", 1),
        (["fg", "manual"], "ERROR: process not running", 1), (["fg", "a", "b"], "ERROR: too many process names supplied", 1),
        (["start", "nosuch"], "nosuch: ERROR (no such process)", 1),
        (["start", "nosuch:*"], "nosuch: ERROR (no such group)", 2),
        (["start", "run"], "run: ERROR (already started)", 0), (["start", "bad"], "bad: ERROR (no such file)", 1),
        (["stop", "nosuch"], "nosuch: ERROR (no such process)", 1), (["stop", "manual"], "manual: ERROR (not running)", 0),
        (["signal", "FOO", "run"], "run: ERROR (bad signal name)", 1),
        (["signal", "HUP", "manual"], "manual: ERROR (not running)", 7),
        (["signal", "HUP", "nosuch"], "nosuch: ERROR (no such process)", 1),
        (["clear", "nosuch"], "nosuch: ERROR (no such process)", 1),
        (["add", "nosuch"], "ERROR: no such process/group: nosuch", 1),
        (["add", "run"], "ERROR: process group already active", 0),
        (["remove", "run"], "ERROR: process/group still running: run", 1),
        (["remove", "nosuch"], "ERROR: no such process/group: nosuch", 1),
        (["update", "nosuch"], "ERROR: no such group: nosuch", 1),
        (["open", "ftp://x"], "ERROR: url must be http:// or unix://", 1),
    ], ids=lambda value: " ".join(value) if isinstance(value, list) else None)
    def test_what_is_answered_to_mistakes(self, mixed, words, first, code):
        done = mixed.ctl(*words)
        assert done.out.split("\n")[0] == first and done.code == code, done

    def test_words_are_joined_into_one_command(self, mixed):
        assert mixed.ctl("status run").out.startswith("run ")
        assert mixed.ctl("stop:foo").out == mixed.ctl("stop", ":foo").out != ""
        assert mixed.ctl("?", "status").out == mixed.ctl("help", "status").out

    def test_help_of_a_command(self, mixed):
        assert mixed.ctl("help", "status").out == (
            "status <name>\t\tGet status for a single process\n"
            "status <gname>:*\tGet status for all processes in a group\n"
            "status <name> <name>\tGet status for multiple named processes\n"
            "status\t\t\tGet all process status info\n")

    @pytest.mark.skipif(not has_reference(), reason="Debian's supervisor is not installed")
    @pytest.mark.parametrize("words", [("status",), ("status", "g:*", "nosuch"), ("pid", "all"), ("avail",), ("help",),
                                       ("reread",), ("start", "run"), ("tail", "nosuch"), ("version",)],
                             ids=" ".join)
    def test_the_original_control_program_sees_the_same(self, mixed, words):
        def read(program):
            done = mixed.ctl(*words, program=program)
            return done.code, re.sub(r"uptime \S+", "uptime", done.out), done.err
        assert read(REFERENCE.supervisorctl) == read(mixed.suite.supervisorctl)


def test_start_stop_restart_of_names_groups_and_all(box):
    daemon = box.daemon("".join(f"[program:{name}]\n{SLEEPER}autostart=false\n" for name in "abc")
                        + "[group:g]\nprograms=a,b\n")
    assert ok(daemon, "start", "c") == "c: started\n"
    assert sorted(ok(daemon, "start", "g:*").splitlines()) == ["g:a: started", "g:b: started"]
    assert ok(daemon, "stop", "g:a", "c") == "g:a: stopped\nc: stopped\n"
    assert sorted(ok(daemon, "start", "all").splitlines()) == ["c: started", "g:a: started"]
    before = daemon.pid_of("c")
    assert ok(daemon, "restart", "c") == "c: stopped\nc: started\n"
    assert daemon.pid_of("c") != before
    killed = daemon.pid_of("g:b")
    assert ok(daemon, "signal", "HUP", "g:b") == "g:b: signalled\n"
    daemon.wait_log(r"exited: b \(terminated by SIGHUP")
    daemon.wait_new_pid("g:b", killed)
    assert sorted(ok(daemon, "stop", "all").splitlines())[0] == "c: stopped"
    assert ok(daemon, "stop", "all") == ""


def test_failures_of_start_are_told_apart(box):
    daemon = box.daemon(f"[program:quick]\ncommand={box.script('quick', 'exit 1')}\nautostart=false\nstartretries=0\n"
                        f"[program:nofile]\ncommand=/no/such\nautostart=false\n"
                        f"[program:plain]\ncommand={box.write('plain', 'x')}\nautostart=false\n")
    done = daemon.ctl("start", "quick")
    assert (done.code, done.out) == (7, "quick: ERROR (spawn error)\n")
    done = daemon.ctl("start", "nofile")
    assert (done.code, done.out) == (1, "nofile: ERROR (no such file)\n")
    done = daemon.ctl("start", "plain")
    assert (done.code, done.out) == (1, "plain: ERROR (file is not executable)\n")


# --- changes of the configuration

def test_reread_shows_what_update_then_does(box):
    daemon = box.daemon(f"[program:keep]\n{SLEEPER}[program:change]\n{SLEEPER}[program:drop]\n{SLEEPER}")
    pids = {name: daemon.wait_state(name, "RUNNING")["pid"] for name in ("keep", "change", "drop")}
    daemon.reconfigure(f"[program:keep]\n{SLEEPER}[program:change]\n{SLEEPER}startsecs=2\n[program:new]\n{SLEEPER}")
    assert ok(daemon, "reread") == "change: changed\ndrop: disappeared\nnew: available\n"
    assert {name: daemon.pid_of(name) for name in pids} == pids
    assert ok(daemon, "avail").splitlines()[-1].startswith("new                              avail ")
    assert ok(daemon, "update") == ("drop: stopped\ndrop: removed process group\n"
                                    "change: stopped\nchange: updated process group\nnew: added process group\n")
    daemon.wait_state("new", "RUNNING")
    assert daemon.pid_of("keep") == pids["keep"]
    assert daemon.wait_state("change", "RUNNING")["pid"] != pids["change"]
    assert daemon.call("getProcessInfo", "drop")[1] == 10 and not procfs.alive(pids["drop"])
    assert ok(daemon, "update") == ""
    assert ok(daemon, "reread") == "No config updates to processes\n"


def test_add_and_remove_by_hand(box):
    daemon = box.daemon(f"[program:a]\n{SLEEPER}")
    daemon.reconfigure(f"[program:a]\n{SLEEPER}[program:b]\n{SLEEPER}")
    done = daemon.ctl("add", "b")
    assert (done.code, done.out) == (1, "ERROR: no such process/group: b\n")
    assert ok(daemon, "reread") == "b: available\n"
    assert ok(daemon, "add", "b") == "b: added process group\n"
    daemon.wait_state("b", "RUNNING")
    assert ok(daemon, "stop", "b") == "b: stopped\n"
    assert ok(daemon, "remove", "b") == "b: removed process group\n"
    assert [line.split()[0] for line in ok(daemon, "status").splitlines()] == ["a"]


def test_update_of_named_groups_only(box):
    daemon = box.daemon(f"[program:a]\n{SLEEPER}[program:b]\n{SLEEPER}")
    daemon.wait_state("b", "RUNNING")
    daemon.reconfigure(f"[program:a]\n{SLEEPER}startsecs=2\n[program:b]\n{SLEEPER}startsecs=2\n")
    assert ok(daemon, "update", "b") == "b: stopped\nb: updated process group\n"
    assert ok(daemon, "reread") == "a: changed\n"


def test_a_broken_file_is_refused_and_nothing_changes(box):
    daemon = box.daemon(f"[program:a]\n{SLEEPER}")
    pid = daemon.wait_state("a", "RUNNING")["pid"]
    path = daemon.reconfigure(f"[program:a]\n{SLEEPER}startsecs=soon\n") or daemon.path
    text = (f"CANT_REREAD: invalid literal for int() with base 10: 'soon' in section 'program:a' (file: '{path}')")
    assert daemon.call("reloadConfig") == ("fault", 92, text)
    done = daemon.ctl("reread")
    assert (done.code, done.out) == (1, f"ERROR: {text}\n")
    done = daemon.ctl("update")
    assert done.code == 1 and done.out.startswith("error: ") and "CANT_REREAD" in done.out
    assert daemon.pid_of("a") == pid


@pytest.mark.slow
def test_reload_restarts_everything_in_the_same_process(box):
    daemon = box.daemon(f"[program:a]\n{SLEEPER}")
    old = daemon.wait_state("a", "RUNNING")["pid"]
    daemon.reconfigure(f"[program:a]\n{SLEEPER}[program:b]\n{SLEEPER}")
    assert ok(daemon, "reload") == "Restarted supervisord\n"
    eventually(lambda: daemon.call("getProcessInfo", "b")[0] == "value", 20, "the new program")
    daemon.wait_state("a", "RUNNING")
    daemon.wait_state("b", "RUNNING")
    assert not procfs.alive(old) and daemon.process.poll() is None
    assert daemon.rpc.getPID() == daemon.process.pid


def test_shutdown_answers_and_ends(box):
    daemon = box.daemon(f"[program:a]\n{SLEEPER}")
    pid = daemon.wait_state("a", "RUNNING")["pid"]
    assert ok(daemon, "shutdown") == "Shut down\n"
    assert daemon.wait_exit() == 0 and not procfs.alive(pid)
    done = daemon.ctl("shutdown")
    assert (done.code, done.out) == (1, f"ERROR: unix://{box}/s no such file (already shut down?)\n")


def test_while_shutting_down_calls_are_refused(box):
    program = box.script("x", "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstopwaitsecs=600\nstdout_logfile={box}/out\n")
    box.wait_lines("out", 1)
    child = daemon.pid_of("x")
    daemon.rpc.shutdown()
    eventually(lambda: daemon.call("getState") == ("fault", 6, "SHUTDOWN_STATE"), what="refusal")
    for method, arguments in [("startProcess", ("x",)), ("getAllProcessInfo", ()), ("shutdown", ()),
                              ("reloadConfig", ())]:
        assert daemon.call(method, *arguments) == ("fault", 6, "SHUTDOWN_STATE")
    assert daemon.call("sendRemoteCommEvent", "a", "b") == ("value", True)
    assert daemon.ctl("reread").out == "ERROR: supervisor shutting down\n"
    os.kill(child, signal.SIGKILL)
    assert daemon.wait_exit() == 0


# --- the interactive shell

@pytest.fixture
def shell(box):
    daemon = box.daemon(f"[program:long_name]\n{SLEEPER}[program:other]\n{SLEEPER}autostart=false\n", ctl="prompt=box")
    daemon.wait_state("long_name", "RUNNING")
    child = pexpect.spawn(box.suite.supervisorctl, ["-c", daemon.path], env={**box.env, "TERM": "vt100"},
                          cwd=box.folder, timeout=10 * SCALE, encoding="utf-8", dimensions=(24, 200))
    child.expect("box> ")
    yield child
    child.close(force=True)


def test_the_shell_begins_with_status_and_obeys(shell):
    assert "long_name                        RUNNING   pid" in shell.before
    shell.sendline("stop long_name")
    shell.expect("long_name: stopped")
    shell.expect("box> ")
    shell.sendline("nonsense")
    shell.expect(r"\*\*\* Unknown syntax: nonsense")
    shell.expect("box> ")
    shell.sendline("quit")
    shell.expect(pexpect.EOF)
    shell.wait()
    assert shell.exitstatus == 0


def test_the_shell_ends_at_end_of_input(shell):
    shell.sendeof()
    shell.expect(pexpect.EOF)
    shell.wait()
    assert shell.exitstatus == 0


def test_the_shell_asks_before_a_shutdown(shell, box):
    shell.sendline("shutdown")
    shell.expect("Really shut the remote supervisord process down y/N\\? ")
    shell.sendline("n")
    shell.expect("box> ")
    shell.sendline("shutdown")
    shell.expect("y/N\\? ")
    shell.sendline("y")
    shell.expect("Shut down")
    eventually(lambda: not box.exists("s"), what="the daemon gone")


def test_the_shell_completes_names(shell):
    shell.send("stop lon\t")
    shell.expect("g_name ")  # an editor may redraw only what it added
    shell.sendline("")
    shell.expect("long_name: stopped")


def test_commands_on_standard_input(box):
    daemon = box.daemon(f"[program:x]\n{SLEEPER}")
    daemon.wait_state("x", "RUNNING")
    done = daemon.ctl(input="stop x\nstart x\nquit\n")
    assert done.code == 0 and "x: stopped\n" in done.out and "x: started\n" in done.out


def test_foreground_joins_input_and_output(box):
    daemon = box.daemon(f"[program:x]\ncommand=/bin/cat\nstdout_logfile={box}/out\n")
    daemon.wait_state("x", "RUNNING")
    child = pexpect.spawn(box.suite.supervisorctl, ["-c", daemon.path, "fg", "x"], env=box.env, cwd=box.folder,
                          timeout=10 * SCALE, encoding="utf-8", echo=False)
    child.expect("==> Press Ctrl-C to exit <==")
    child.sendline("hallo wörld")
    child.expect("hallo wörld")
    child.sendintr()
    child.expect("Exiting foreground")
    child.close(force=True)
    assert box.read("out") == "hallo wörld\n"
    assert daemon.state("x") == "RUNNING"


# --- XML-RPC and HTTP on the wire

@pytest.fixture(scope="module")
def plain(suite):
    from support.box import Box
    box = Box(suite)
    yield box.daemon(f"[program:x]\n{SLEEPER}")
    box.close()


def test_every_method_is_listed_and_described(plain):
    methods = plain.server.system.listMethods()
    assert methods == sorted(methods) and len(methods) == 41
    for method in methods:
        assert plain.server.system.methodHelp(method).strip()
        assert plain.server.system.methodSignature(method)
    assert plain.server.system.methodSignature("supervisor.startProcess") == ["boolean", "string", "boolean"]


def test_multicall_gives_bare_results(plain):
    calls = [{"methodName": "supervisor.getIdentification", "params": []}, {"methodName": "supervisor.nosuch"},
             {"methodName": "system.multicall", "params": [[]]}, {"params": []}]
    assert plain.server.system.multicall(calls) == [
        "supervisor", {"faultCode": 1, "faultString": "UNKNOWN_METHOD"},
        {"faultCode": 2, "faultString": "INCORRECT_PARAMETERS: Recursive system.multicall forbidden"},
        {"faultCode": 2, "faultString": "INCORRECT_PARAMETERS: No methodName"}]


@pytest.mark.parametrize("method, arguments, result", [
    ("getAPIVersion", (), ("value", "3.0")), ("getVersion", (), ("value", "3.0")),
    ("getState", (), ("value", {"statecode": 1, "statename": "RUNNING"})),
    ("getState", (1,), ("fault", 2, "INCORRECT_PARAMETERS")), ("nosuch", (), ("fault", 1, "UNKNOWN_METHOD")),
    ("_private", (), ("fault", 1, "UNKNOWN_METHOD")), ("getProcessInfo", ("zz",), ("fault", 10, "BAD_NAME: zz")),
    ("getProcessInfo", ("x:*",), ("fault", 10, "BAD_NAME: x:*")), ("stopProcess", ("zz",), ("fault", 10, "BAD_NAME: zz")),
    ("sendProcessStdin", ("x", 5), ("fault", 2, "INCORRECT_PARAMETERS: 5")),
    ("removeProcessGroup", ("x",), ("fault", 91, "STILL_RUNNING: x")),
    ("addProcessGroup", ("x",), ("fault", 90, "ALREADY_ADDED: x")),
    ("readLog", (-1, 1), ("fault", 3, "BAD_ARGUMENTS: log"))])
def test_results_and_faults(plain, method, arguments, result):
    seen = plain.call(method, *arguments)
    assert seen == result or (seen[:2] == result[:2] and result[0] == "fault" and result[1] == 3)


def test_process_info_has_its_fields(plain):
    info = plain.wait_state("x", "RUNNING")
    assert set(info) == {"name", "group", "start", "stop", "now", "state", "statename", "spawnerr", "exitstatus",
                         "logfile", "stdout_logfile", "stderr_logfile", "pid", "description"}
    assert (info["name"], info["group"], info["state"], info["stop"], info["exitstatus"]) == ("x", "x", 20, 0, 0)
    assert re.fullmatch(r"pid \d+, uptime 0:\d\d:\d\d", info["description"])


@pytest.mark.parametrize("method, target, body, status", [
    ("GET", "/RPC2", None, 400), ("POST", "/RPC2", b"not xml", 400), ("POST", "/RPC2foo", "good", 200),
    ("GET", "/nosuch", None, 404), ("GET", "/logtail/nosuch", None, 404), ("GET", "/logtail/x/nosuch", None, 404),
    ("POST", "/logtail/x", b"x", 400)])
def test_statuses(plain, method, target, body, status):
    body = call_body("supervisor.getState") if body == "good" else body
    with plain.wire() as wire:
        reply = wire.request(method, target, body)
    assert reply.status == status
    assert list(reply.headers)[:2] == ["server", "date"]
    if status >= 400:
        assert f"<p>Error code {status}.".encode() in reply.body


def test_a_post_without_length_is_411(plain):
    with plain.wire() as wire:
        assert wire.send("POST /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n").reply().status == 411


def test_connections_are_kept_as_the_version_says(plain):
    body = call_body("supervisor.getState")
    with plain.wire() as wire:
        assert [wire.request("POST", "/RPC2", body).status for _ in range(3)] == [200] * 3
        assert wire.request("POST", "/RPC2", body, ["Connection: close"]).status == 200
        assert wire.closed(15)
    with plain.wire() as wire:
        assert wire.request("POST", "/RPC2", body, version="1.0").status == 200
        assert wire.closed(15)
    with plain.wire() as wire:
        reply = wire.request("POST", "/RPC2", body, ["Connection: keep-alive"], version="1.0")
        assert reply.headers["connection"] == "Keep-Alive"
        assert wire.request("POST", "/RPC2", body, ["Connection: keep-alive"], version="1.0").status == 200


def test_pipelined_requests_are_answered_in_order(plain):
    with plain.wire() as wire:
        for method in ("getIdentification", "getPID", "getAPIVersion"):
            body = call_body(f"supervisor.{method}")
            wire.send(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        bodies = [wire.reply().body.decode() for _ in range(3)]
    for text, value in zip(bodies, ("supervisor", str(plain.rpc.getPID()), "3.0")):
        assert f">{value}</" in text


def test_broken_clients_do_no_harm(plain):
    for garbage in (b"", b"\0\0\0\0", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST /RPC2 HTTP/1.1\r\nContent-Length: 10\r\n\r\nab",
                    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000, os.urandom(5000)):
        with plain.wire() as wire:
            try:
                wire.send(garbage)
            except (BrokenPipeError, ConnectionResetError):
                pass
    assert plain.rpc.getState()["statename"] == "RUNNING"


@pytest.mark.beyond("request-limits")
def test_requests_have_limits(plain):
    with plain.wire() as wire:
        wire.send("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        reply = wire.head()
        assert reply is None or reply.status == 413
    with plain.wire() as wire:
        try:
            wire.send(b"GET / HTTP/1.1\r\nX: " + b"a" * 2_000_000 + b"\r\n\r\n")
            reply = wire.head()
        except (BrokenPipeError, ConnectionResetError):
            reply = None
        assert reply is None or reply.status in (400, 413, 431)
    assert plain.rpc.getState()["statename"] == "RUNNING"


@pytest.mark.beyond("empty-post")
def test_an_empty_body_is_an_orderly_error(plain):
    with plain.wire() as wire:
        assert wire.request("POST", "/RPC2", b"").status == 400
