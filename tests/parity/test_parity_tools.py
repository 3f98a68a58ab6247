"""pidproxy, echo_supervisord_conf, and the API under another name."""
import os
import re
import signal
import time

import pytest

from support.box import Daemon
from support.http import outcome, xmlrpc_client
from support.parity import both
from support.waiting import SCALE, eventually

SLEEPER = "command=sleep 600\n"
REAL = """import os, signal
def note(number, frame): print('got', signal.Signals(number).name, file=open('got', 'a'), flush=True)
for name in ('TERM', 'HUP', 'INT', 'USR1', 'USR2', 'QUIT'): signal.signal(getattr(signal, 'SIG' + name), note)
open('pid', 'w').write('  %d \\n' % os.getpid())
while True: signal.pause()
"""


@pytest.mark.parametrize("arguments", [[], ["pid"]])
def test_pidproxy_without_its_arguments(pair, arguments):
    def run(box):
        done = box.execute(box.suite.pidproxy, *arguments)
        return done.code, re.findall(r"Usage: .*", done.out.replace(box.suite.pidproxy, "PROGRAM")), done.err
    assert pair.same_in_box(run) == [1, ["Usage: PROGRAM <pidfile name> <command> [<cmdarg1> ...]"], ""]


@pytest.mark.parametrize("name", ["HUP", "USR1", "USR2", "TERM", "INT", "QUIT"])
def test_pidproxy_passes_a_signal_on(pair, name):
    """TERM, INT and QUIT end it too, at once and with 0."""
    def run(box):
        with open(box.path("said"), "wb") as said:
            process = box.start([box.suite.pidproxy, "pid", box.python("real", REAL)], stdout=said)
        eventually(lambda: box.read("pid").endswith("\n"), what="the real program")
        process.send_signal(getattr(signal, f"SIG{name}"))
        seen = box.wait_lines("got")
        if name in ("TERM", "INT", "QUIT"):
            return seen, process.wait(20 * SCALE), box.read("said")
        time.sleep(0.2)
        return seen, process.poll()
    seen = pair.same_in_box(run)
    assert seen[:2] == [[f"got SIG{name}"], 0 if name in ("TERM", "INT", "QUIT") else None]


@pytest.mark.parametrize("content", [None, "", "x", "12 13", "1.5"])
def test_pidproxy_without_a_pid(pair, content):
    """It says so and goes on, whatever the signal."""
    def run(box):
        if content is not None:
            box.write("pid", content)
        with open(box.path("said"), "wb") as said:
            process = box.start([box.suite.pidproxy, "pid", box.script("real", "echo ready\nexec sleep 600")], stdout=said,
                                env={"PYTHONUNBUFFERED": "1"})
        box.wait_lines("said")
        for count, number in enumerate((signal.SIGHUP, signal.SIGTERM), 2):
            process.send_signal(number)
            box.wait_lines("said", count)
        return process.poll(), box.lines("said")
    assert pair.same_in_box(run) == [None, ["ready"] + ["Can't read child pidfile pid!"] * 2]


def test_pidproxy_runs_a_command_from_the_current_folder(pair):
    """With the words as they are given, and never by the search path."""
    def run(box):
        os.symlink("/bin/sh", box.path("mysh"))
        done = box.execute(box.suite.pidproxy, "pid", "mysh", "-c", "tr '\\0' '|' </proc/$$/cmdline >out; exit 3", "", "a b")
        return done.code, done.out, done.err, box.read("out").replace("|", " ")
    seen = pair.same_in_box(run)
    assert seen[0] == 0 and seen[3].startswith("mysh -c ") and seen[3].endswith("  a b ")


def test_pidproxy_ends_with_its_command(pair):
    def run(box):
        began = time.monotonic()
        known = box.execute(box.suite.pidproxy, "pid", "/bin/false").code
        took = time.monotonic() - began
        return known, took > 4, box.execute(box.suite.pidproxy, "pid", "true").code  # not in the current folder
    pair.daemons = pair.boxes
    pair.differs("pidproxy", run, lambda seen: seen == [0, True, 0], lambda seen: seen == [0, False, 127])


@pytest.mark.parametrize("arguments", [[], ["x"], ["-h"]])
def test_the_sample_has_every_option_of_the_originals(pair, arguments):
    """In ours, listeners and FastCGI programs have the options of programs without listing them again."""
    def run(box):
        done = box.execute(box.suite.echo_supervisord_conf, *arguments)
        assert (done.code, done.err) == (0, "")
        options, section = {}, None
        for line in done.out.splitlines():
            if match := re.match(r";?\[([a-z_-]+:?\w*)\]", line):
                section = options.setdefault(match[1].partition(":")[0], set())
            elif section is not None and (match := re.match(r";?([a-z_]+) *=", line)):
                section.add(match[1])
        return options
    original, ours = both(run, *pair.boxes)
    ours["eventlistener"] |= ours["program"]
    missing = {name: options - ours.get(name, set()) for name, options in original.items()}
    assert not any(missing.values()) and set(original) <= set(ours), missing


def renamed(box, name, more=""):
    """A daemon whose API has another name."""
    config = box.config(f"[program:x]\n{SLEEPER}").replace("[rpcinterface:supervisor]", f"[rpcinterface:{name}]") + more
    daemon = Daemon(box, box.write("sd.conf", config)).start(wait=False)
    eventually(lambda: outcome(daemon.server.system.listMethods)[0] == "value", what="an answer")
    return daemon


def test_the_api_under_another_name(pair):
    def run(box):
        daemon = renamed(box, "other")
        server = xmlrpc_client(box.path("s"))
        seen = [server.system.listMethods(), outcome(server.other.getState), outcome(server.supervisor.getState),
                server.system.methodSignature("other.startProcess"),
                outcome(server.system.multicall, [{"methodName": "other.getIdentification"}])]
        return [*seen, *[daemon.ctl(*words) for words in (["status"], ["start", "x"], ["version"], ["pid"], ["avail"], ["shutdown"])]]
    def without_places(seen):
        return [{**part, "out": re.sub(r"file: .*", "file: F", part["out"])} if isinstance(part, dict) else part for part in seen]
    seen = pair.same_in_box(run, without_places)
    assert "other.getState" in seen[0] and seen[2] == ["fault", 1, "UNKNOWN_METHOD"]
    assert seen[5]["code"] == 4 and seen[6]["code"] == 3 and seen[6]["out"] == (
        "Sorry, supervisord responded but did not recognize the supervisor namespace commands that supervisorctl uses to control it.  "
        "Please check that the [rpcinterface:supervisor] section is enabled in the configuration file (see sample.conf).\n")


def test_the_api_under_two_names(pair):
    def run(box):
        renamed(box, "supervisor", "[rpcinterface:second]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n")
        server = xmlrpc_client(box.path("s"))
        return len(server.system.listMethods()), outcome(server.second.getState), outcome(server.supervisor.getState)
    assert pair.same_in_box(run)[0] == 4 + 2 * 37


@pytest.mark.parametrize("section", ["[rpcinterface:x]\nsupervisor.rpcinterface_factory = nosuch:thing\n", "[rpcinterface:x]\n",
                                     "[ctlplugin:x]\nsupervisor.ctl_factory = nosuch:thing\n",
                                     "[eventlistener:x]\ncommand=cat\nevents=TICK_5\nresult_handler=nosuch:thing\n"],
                         ids=["rpcinterface", "no factory", "ctlplugin", "result_handler"])
def test_python_is_not_loaded(pair, section):
    """The module is missing for the original as well; version 4.4 tells the reason behind it."""
    def run(box):
        path = box.write("sd.conf", box.config() + section)
        if section.startswith("[ctlplugin"):
            done = box.execute(box.suite.supervisorctl, "-c", path, "version")
        else:
            done = box.execute(box.suite.supervisord, "-n", "-c", path)
        return done.code, re.sub(r"\]:? .*|\n.*", "]", done.err.splitlines()[0]), done.out
    pair.same_in_box(run)
