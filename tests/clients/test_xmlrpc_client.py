"""Python's xmlrpc.client, as any script uses it: ServerProxy and MultiCall over TCP, with a password."""
import http.client
import threading
import xmlrpc.client

import pytest

from support.http import basic, outcome
from support.waiting import eventually

SLEEPER = "command=sleep 600\n"
PROGRAMS = (f"[program:run]\n{SLEEPER}[program:manual]\n{SLEEPER}autostart=false\n"
            "[program:bad]\ncommand=/no/such/file\nstartretries=0\n"
            "[program:talk]\ncommand=@/talk\nstdout_logfile=@/talk.out\nredirect_stderr=true\n"
            f"[program:a]\n{SLEEPER}[program:b]\n{SLEEPER}[group:g]\nprograms=a,b\n")


def proxy(daemon, login="me:s%2Fcr%3At@", path="/RPC2", **options):
    return xmlrpc.client.ServerProxy(f"http://{login}127.0.0.1:{daemon.box.port}{path}", **options)


@pytest.fixture(scope="module")
def servers(module_pair):
    pair = module_pair
    pair.script("talk", "printf 'grüße <&>\\n'; echo 2 >&2; exec cat")
    pair.start(PROGRAMS, inet="username=me\npassword=s/cr:t")

    def settle(daemon):
        for name, state in (("run", "RUNNING"), ("bad", "FATAL"), ("g:a", "RUNNING"), ("g:b", "RUNNING"),
                            ("talk", "RUNNING")):
            daemon.wait_state(name, state)
        daemon.box.wait_lines("talk.out", 2)
    pair.each(settle)
    return pair


def without_clock(value):
    if isinstance(value, list):
        return [without_clock(item) for item in value]
    if isinstance(value, dict):
        return {key: "N" if key in ("now", "start", "stop", "pid") and item else without_clock(item)
                for key, item in value.items()}
    return value


CALLS = [("supervisor.getState",), ("supervisor.getAPIVersion",), ("supervisor.getIdentification",),
         ("supervisor.getAllProcessInfo",), ("supervisor.getProcessInfo", "g:a"),
         ("supervisor.getProcessInfo", "nosuch"),
         ("supervisor.readProcessStdoutLog", "talk", 0, 0), ("supervisor.readProcessLog", "talk", -3, 0),
         ("supervisor.tailProcessStdoutLog", "talk", 0, 5), ("supervisor.signalProcessGroup", "g", "CONT"),
         ("supervisor.startProcess", "run"), ("supervisor.startProcess", "bad"), ("supervisor.startProcess",),
         ("supervisor.stopProcess", "manual"), ("supervisor.sendProcessStdin", "talk", ""),
         ("supervisor.reloadConfig",),
         ("supervisor.sendRemoteCommEvent", "tüp", "dåta"), ("supervisor.getAllProcessInfo", True),
         ("supervisor.nosuch",),
         ("nosuch",), ("supervisor._getAllProcesses",), ("supervisor.clearAllProcessLogs",),
         ("system.methodHelp", "nosuch"),
         ("system.methodSignature", "supervisor.startProcess"), ("system.methodHelp", "supervisor.getState", 1)]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: " ".join(str(word) for word in call))
def test_a_call(servers, call):
    def ask(daemon):
        method = proxy(daemon)
        for word in call[0].split("."):
            method = getattr(method, word)
        return outcome(method, *call[1:])
    servers.same(ask, without_clock)


@pytest.mark.parametrize("value", ["täxt <&>]]>", "", " ", "é:*", xmlrpc.client.Binary(b"run"), b"run"],
                         ids="text empty blank accent base64 bytes".split())
def test_a_text_as_argument(servers, value):
    def ask(daemon):
        with proxy(daemon, use_builtin_types=True) as client:
            return [outcome(client.supervisor.getProcessInfo, value),
                    outcome(client.supervisor.sendProcessStdin, "run", value),
                    outcome(client.supervisor.getState, value)]
    servers.same(ask, without_clock)


@pytest.mark.parametrize("value", [None, True, 7, -1, 2.5, [1, ["two"], []], {"key": {"deep": 1}},
                                   xmlrpc.client.DateTime("20240101T00:00:00")],
                         ids="nil true int negative double list dict date".split())
def test_a_value_of_another_type_as_argument(servers, value):
    """The original answers some of them with status 500; a fault says more."""
    def ask(daemon):
        with proxy(daemon, allow_none=True) as client:
            seen = [outcome(client.supervisor.getProcessInfo, value),
                    outcome(client.supervisor.sendProcessStdin, "run", value),
                    outcome(client.supervisor.getState, value)]
            return seen, client.supervisor.getState()
    for daemon in servers.daemons:
        seen, state = ask(daemon)
        assert state["statename"] == "RUNNING"
        assert daemon.suite.is_reference or [kind for kind, *_ in seen] == ["fault"] * 3, seen


def test_introspection(servers):
    def ask(daemon):
        with proxy(daemon) as client:
            names = client.system.listMethods()
            return [(name, outcome(client.system.methodSignature, name)) for name in names]
    servers.same(ask)


def test_every_method_has_help(servers):
    def ask(daemon):
        with proxy(daemon) as client:
            return [(name, bool(client.system.methodHelp(name))) for name in client.system.listMethods()]
    servers.same(ask)


def test_many_calls_in_one(servers):
    def ask(daemon):
        calls = xmlrpc.client.MultiCall(proxy(daemon))
        calls.supervisor.getState()
        calls.supervisor.getProcessInfo("g:b")
        calls.supervisor.startProcess("manual")
        calls.supervisor.nosuch()
        calls.supervisor.stopProcess("manual")
        calls.supervisor.getProcessInfo("nosuch")
        calls.supervisor.readProcessStdoutLog("talk", 0, 2)
        calls.system.methodSignature("supervisor.getState")
        calls.system.multicall([])
        # Supervisor's answers are bare values, not lists of one: MultiCall takes a struct for a fault and fails.
        return calls().results
    seen = servers.same(ask, without_clock)
    assert seen[0] == {"statecode": 1, "statename": "RUNNING"} and seen[2] is True and len(seen) == 9


def test_letters_beyond_ascii_in_a_delayed_answer(servers):
    """The original counts letters instead of bytes there, and cuts the answer."""
    for daemon in servers.daemons:
        if not daemon.suite.is_reference:
            daemon.rpc.startProcess("manual")
            calls = xmlrpc.client.MultiCall(proxy(daemon))
            calls.supervisor.stopProcess("manual")
            calls.supervisor.getProcessInfo("grüße")
            assert calls().results == [True, {"faultCode": 10, "faultString": "BAD_NAME: grüße"}]


def test_a_multicall_stops_at_the_first_fault_that_is_looked_at(servers):
    def ask(daemon):
        calls = xmlrpc.client.MultiCall(proxy(daemon))
        calls.supervisor.stopProcess("nosuch")
        calls.supervisor.getIdentification()
        return outcome(lambda: list(calls()))
    assert servers.same(ask) == ["fault", 10, "BAD_NAME: nosuch"]


@pytest.mark.parametrize("login", ["", "me:wrong@", "you:s%2Fcr%3At@", ":@", "me:s%2Fcr@"])
def test_a_wrong_password(servers, login):
    def ask(daemon):
        client = proxy(daemon, login)
        return [outcome(client.supervisor.getState), outcome(client.supervisor.shutdown)]
    assert servers.same(ask) == [["http", 401], ["http", 401]]


def test_a_name_without_a_password(servers):
    servers.same(lambda daemon: outcome(proxy(daemon, "me@").supervisor.getState))


@pytest.mark.parametrize("path", ["", "/RPC2", "/RPC2/", "/rpc2", "/RPC2/more", "/RPC3"])
def test_paths(servers, path):
    servers.same(lambda daemon: outcome(proxy(daemon, path=path).supervisor.getIdentification))


@pytest.mark.parametrize("method, path", [
    (method, path) for path in ("/rpc2", "/nosuch", "/logtail/run", "/logtail/nosuch", "/mainlogtail")
    for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS", "get")
    if (method, path) not in (("GET", "/logtail/run"), ("GET", "/mainlogtail"))])  # these have no end
def test_methods_of_http(servers, method, path):
    def ask(daemon):
        connection = http.client.HTTPConnection("127.0.0.1", daemon.box.port, timeout=10)
        connection.request(method, path, headers={"Authorization": basic("me", "s/cr:t")})
        reply = connection.getresponse()
        names = [name for name, _ in reply.getheaders()]
        body = reply.read().decode()
        connection.close()
        return reply.status, names, body
    servers.same(ask)


def test_one_connection_serves_many_calls(servers):
    def ask(daemon):
        with proxy(daemon) as client:
            seen = []
            for _ in range(30):
                client.supervisor.getState()
                connection = client("transport")._connection[1]
                seen.append(connection and connection.sock and connection.sock.getsockname())
            return len(set(seen)), None in seen
    servers.same(ask)


def test_clients_in_many_threads(servers):
    def ask(daemon):
        found, errors = [], []

        def client():
            try:
                with proxy(daemon) as server:
                    found.extend(server.supervisor.getProcessInfo("run")["pid"] for _ in range(10))
            except Exception as error:
                errors.append(repr(error))
        threads = [threading.Thread(target=client) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return errors, len(found), len(set(found))
    assert servers.same(ask) == [[], 80, 1]


def test_a_large_request_and_its_echo(servers):
    text = "".join(chr(0x21 + i % 90) for i in range(63)) + "ü\n"

    def ask(daemon):
        with proxy(daemon) as client:
            for _ in range(20):
                client.supervisor.sendProcessStdin("talk", text * 15)
            eventually(lambda: daemon.box.read("talk.out").endswith(text * 300), what="the echo")
            read = client.supervisor.readProcessStdoutLog("talk", -len((text * 300).encode()), 0)
            return read == text * 300, len(client.supervisor.tailProcessStdoutLog("talk", 0, 10 ** 6)[0]) >= len(read)
    assert servers.same(ask) == [True, True]


def test_a_whole_session(pair):
    pair.start(PROGRAMS, inet="username=me\npassword=s/cr:t").script("talk", "exec cat")

    def session(daemon):
        with proxy(daemon) as client:
            supervisor = client.supervisor
            for name in ("run", "g:a", "g:b", "talk"):
                daemon.wait_state(name, "RUNNING")
            seen = [outcome(supervisor.stopProcess, "run"), outcome(supervisor.startProcess, "run"),
                    outcome(supervisor.startProcess, "run"), sorted_by_name(supervisor.stopProcessGroup("g")),
                    sorted_by_name(supervisor.startProcessGroup("g")), outcome(supervisor.stopProcess, "manual"),
                    outcome(supervisor.startProcess, "manual", False)]
            daemon.wait_state("manual", "RUNNING")
            daemon.reconfigure(PROGRAMS.replace("@", str(daemon.box)).replace("[program:run]", "[program:walk]"),
                               inet="username=me\npassword=s/cr:t")
            seen += [outcome(supervisor.reloadConfig), outcome(supervisor.addProcessGroup, "walk"),
                     outcome(supervisor.removeProcessGroup, "run"), outcome(supervisor.stopProcess, "run"),
                     outcome(supervisor.removeProcessGroup, "run"), outcome(supervisor.getProcessInfo, "run"),
                     outcome(supervisor.sendProcessStdin, "talk", "héllo\n"),
                     outcome(supervisor.clearProcessLogs, "talk"),
                     sorted_by_name(supervisor.signalAllProcesses("CONT")),
                     sorted_by_name(supervisor.stopAllProcesses()),
                     sorted_by_name(supervisor.startAllProcesses()), outcome(supervisor.shutdown)]
        assert daemon.wait_exit() == 0
        return seen
    pair.same(session, without_clock)


def sorted_by_name(results):
    return sorted(results, key=lambda result: (result["group"], result["name"]))
