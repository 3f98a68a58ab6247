"""Every method of the API: what it returns, each of its faults, and the order in which they are found."""
import os
import re
import signal

import pytest

from support.http import outcome
from support.parity import without_clock
from support.waiting import eventually

SLEEPER = "command=sleep 600\n"


# --- faults

@pytest.fixture(scope="module")
def troubled(module_pair):
    """Programs with which everything that can go wrong does."""
    pair = module_pair
    pair.write("plain", "text").write("gone", "#!/bin/sh\nexec sleep 600\n", 0o755)
    pair.write("lost", "#!/bin/sh\nexec sleep 600\n", 0o755)
    pair.script("deaf", "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n").script("quick", "exit 1")
    pair.script("ten", "printf 0123456789; printf 9876543210 >&2; exec sleep 600")
    pair.script("closed", "exec 0<&-; echo closed; exec sleep 600")
    programs = {
        "run": SLEEPER, "manual": SLEEPER + "autostart=false", "nofile": "command=/no/such/file\nautostart=false",
        "noname": "command=nosuchcommand\nautostart=false", "plain": "command=@/plain\nautostart=false",
        "folder": "command=/tmp\nautostart=false", "quote": "command=cat 'x\nautostart=false",
        "quick": "command=@/quick\nautostart=false\nstartsecs=10\nstartretries=0", "gone": "command=@/gone", "lost": "command=@/lost",
        "deaf": "command=@/deaf\nstdout_logfile=@/deaf.out\nstopwaitsecs=600", "bad": "command=/no/such/file\nstartretries=0",
        "nolog": SLEEPER + "stdout_logfile=NONE\nstderr_logfile=NONE",
        "late": "command=@/quick\nautostart=false\nstartsecs=0\nautorestart=false", "backoff": "command=@/quick\nstartsecs=10\nstartretries=1000",
        "closed": "command=@/closed\nstdout_logfile=@/closed.out", "a": SLEEPER, "b": SLEEPER + "autostart=false",
        "missing": SLEEPER + "stdout_logfile=@/missing.out", "blocked": SLEEPER + "stdout_logfile=@/blocked.out",
        "ten": "command=@/ten\nstdout_logfile=@/ten.out\nstderr_logfile=@/ten.err",
    }
    pair.start("".join(f"[program:{name}]\n{options}\n" for name, options in programs.items()) + "[group:g]\nprograms=a,b\n")

    def settle(daemon):
        for name in ("run", "gone", "lost", "nolog", "g:a", "closed", "deaf", "missing", "blocked"):
            daemon.wait_state(name, "RUNNING")
        daemon.wait_state("bad", "FATAL")
        daemon.wait_log("exited: backoff", count=3)  # and longer and longer pauses from now on
        daemon.box.wait_lines("deaf.out")
        daemon.box.wait_lines("closed.out")
        eventually(lambda: len(daemon.box.read("ten.out") + daemon.box.read("ten.err")) == 20, what="bytes")
        daemon.call("stopProcess", "deaf", False)
        os.remove(daemon.box.path("gone"))
        os.chmod(daemon.box.path("lost"), 0o644)
        os.remove(daemon.box.path("missing.out"))
        os.remove(daemon.box.path("blocked.out"))
        os.mkdir(daemon.box.path("blocked.out"))
    pair.each(settle)
    yield pair
    pair.each(lambda daemon: os.kill(daemon.pid_of("deaf"), signal.SIGKILL))


FAULTS = """
1 UNKNOWN_METHOD: nosuch | _update | getstate | getProcessInfo.x
2 INCORRECT_PARAMETERS: getProcessInfo | getState 1 | startProcess | startProcess run True 1 | readLog 0 | sendProcessStdin run
2 INCORRECT_PARAMETERS: sendProcessStdin nosuch 7 | sendProcessStdin run True
3 BAD_ARGUMENTS: readProcessStdoutLog run -1 1 | readProcessStderrLog run 0 -1 | readLog -5 5 | readMainLog 3 -3 | readProcessLog run -1 -1
10 BAD_NAME: getProcessInfo nosuch | getProcessInfo g | getProcessInfo g:* | getProcessInfo g: | getProcessInfo run:b
10 BAD_NAME: startProcess nosuch | startProcess nosuch:* | startProcess g:c | stopProcess g | stopProcess nosuch:
10 BAD_NAME: startProcessGroup nosuch | startProcessGroup g:* | stopProcessGroup nosuch | stopProcessGroup a
10 BAD_NAME: signalProcess nosuch HUP | signalProcess nosuch:* HUP | signalProcess nosuch FOO | signalProcessGroup nosuch HUP
10 BAD_NAME: addProcessGroup nosuch | addProcessGroup a | removeProcessGroup nosuch | removeProcessGroup g:a
10 BAD_NAME: readProcessStdoutLog nosuch 0 0 | readProcessStdoutLog g:* 0 0 | readProcessStderrLog nosuch -1 1
10 BAD_NAME: tailProcessStdoutLog nosuch 0 0 | tailProcessStderrLog g:* 0 0 | tailProcessLog g 0 1
10 BAD_NAME: clearProcessLogs nosuch | clearProcessLogs g:* | clearProcessLog g | sendProcessStdin nosuch x | sendProcessStdin g:* x
11 BAD_SIGNAL: signalProcess run FOO | signalProcess run 99 | signalProcess manual FOO | signalProcess run SIG
20 NO_FILE: startProcess nofile | startProcess noname | startProcess noname False | startProcess gone | startProcess bad
20 NO_FILE: readProcessStdoutLog nolog 0 0 | readProcessStderrLog nolog -1 1 | readProcessStdoutLog missing 0 0 | sendProcessStdin closed x
21 NOT_EXECUTABLE: startProcess plain | startProcess folder | startProcess quote | startProcess lost | startProcess plain False
30 FAILED: readProcessStdoutLog blocked 0 0 | clearProcessLogs blocked | clearProcessLog blocked
40 ABNORMAL_TERMINATION: startProcess deaf
50 SPAWN_ERROR: startProcess quick
60 ALREADY_STARTED: startProcess run | startProcess run False | startProcess g:a | startProcess backoff
70 NOT_RUNNING: stopProcess manual | stopProcess manual False | stopProcess bad | stopProcess g:b | stopProcess deaf
70 NOT_RUNNING: signalProcess manual HUP | signalProcess backoff HUP | signalProcess bad 1 | sendProcessStdin manual x
70 NOT_RUNNING: sendProcessStdin bad x | sendProcessStdin backoff x | sendProcessStdin deaf x
90 ALREADY_ADDED: addProcessGroup run | addProcessGroup g
91 STILL_RUNNING: removeProcessGroup run | removeProcessGroup g | removeProcessGroup backoff | removeProcessGroup deaf
"""


def argument(word):
    if word in ("True", "False"):
        return word == "True"
    return float(word) if re.fullmatch(r"-?\d+\.\d+", word) else int(word) if re.fullmatch(r"-?\d+", word) else word


def fault_cases():
    for line in FAULTS.strip().splitlines():
        fault, _, calls = line.partition(": ")
        for call in calls.split("|"):
            yield fault, call.strip()


@pytest.mark.parametrize("fault, call", fault_cases())
def test_a_fault(troubled, fault, call):
    method, *words = call.split()

    def ask(daemon):
        if "backoff" in words:
            daemon.wait_state("backoff", "BACKOFF")
        if method == "sendProcessStdin" and "closed" in words:  # the first bytes may still find the pipe open
            eventually(lambda: daemon.call(method, *words)[0] == "fault", what="the fault")
        return daemon.call(method, *map(argument, words))
    kind, code, text = troubled.same(ask)
    number, name = fault.split()
    assert (kind, code, text.partition(":")[0]) == ("fault", int(number), name)


def test_a_start_without_waiting_while_it_still_stops(troubled):
    def ask(daemon):
        before = daemon.log().count("already running")
        return daemon.call("startProcess", "deaf", False), daemon.state("deaf"), daemon.log().count("already running") - before
    assert troubled.same(ask) == [["value", True], "STOPPING", 1]
    assert troubled.same(lambda daemon: [m for m in daemon.messages() if "already running" in m[1]][-1]) == [
        "WARN", "process 'deaf' already running"]


def test_a_log_that_cannot_be_read(troubled):
    troubled.same(lambda daemon: [daemon.call("tailProcessStdoutLog", name, offset, 5)
                                  for name in ("blocked", "missing", "nolog") for offset in (0, 7, -3)])


def test_a_signal_that_is_fine_for_a_process_that_stops(troubled):
    assert troubled.same(lambda daemon: daemon.call("signalProcess", "deaf", "CONT")) == ["value", True]


def test_a_bad_signal_is_told_for_each_process(troubled):
    seen = troubled.same(lambda daemon: [daemon.call("signalProcessGroup", "g", "FOO"), daemon.call("signalProcess", "g:*", "FOO"),
                                         daemon.call("signalProcessGroup", "manual", "FOO")])
    assert seen[0] == seen[1] == ["value", [{"name": "a", "group": "g", "status": 11, "description": "BAD_SIGNAL: FOO"}]]
    assert seen[2] == ["value", []]


def test_the_main_log_taken_away(pair):
    pair.start(f"[program:x]\n{SLEEPER}")

    def session(daemon):
        path = daemon.box.path("sd.log")
        daemon.wait_state("x", "RUNNING")
        os.remove(path)
        seen = [daemon.call(*call) for call in (("readLog", 0, 0), ("readMainLog", -1, 1), ("clearLog",))]
        os.mkdir(path)
        return seen + [daemon.call(*call) for call in (("readLog", 0, 0), ("clearLog",))]
    seen = pair.same(session)
    assert [answer[1] for answer in seen] == [20, 20, 20, 30, 30]


def test_clearing_the_main_log(pair):
    pair.start(f"[program:x]\n{SLEEPER}", supervisord="loglevel=info")

    def session(daemon):
        daemon.wait_state("x", "RUNNING")
        seen = [daemon.call("clearLog"), daemon.log(), daemon.output().count("reopening log file")]
        daemon.rpc.stopProcess("x")
        return seen + [[text for _, text in daemon.messages()]]
    assert pair.same(session)[0] == ["value", True]


@pytest.mark.parametrize("offset, length", [(o, n) for o in (-20, -10, -3, 0, 3, 10, 20) for n in (-1, 0, 4, 20)])
@pytest.mark.parametrize("method", ["readProcessStderrLog", "tailProcessStderrLog", "readProcessLog", "tailProcessLog"])
def test_ranges_of_a_log(troubled, method, offset, length):
    troubled.same(lambda daemon: daemon.call(method, "ten", offset, length))


# --- results

def test_what_a_shutdown_and_a_restart_answer(pair):
    """The answer comes before the first process is told to stop."""
    pair.script("deaf", "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n")
    pair.start("[program:x]\ncommand=@/deaf\nstdout_logfile=@/out\nstopwaitsecs=1\n")

    def session(daemon):
        daemon.box.wait_lines("out")
        seen = [daemon.call("restart")]
        daemon.wait_log("supervisord started with pid", count=2, timeout=20)
        daemon.wait_up()
        daemon.box.wait_lines("out", 2)
        seen.append(daemon.call("shutdown"))
        return [*seen, daemon.wait_exit()]
    assert pair.same(session) == [["value", True], ["value", True], 0]


def test_the_order_of_what_a_reload_tells(pair):
    """Added and changed by priority and name, removed in the order they run."""
    def programs(first, second, third):
        return "".join(f"[program:{name}]\n{SLEEPER}autostart=false\npriority={priority}\n"
                       for name, priority in (*first, *second, *third))
    gone = (("r2", 5), ("r1", 9), ("r3", 1))
    pair.start(programs((("c2", 5), ("c1", 9), ("c3", 1)), gone, ()))

    def session(daemon):
        daemon.reconfigure(programs((("c2", 6), ("c1", 8), ("c3", 2)), (("a2", 5), ("a1", 9), ("a3", 1)), ()))
        seen = [daemon.call("reloadConfig"), daemon.call("reloadConfig")]
        seen.append(without_clock(daemon.call("getAllProcessInfo")[1]))  # nothing is applied
        seen += [daemon.call("addProcessGroup", "a1"), daemon.call("removeProcessGroup", "r1"), daemon.call("reloadConfig")]
        return seen
    seen = pair.same(session)
    assert seen[0] == ["value", [[["a3", "a2", "a1"], ["c3", "c2", "c1"], ["r3", "r2", "r1"]]]]


def test_groups_come_and_go(pair):
    """A group that is added starts by itself; one that has stopped in whatever way can be removed."""
    pair.script("fail", "exit 3")
    pair.start(f"[program:stopped]\n{SLEEPER}autostart=false\n[program:fatal]\ncommand=/no/such\nstartretries=0\n"
               "[program:exited]\ncommand=@/fail\nstartsecs=0\nautorestart=false\n"
               f"[program:half]\n{SLEEPER}[program:rest]\n{SLEEPER}autostart=false\n[group:both]\nprograms=half,rest\n")

    def session(daemon):
        daemon.wait_state("fatal", "FATAL")
        daemon.wait_state("exited", "EXITED")
        daemon.wait_state("both:half", "RUNNING")
        names = ("stopped", "fatal", "exited", "both")
        seen = [daemon.call("removeProcessGroup", name) for name in names]
        seen += [daemon.call("stopProcess", "both:half"), daemon.call("removeProcessGroup", "both"),
                 daemon.call("getAllProcessInfo"), daemon.call("getProcessInfo", "both:half")]
        seen += [[info["inuse"] for info in daemon.rpc.getAllConfigInfo()]]
        seen += [daemon.call("addProcessGroup", name) for name in ("both", "both", "fatal")]
        daemon.wait_state("both:half", "RUNNING")
        daemon.wait_state("fatal", "FATAL")
        return seen + [daemon.state("both:rest"), [info["inuse"] for info in daemon.rpc.getAllConfigInfo()]]
    pair.same(session)


def test_lists_hold_only_what_was_acted_on_in_order(pair):
    """What is known at once comes first, in order of priorities; what had to be waited for comes as it ended."""
    pair.script("slow", "trap 'sleep 1; exit 0' TERM\necho ready\nwhile :; do sleep 0.1; done\n").write("plain", "x")
    pair.start(f"[program:d]\n{SLEEPER}priority=1\nautostart=false\nstartsecs=3\n[program:c]\ncommand=/no/such\nautostart=false\npriority=2\n"
               f"[program:b]\n{SLEEPER}autostart=false\npriority=3\n[program:a]\ncommand=@/plain\nautostart=false\npriority=4\n"
               f"[program:up]\n{SLEEPER}priority=5\n[program:slow]\ncommand=@/slow\npriority=1\nstdout_logfile=@/slow.out\n")

    def session(daemon):
        daemon.wait_state("up", "RUNNING")
        daemon.wait_state("slow", "RUNNING")
        daemon.box.wait_lines("slow.out")
        seen = [daemon.call("startAllProcesses")]
        daemon.rpc.stopProcess("b")
        daemon.rpc.stopProcess("d")
        return seen + [daemon.call("stopAllProcesses"), daemon.call("stopAllProcesses"), daemon.call("signalAllProcesses", "HUP")]
    started, stopped, *nothing = pair.same(session)
    assert [(item["name"], item["status"]) for item in started[1]] == [("c", 20), ("a", 21), ("b", 80), ("d", 80)]
    assert started[1][0]["description"].startswith("NO_FILE: ") and started[1][2]["description"] == "OK"
    assert [item["name"] for item in stopped[1]] == ["up", "slow"] and nothing == [["value", []]] * 2


def test_lists_without_waiting(pair):
    pair.start(f"[program:a]\n{SLEEPER}autostart=false\npriority=2\n[program:b]\n{SLEEPER}autostart=false\npriority=1\n"
               "[program:c]\ncommand=/no/such\nautostart=false\n[group:g]\nprograms=a,b\n")

    def session(daemon):
        return [daemon.call("startAllProcesses", False), daemon.call("stopAllProcesses", False)]
    started, stopped = pair.same(session)
    assert [(item["name"], item["status"]) for item in started[1]] == [("c", 20), ("b", 80), ("a", 80)]
    assert [(item["name"], item["status"]) for item in stopped[1]] == [("b", 80), ("a", 80)]


def test_logs_are_cleared_in_order_of_priorities(pair):
    pair.start("".join(f"[program:{name}]\n{SLEEPER}priority={priority}\nautostart=false\n"
                       for name, priority in (("a", 9), ("b", 5), ("c", 1))))
    seen = pair.same(lambda daemon: daemon.call("clearAllProcessLogs"))
    assert seen[1] == [{"name": name, "group": name, "status": 80, "description": "OK"} for name in "cba"]


def test_infos_of_every_state(pair):
    pair.script("deaf", "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n").script("quick", "exit 4")
    pair.script("killed", "kill -9 $$")
    options = {"starting": SLEEPER + "startsecs=600", "running": SLEEPER + "redirect_stderr=true", "stopped": SLEEPER + "autostart=false",
               "backoff": "command=@/quick\nstartsecs=10\nstartretries=1000", "fatal": "command=@/quick\nstartsecs=10\nstartretries=0", "nofile": "command=/no/such\nstartretries=0",
               "exited": "command=@/quick\nstartsecs=0\nautorestart=unexpected\nexitcodes=4",
               "wrong": "command=@/quick\nstartsecs=0\nautorestart=false", "killed": "command=@/killed\nstartsecs=0\nautorestart=false",
               "stopping": "command=@/deaf\nstdout_logfile=@/deaf.out\nstopwaitsecs=600",
               "logs": SLEEPER + "stdout_logfile=@/o\nstderr_logfile=NONE", "again": SLEEPER}
    pair.start("".join(f"[program:{name}]\n{option}\n" for name, option in options.items()))

    def session(daemon):
        for name, state in (("starting", "STARTING"), ("running", "RUNNING"), ("backoff", "BACKOFF"), ("fatal", "FATAL"),
                            ("nofile", "FATAL"), ("exited", "EXITED"), ("wrong", "EXITED"), ("killed", "EXITED"),
                            ("stopping", "RUNNING"), ("logs", "RUNNING"), ("again", "RUNNING")):
            daemon.wait_state(name, state)
        daemon.box.wait_lines("deaf.out")
        daemon.rpc.stopProcess("stopping", False)
        daemon.rpc.stopProcess("again")
        infos = []

        def between_two_starts():
            infos[:] = without_clock(daemon.rpc.getAllProcessInfo())
            return "BACKOFF" in {info["statename"] for info in infos}
        eventually(between_two_starts, what="a moment in which the failing one waits")
        os.kill(daemon.pid_of("stopping"), signal.SIGKILL)
        return [{**info, "stop": "?" if info["name"] == "backoff" else info["stop"]} for info in infos]
    seen = {info["name"]: info for info in pair.same(session)}
    assert [(seen[name]["state"], seen[name]["description"]) for name in ("starting", "stopping", "stopped")] == [
        (10, ""), (40, ""), (0, "Not started")]
    assert (seen["killed"]["exitstatus"], seen["wrong"]["spawnerr"]) == (-1, "Bad exit code 4")


def test_infos_are_sorted_by_group_and_name(pair):
    pair.start("".join(f"[program:{name}]\n{SLEEPER}autostart=false\npriority={priority}\n"
                       for name, priority in (("b", 1), ("a", 9), ("z", 1), ("B", 5), ("m", 1)))
               + "[group:c]\nprograms=z,m\npriority=1\n")
    seen = pair.same(lambda daemon: [[f"{info['group']}:{info['name']}" for info in daemon.rpc.getAllProcessInfo()],
                                     [f"{info['group']}:{info['name']}" for info in daemon.rpc.getAllConfigInfo()]])
    assert seen[0] == ["B:B", "a:a", "b:b", "c:m", "c:z"]


def test_what_is_configured(pair):
    """Every option that getAllConfigInfo tells, at its default and set."""
    pair.start(f"[program:plain]\n{SLEEPER}autostart=false\n"
               "[program:full]\ncommand=/bin/cat -n\nprocess_name=%(program_name)s_%(process_num)d\nnumprocs=2\ndirectory=/tmp\n"
               "umask=022\npriority=5\nautostart=false\nstartsecs=3\nstartretries=7\nautorestart=false\nexitcodes=0,2,9\n"
               "stopsignal=INT\nstopwaitsecs=4\nstopasgroup=true\nkillasgroup=true\nuser=root\nredirect_stderr=false\n"
               "stdout_logfile=@/full.out\nstdout_logfile_maxbytes=1MB\nstdout_logfile_backups=3\nstdout_capture_maxbytes=2KB\n"
               "stdout_events_enabled=true\nstdout_syslog=false\nstderr_logfile=NONE\nstderr_logfile_maxbytes=0\nstderr_logfile_backups=0\n"
               "stderr_capture_maxbytes=1\nstderr_events_enabled=true\nserverurl=unix:///x\nenvironment=A=b\n"
               f"[program:log]\n{SLEEPER}autostart=false\nredirect_stderr=true\nstdout_syslog=true\nserverurl=AUTO\n"
               f"[program:auto]\n{SLEEPER}[eventlistener:ears]\n{SLEEPER}events=TICK_5\nautostart=false\n"
               "[fcgi-program:fast]\ncommand=cat\nsocket=tcp://127.0.0.1:1\nautostart=false\n", inet="")

    def session(daemon):
        daemon.wait_state("auto", "RUNNING")
        seen = [daemon.rpc.getAllConfigInfo()]
        daemon.rpc.reloadConfig()  # no longer knows the files that were made up
        return [[{key: value for key, value in info.items() if key != "autorestart"} for info in infos]
                for infos in (*seen, daemon.rpc.getAllConfigInfo())]
    before, after = pair.same(session)
    assert {info["stdout_logfile"] for info in after if info["name"] in ("plain", "auto")} == {"auto"}
    assert "auto-stdout---" in before[0]["stdout_logfile"] and len(before[0]) == 29


def test_how_a_program_is_started_again_is_told(box):
    """As from version 4.4 on, where `true` makes the whole call fail."""
    daemon = box.daemon("".join(f"[program:{value}]\n{SLEEPER}autostart=false\nautorestart={value}\n"
                                for value in ("true", "false", "unexpected")))
    seen = {info["name"]: info.get("autorestart", "no such key") for info in daemon.rpc.getAllConfigInfo()}
    if box.suite.is_reference:
        assert set(seen.values()) == {"no such key"}
    else:
        assert seen == {"true": True, "false": False, "unexpected": "unexpected"}


# --- system

def test_the_tags_of_every_help(troubled):
    """Types and names of parameters and results, which clients read out of the text."""
    def tags(daemon):
        return {name: re.findall(r"@(param|return)\s+(\w+)(?:\s+(\w+))?", daemon.server.system.methodHelp(name))
                for name in daemon.server.system.listMethods()}
    assert len(troubled.same(tags)) == 41


NO_METHODS = ["nosuch", "", ".", "..", "supervisor", "supervisor.", ".getState", "supervisor.nosuch", "supervisor._update",
              "supervisor.getState.x", "system._listMethods", "supervisor.supervisord", "SUPERVISOR.getState", "supervisor.getState "]


@pytest.mark.parametrize("name", NO_METHODS)
def test_what_is_no_method(troubled, name):
    def ask(daemon):
        return [outcome(daemon.server.system.methodHelp, name), outcome(daemon.server.system.methodSignature, name)]
    assert [answer[1] for answer in troubled.same(ask)] == [4, 4]
    if name:
        assert troubled.same(lambda daemon: outcome(getattr(daemon.server, name)))[1] == 1


def test_a_multicall_waits_and_goes_on(pair):
    pair.start(f"[program:x]\n{SLEEPER}autostart=false\n[program:y]\n{SLEEPER}autostart=false\n[group:g]\nprograms=x,y\n"
               f"[program:z]\n{SLEEPER}autostart=false\n")
    calls = [("startProcess", "z"), ("getProcessInfo", "z"), ("startProcess", "z"), ("stopProcess", "z"), ("getProcessInfo", "z"),
             ("startProcessGroup", "g"), ("stopProcessGroup", "g"), ("clearAllProcessLogs",), ("stopProcess", "z"), ("getPID", 1),
             ("sendRemoteCommEvent", "a", "b"), ("getAllProcessInfo",)]

    def session(daemon):
        return outcome(daemon.server.system.multicall, [{"methodName": f"supervisor.{method}", "params": list(params)}
                                                        for method, *params in calls])

    def in_any_order(answer):
        return [sorted(result, key=lambda item: item["name"]) if isinstance(result, list) and result and "name" in result[0] else result
                for result in without_clock(answer[1])]
    seen = pair.same(session, in_any_order)
    assert seen[0] is True and seen[1]["statename"] == "RUNNING" and seen[4]["statename"] == "STOPPED" and len(seen) == len(calls)


def test_an_odd_call_in_a_multicall(troubled):
    """The original names a Python exception there."""
    def ask(daemon):
        return outcome(daemon.server.system.multicall, [{"methodName": 5}, {"methodName": "supervisor.getState"}])
    troubled.differs("argument-type", ask, lambda seen: "<class" in seen[1][0]["faultString"] and seen[1][0]["faultCode"] == 30,
                lambda seen: seen[1][0]["faultCode"] == 30 and seen[1][0]["faultString"].startswith("FAILED: "))


def test_what_may_be_called_while_everything_stops(pair):
    pair.script("deaf", "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n")
    pair.start("[program:x]\ncommand=@/deaf\nstdout_logfile=@/out\nstopwaitsecs=600\n")

    def session(daemon):
        daemon.box.wait_lines("out")
        child = daemon.pid_of("x")
        daemon.rpc.shutdown()
        eventually(lambda: daemon.call("getState")[0] == "fault", what="the shutdown")
        arguments = {0: (), 1: ("x",), 2: ("x", "y"), 3: ("x", 0, 1)}
        names = daemon.server.system.listMethods()
        count = {name: len(daemon.server.system.methodSignature(name)) - 1 for name in names}
        seen = {name: daemon.call(name.partition(".")[2], *arguments[count[name]]) for name in names if name.startswith("supervisor.")}
        seen["multicall"] = outcome(daemon.server.system.multicall, [{"methodName": "supervisor.getState"}])
        os.kill(child, signal.SIGKILL)
        return seen, daemon.wait_exit()
    seen, code = pair.same(session)
    fine = {name for name, answer in seen.items() if answer[0] == "value"}
    assert fine == {"supervisor.sendRemoteCommEvent", "multicall"} and code == 0
