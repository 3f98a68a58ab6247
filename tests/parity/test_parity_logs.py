"""Logs: the same bytes in the same files, the same lines in the main log and at the system's log."""
import os
import re
import signal
import socket
import stat
import time
import xmlrpc.client

import pytest

from support import procfs
from support.listeners import events, listener, wait_events
from support.parity import both, lines
from support.speaker import say, speaker
from support.system_log import SystemLog
from support.waiting import eventually

SLEEPER = "command=sleep 600\n"


def start_each(pair, config, wait=True, **options):
    """Starts a daemon in each box with config(box) as its whole configuration; options(box) likewise."""
    def run(box):
        daemon = box.daemon(start=False, **{name: value(box) for name, value in options.items()})
        box.write("sd.conf", config(box))
        return daemon.start(wait)
    pair.daemons = both(run, *pair.boxes)


def start_speaker(pair, more="", **options):
    """A program x that obeys say(), with @/out and @/err as its logs."""
    for box in pair.boxes:
        speaker(box)
    pair.start(f"[program:x]\ncommand=@/speaker @/x.said\nstdout_logfile=@/out\nstderr_logfile=@/err\n{more}\n", **options)
    pair.each(lambda daemon: daemon.wait_state("x", "RUNNING"))


# ---- 4.1 the main log

@pytest.mark.parametrize("level", ["blather", "trace", "debug", "info", "warn", "error", "critical"])
def test_levels_of_the_main_log(pair, level):
    pair.start(f"[program:x]\n{SLEEPER}autorestart=false\n[program:bad]\ncommand=/no/such\nstartretries=0\n",
               supervisord=f"loglevel={level}")

    def session(daemon):
        daemon.wait_state("bad", "FATAL")
        os.kill(daemon.wait_state("x", "RUNNING")["pid"], signal.SIGKILL)
        daemon.wait_state("x", "EXITED")
        with daemon.wire() as wire:
            wire.request("POST", "/RPC2", b"<methodCall></methodCall>")
        daemon.rpc.startProcess("x")
        daemon.stop()
        every = lines(daemon)
        # What is told below debug is each one's own affair.
        found = [line for line in every if not line.startswith(("BLAT", "TRAC"))]
        return sorted(found), "TRAC XML-RPC method called: supervisor.startProcess()" in every
    seen, traced = pair.same(session)
    names = ["critical", "error", "warn", "info", "debug", "trace", "blather"]
    expected = ["CRIT", "ERRO", "WARN", "INFO", "DEBG"][:names.index(level) + 1]
    assert {line[:4] for line in seen} == set(expected) and traced == (level in ("trace", "blather"))


def test_automatic_logs_of_a_group_that_is_removed_and_comes_again(pair):
    """It has them again until the configuration is read anew."""
    pair.start(f"[program:x]\n{SLEEPER}[program:y]\n{SLEEPER}redirect_stderr=true\n[program:z]\n{SLEEPER}"
               "[group:g]\nprograms=y,z\n")

    def session(daemon):
        known = {}

        def files():
            told = [(config["name"], config["inuse"], config["stdout_logfile"], config["stderr_logfile"])
                    for config in daemon.rpc.getAllConfigInfo()]
            for name in sorted(os.listdir(daemon.box.folder)):
                if "---" in name and daemon.box.path(name) not in known:
                    known[daemon.box.path(name)] = f"{name[:8]} {len(known)}"
            return [[known.get(word, word) for word in words] for words in told], sorted(known.values())

        seen = []
        for words in ("status", "stop all", "remove x g", "add g x", "reread", "stop all", "remove x", "reread", "remove g",
                      "add g x", "update"):
            if words in ("status", "stop all"):
                for name in ("x", "g:y", "g:z"):
                    daemon.wait_state(name, "RUNNING")
            seen.append((words, sorted(daemon.ctl(*words.split()).out.splitlines()), files()))
        return seen
    pair.same(session)


@pytest.fixture
def traced(pair):
    pair.start(f"[program:run]\n{SLEEPER}[program:quick]\ncommand=sh -c 'sleep 0.5; exit 1'\nautostart=false\nstartsecs=10\nstartretries=0\n",
               supervisord="loglevel=trace")
    pair.each(lambda daemon: daemon.wait_state("run", "RUNNING"))
    return pair


def told_of_calls(daemon, done):
    """What the log tells of calls from here until one of system.listMethods is done, without that."""
    daemon.server.system.listMethods()
    daemon.wait_log("system.listMethods.. returned", count=done)
    every = [line for line in lines(daemon) if "XML-RPC" in line]
    ends = [i for i, line in enumerate(every) if "system.listMethods() returned" in line]
    return every[ends[-2] + 1 if len(ends) > 1 else 0:ends[-1] - 1]


TRACED = {
    "a value": ("supervisor.getState",), "a fault": ("supervisor.getProcessInfo", "nosuch"), "no method": ("nosuch.x",),
    "too many": ("supervisor.getState", 1), "a fault without a text": ("supervisor.sendProcessStdin", "run", None),
    "several": ("system.multicall", [{"methodName": "supervisor.getState"}, {"methodName": "nosuch"}]),
    "without waiting": ("supervisor.startProcess", "run", False), "signal": ("supervisor.signalProcess", "run", "NOSUCH"),
}


def test_calls_are_told_at_trace(traced):
    def session(daemon):
        told_of_calls(daemon, 1)
        for name, *arguments in TRACED.values():
            body = xmlrpc.client.dumps(tuple(arguments), name, allow_none=True).encode()
            with daemon.wire() as wire:
                wire.request("POST", "/RPC2", body)
        return told_of_calls(daemon, 2)
    seen = traced.same(session)
    assert len(seen) == 2 * len(TRACED)
    assert seen[:4] == ["TRAC XML-RPC method called: supervisor.getState()",
                        "TRAC XML-RPC method supervisor.getState() returned successfully",
                        "TRAC XML-RPC method called: supervisor.getProcessInfo()",
                        "TRAC XML-RPC method supervisor.getProcessInfo() returned fault: [10] BAD_NAME: nosuch"]


def test_the_outcome_of_a_call_that_waits_is_told_when_it_is_there(traced):
    def session(daemon):
        told_of_calls(daemon, 1)
        daemon.call("startProcess", "quick")
        return told_of_calls(daemon, 2)[-1]
    outcome = "TRAC XML-RPC method supervisor.startProcess() returned "
    traced.differs("trace-outcome", session, lambda seen: seen == outcome + "successfully",
                   lambda seen: seen.startswith(outcome + "fault: ["))


def test_a_line_of_the_main_log_has_local_time(pair):
    start_each(pair, lambda box: box.config(), env=lambda box: {"TZ": "XYZ-5:30"})

    def look(daemon):
        first = daemon.log().splitlines()[0]
        match = re.fullmatch(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d{3} [A-Z]{4} .+", first)
        local = time.time() + 5.5 * 3600
        told = time.mktime(time.strptime(match[1], "%Y-%m-%d %H:%M:%S")) - time.timezone
        return abs(told - local) < 100
    assert pair.same(look)


@pytest.mark.parametrize("silent", [False, True])
def test_in_the_foreground_standard_output_has_the_same_lines(pair, silent):
    pair.start(f"[program:x]\n{SLEEPER}", arguments=["-s"] if silent else [], supervisord="loglevel=info")

    def look(daemon):
        daemon.wait_state("x", "RUNNING")
        daemon.rpc.clearLog()
        daemon.stop()
        return [re.sub(r"pid \d+|\(\d+\)", "N", text) for text in (daemon.output(), daemon.log())]
    output, log = pair.same(look)
    assert (output == "") == silent
    assert silent or (log in output and output.count("reopening log file") == 2)


@pytest.mark.parametrize("maxbytes, backups", [(2000, 2), (2000, 0), (100000, 2), (0, 2), (1, 1)])
def test_the_main_log_is_rotated(pair, maxbytes, backups):
    """Behind a write, when the position has reached the limit: what was there before the start counts."""
    for name, content in (("sd.log", "old\n" * 600), ("sd.log.1", "one\n"), ("sd.log.3", "three\n")):
        pair.write(name, content)
    pair.start(supervisord=f"logfile_maxbytes={maxbytes}\nlogfile_backups={backups}\nloglevel=info")

    def look(daemon):
        daemon.signal(signal.SIGUSR2)
        eventually(lambda: "supervisord logreopen" in daemon.log() + daemon.box.read("sd.log.1"), what="the reopening")
        daemon.stop()
        names = sorted(name for name in os.listdir(daemon.box.folder) if name.startswith("sd.log"))
        return {name: re.sub(r"pid \d+", "pid N", daemon.box.read(name)) for name in names}
    assert "sd.log" in pair.same(look)


# ---- the system's log

def syslog_config(box):
    text = box.config(f"[program:x]\ncommand={speaker(box)}\nstdout_logfile=syslog\nstderr_syslog=true\n"
                      f"stderr_logfile={box}/err\n"
                      f"[eventlistener:ev]\ncommand={box.script('ev', 'echo READY; exec sleep 600')}\nevents=TICK_3600\n"
                      "stdout_syslog=true\n", supervisord="loglevel=info")
    return text.replace(f"logfile={box}/sd.log", "logfile=syslog")


@pytest.mark.root
@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["datagrams", "stream"])
def test_lines_to_the_systems_log(pair, kind):
    logs = {}
    for box in pair.boxes:
        try:
            logs[box] = SystemLog(box, kind)
        except OSError as error:
            pytest.skip(f"no private /dev: {error}")
    start_each(pair, syslog_config, preexec=lambda box: logs[box].preexec)

    def session(daemon):
        def heard():
            return [(priority, tag, re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "TIME", re.sub(r"\b\d{2,}\b", "N", text)))
                    for priority, tag, text in log.lines()]

        log = logs[daemon.box]
        for name in ("x", "ev"):
            daemon.wait_state(name, "RUNNING")
        say(daemon, b"one\n", b"two\n\nthree\n", "daté\n".encode(), b"\n", b"end\n")
        say(daemon, b"error\n", channel=2)
        eventually(lambda: {"x end", "x error"} <= {text.rstrip("\n") for *_, text in log.lines()}, what="all lines")
        box = daemon.box
        assert "INFO success: x entered" in daemon.output()
        return [[line for line in heard() if line[2].startswith("x ")],
                sorted(line for line in heard() if not line[2].startswith("x ")), box.read("err"),
                os.path.exists(box.path("syslog")), daemon.call("readProcessStdoutLog", "x", 0, 0),
                daemon.call("readLog", 0, 0), daemon.call("clearLog")]

    def without_line_ends(value):  # which every log daemon takes away
        return [value[0], [[*line[:2], line[2].rstrip("\n")] for line in value[1] if "CRIT" not in line[2]], *value[2:]]
    seen = pair.same(session, without_line_ends)
    assert [14, "supervisord", "x three"] in seen[0]
    assert any(" INFO success: x entered RUNNING state" in text for _, _, text in seen[1])

    if not pair.boxes[1].suite.is_reference:
        daemon = pair.daemons[1]
        log = logs[daemon.box]
        log.restart()
        say(daemon, b"after the restart\n")
        eventually(lambda: log.lines()[-1] == (14, "supervisord", "x after the restart"), what="a line after the restart")


@pytest.mark.root
def test_lines_to_the_systems_log_in_pieces(pair):
    logs = {}
    for box in pair.boxes:
        try:
            logs[box] = SystemLog(box, socket.SOCK_DGRAM)
        except OSError as error:
            pytest.skip(f"no private /dev: {error}")
    start_each(pair, syslog_config, preexec=lambda box: logs[box].preexec)

    def session(daemon):
        daemon.wait_state("x", "RUNNING")
        say(daemon, b"a li", b"ne\n\n\n", b"end\n")

        def lines_of_x():
            return [text for *_, text in logs[daemon.box].lines() if text.startswith("x ")]
        eventually(lambda: "x end" in lines_of_x(), what="all lines")
        return lines_of_x()
    pair.differs("syslog-lines", session, lambda seen: seen == ["x a li", "x ne", "x end"],
                 lambda seen: seen == ["x a line", "x ", "x ", "x end"])


@pytest.mark.root
def test_without_a_system_log_nothing_stops(pair):
    logs = {}
    for box in pair.boxes:
        try:
            logs[box] = SystemLog(box, socket.SOCK_DGRAM)
        except OSError as error:
            pytest.skip(f"no private /dev: {error}")
        os.unlink(f"{logs[box].folder}/log")
    start_each(pair, syslog_config, preexec=lambda box: logs[box].preexec)

    def session(daemon):
        daemon.wait_state("x", "RUNNING")
        say(daemon, b"one\n", b"two\n")
        say(daemon, b"three\n", channel=2)
        eventually(lambda: daemon.box.read("err") == "three\n", what="the log")
        return daemon.state("x")
    assert pair.same(session) == "RUNNING"


# ---- 4.2 the logs of children

def test_names_and_modes_of_logs(pair):
    """AUTO names stay over a restart; a group that is added anew has new ones, and the old files stay."""
    own = "identifier=me\nloglevel=info"
    others = (f"[program:x]\n{SLEEPER}stdout_logfile=@/out\n[program:none]\n{SLEEPER}stdout_logfile=NONE\n"
              "stderr_logfile=NONE\n[program:both]\ncommand=cat\nredirect_stderr=true\n")
    pair.start(f"[program:auto]\n{SLEEPER}{others}", supervisord=own)

    def session(daemon):
        def mode(path):
            return oct(stat.S_IMODE(os.stat(path).st_mode))

        def automatic():
            return sorted(name for name in os.listdir(daemon.box.folder) if "---" in name)

        for name in ("x", "auto", "none", "both"):
            daemon.wait_state(name, "RUNNING")
        found = [mode(daemon.box.path("out")), mode(daemon.box.path("sd.log")), [mode(daemon.box.path(n)) for n in automatic()]]
        first = automatic()
        daemon.rpc.stopProcess("auto")
        daemon.rpc.startProcess("auto")
        found.append(automatic() == first)
        daemon.reconfigure(f"[program:auto]\n{SLEEPER}stopwaitsecs=7\n" + others.replace("@", str(daemon.box)), supervisord=own)
        found.append(daemon.ctl("update").out)
        daemon.wait_state("auto", "RUNNING")
        found += [set(first) < set(automatic()), automatic()]
        found.append(daemon.info("auto")["stdout_logfile"] in [daemon.box.path(name) for name in set(automatic()) - set(first)])
        pid = daemon.pid_of("both")
        found.append(os.readlink(f"/proc/{pid}/fd/1") == os.readlink(f"/proc/{pid}/fd/2"))
        found += [{key: info[key] for key in ("name", "logfile", "stdout_logfile", "stderr_logfile")}
                  for info in daemon.rpc.getAllProcessInfo()]
        daemon.stop()
        return found
    seen = pair.same(session)
    assert seen[3] and seen[5] and seen[7] and seen[8]


def test_the_mode_of_a_log_follows_the_umask(pair):
    start_each(pair, lambda box: box.config(f"[program:x]\n{SLEEPER}stdout_logfile={box}/out\n"),
               preexec=lambda box: lambda: os.umask(0o027))

    def look(daemon):
        daemon.wait_state("x", "RUNNING")
        return [oct(stat.S_IMODE(os.stat(daemon.box.path(name)).st_mode)) for name in ("out", "sd.log")]
    assert pair.same(look) == ["0o640", "0o640"]


ESCAPES = [b"plain\n", b"\x1b[31mred\x1b[0m\n", b"a\x1b[2Kb\x1b[10;20Hc\x1b[fd\n", b"\x1b[?25lhidden\x1b[?25h\n",
           b"\x1b]0;title\x07 stays\n", b"\x1b[5nswallowed until here m and on\n", b"\x1b(B stays\n", b"\x1b[\n",
           b"m and on\n", b"\x1b\x1b[1mx\x1b[m\n", "é\x1b[1mß\n".encode(), b"\xff\x1b[31m\xfe\n",
           *(b"\x1b[3" + bytes([c]) + b"_\n" for c in b"HfABCDRsuJKhlpm")]


@pytest.mark.parametrize("strip", ["true", "false"])
def test_escape_sequences(pair, strip):
    """Each piece by itself, so that what a sequence swallows is not more than its piece for both."""
    for box in pair.boxes:
        listener(box, "ev")
    start_speaker(pair, "stdout_events_enabled=true\n[eventlistener:ev]\ncommand=@/ev\nevents=PROCESS_LOG\nbuffer_size=100\n",
                  supervisord=f"strip_ansi={strip}")

    def session(daemon):
        daemon.wait_state("ev", "RUNNING")
        say(daemon, *(piece for piece in ESCAPES if piece != b"\x1b[\n"))
        eventually(lambda: daemon.box.bytes("out").endswith(b"_\n"), what="all pieces")
        last = [body.partition("\n")[2] for body in wait_events(daemon.box, len(ESCAPES) - 1, name="ev")]
        return [daemon.box.read("out"), [text for _, text in daemon.messages() if text.startswith("'x' stdout output")], last]
    assert len(pair.same(session)[1]) > 20


def test_a_sequence_in_two_pieces(pair):
    start_speaker(pair, supervisord="strip_ansi=true")

    def session(daemon):
        say(daemon, b"a\x1b", b"[31mb\n")
        eventually(lambda: daemon.box.read("out").endswith("b\n"), what="both pieces")
        return daemon.box.read("out")
    pair.differs("ansi-pieces", session, lambda text: text == "a\x1b[31mb\n", lambda text: text == "ab\n")


def test_output_in_the_main_log(pair):
    """At debug level, undecodable bytes as Python shows them; a listener's as bytes in any case."""
    for box in pair.boxes:
        box.script("ev", "echo READY; echo and >&2; exec sleep 600")
    start_speaker(pair, "[eventlistener:ev]\ncommand=@/ev\nevents=TICK_3600\n")

    def session(daemon):
        daemon.wait_state("ev", "RUNNING")
        say(daemon, b"one\n", b"no newline", "two\nlines é\n".encode(), b"\x88'\"\n", b"%s %(x)s\n", b"\0\x01\n")
        say(daemon, b"error\n", channel=2)
        for text in ("'x' stderr output:\nerror\n", "'x' stdout output:\n\0\x01\n", "'ev' stderr output", "'ev' stdout output"):
            daemon.wait_log(re.escape(text))
        return [sorted(t for _, t in daemon.messages() if t.startswith(f"'{name}' ")) for name in ("x", "ev")]
    seen = pair.same(session)
    assert "'ev' stdout output:\nb'READY\\n'" in seen[1]
    assert "'x' stdout output:\nUndecodable: b'\\x88\\'\"\\n'" in seen[0]


@pytest.mark.parametrize("maxbytes, backups", [(100, 3), (100, 0), (100, 1), (0, 3), (1, 2)])
def test_logs_of_children_are_rotated(pair, maxbytes, backups):
    for name, content in (("out.1", "one\n"), ("out.2", "two\n"), ("out.4", "four\n"), ("out", "old\n")):
        pair.write(name, content)
    start_speaker(pair, f"stdout_logfile_maxbytes={maxbytes}\nstdout_logfile_backups={backups}\n")

    def session(daemon):
        box = daemon.box
        say(daemon, b"5" * 95, b"x" + b"6" * 59, b"7" * 40, b"8" * 300, b"9")
        last = "out.1" if maxbytes == 1 else "out"
        eventually(lambda: box.read(last).endswith("9") and (last == "out" or not box.bytes("out")), what="the last piece")
        return {name: box.read(name) for name in sorted(os.listdir(box.folder)) if name.startswith("out")}
    pair.same(session)


def test_a_log_is_opened_anew_at_each_start_and_closed_at_the_end(pair):
    start_speaker(pair)

    def session(daemon):
        def manager_holds_it():
            found = []
            for pid in (daemon.pid, *procfs.children(daemon.pid)):
                try:
                    found += [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in procfs.descriptors(pid)]
                except OSError:
                    pass
            return daemon.box.path("out") in [path.removesuffix(" (deleted)") for path in found]

        say(daemon, b"first\n")
        eventually(lambda: daemon.box.read("out") == "first\n", what="the output")
        found = [manager_holds_it()]
        daemon.rpc.stopProcess("x")
        eventually(lambda: not manager_holds_it(), what="the log closed")
        found.append(manager_holds_it())
        os.rename(daemon.box.path("out"), daemon.box.path("moved"))
        daemon.rpc.startProcess("x")
        daemon.box.write("x.said", "0")
        say(daemon, b"second\n")
        eventually(lambda: daemon.box.read("out") == "second\n", what="the output")
        return found, daemon.box.read("moved"), daemon.box.read("out")
    assert pair.same(session) == [[True, False], "first\n", "second\n"]


def test_a_log_is_closed_though_the_output_ended_before_the_program(pair):
    for box in pair.boxes:
        box.python("quiet", "import os, sys\nos.close(1)\nos.close(2)\nsys.stdin.readline()\nos._exit(0)\n")
    pair.start("[program:x]\ncommand=@/quiet\nautorestart=false\nstdout_logfile=@/out\nstderr_logfile=@/err\n")

    def session(daemon):
        daemon.wait_state("x", "RUNNING")
        daemon.wait_log("stopped monitoring", count=2)
        daemon.rpc.sendProcessStdin("x", "end\n")
        daemon.wait_state("x", "EXITED")

        def held():
            return [os.path.basename(os.readlink(f"/proc/{pid}/fd/{fd}")) for pid in (daemon.pid, *procfs.children(daemon.pid))
                    for fd in procfs.descriptors(pid)]
        eventually(lambda: not {"out", "err"} & set(held()), what=lambda: f"closed logs, not {held()}")
        return True
    pair.same(session)


def test_a_large_input_to_a_program_that_does_not_read(pair):
    pair.start(f"[program:x]\n{SLEEPER}")

    def session(daemon):
        daemon.wait_state("x", "RUNNING")
        return [daemon.call("sendProcessStdin", "x", "0123456789abcde\n" * 20000) for _ in range(3)], daemon.state("x")
    pair.differs("stdin-kept", session, lambda seen: seen == [[["value", True], ["http", 500], ["http", 500]], "RUNNING"],
                 lambda seen: seen == [[["value", True]] * 3, "RUNNING"])


# ---- 4.3 capture mode

BEGIN, END = b"<!--XSUPERVISOR:BEGIN-->", b"<!--XSUPERVISOR:END-->"


@pytest.mark.parametrize("pieces", [
    [b"a" * 40 + BEGIN + b"in" + END + b"b" * 40],
    [b"a" * 40 + b"<!--XSUPER", b"VISOR:BEGIN-->in" + b"c" * 40, b"side<!--XSUPERVISOR:", b"END-->" + b"b" * 40],
    [b"a" * 40 + b"<!--XSUPER", b"no token" + b"b" * 40],
    [BEGIN + b"0123456789" * 5, b"A" * 40, b"B" * 30, END + b"b" * 40],
    [BEGIN + b"x" * 200 + END + b"b" * 40],
    [BEGIN + b"one" + END + BEGIN + b"two" + END + b"b" * 40],
    [END + b"a" * 40 + BEGIN + BEGIN + b"in" * 20 + END + b"b" * 40],
    [BEGIN + b"\xff\xfe" + b"." * 30 + END + b"b" * 40],
    [BEGIN + END + b"b" * 40], [b"c" * 40 + BEGIN + b"never ended" * 5],
], ids=range(10))
def test_capture_mode(pair, pieces):
    for box in pair.boxes:
        listener(box, "ev")
    start_speaker(pair, "stdout_capture_maxbytes=100\nstdout_events_enabled=true\n[eventlistener:ev]\ncommand=@/ev\n"
                        "buffer_size=100\nevents=PROCESS_LOG,PROCESS_COMMUNICATION\n")

    def session(daemon):
        daemon.wait_state("ev", "RUNNING")
        say(daemon, *pieces)
        expected = sum(piece.count(END) for piece in pieces) - (pieces[0].startswith(END)) + (pieces[-1] == b"side<!--")
        daemon.wait_log("emitted a comm event", count=expected) if expected else None
        if pieces[-1].endswith(b"b"):
            eventually(lambda: daemon.box.read("out").endswith("b" * 30), what="the rest")
        end = pieces[-1][-10:].decode()

        def found():
            return [(header["eventname"], body) for header, body in events(daemon.box, "ev")]
        eventually(lambda: sum("COMMUNICATION" in name for name, _ in found()) >= expected
                   and any(body.endswith(end) for _, body in found()), what="events")
        told = found()
        texts = [re.sub(r"pid:\d+", "pid:N", text) for _, text in told]
        log = "".join(text.partition("\n")[2] for (name, _), text in zip(told, texts) if "LOG" in name)
        return [daemon.box.read("out"), [text for (name, _), text in zip(told, texts) if "COMMUNICATION" in name],
                log if "Undecodable" not in log else "", sum("emitted a comm event" in text for _, text in daemon.messages()),
                sorted({name for name, _ in told})]
    pair.same(session)


# ---- 4.4 reading

def test_what_cannot_be_read(pair):
    pair.start(f"[program:x]\n{SLEEPER}stdout_logfile=@/out\nstderr_logfile=@/err\n[program:nolog]\n{SLEEPER}"
               "stdout_logfile=NONE\nstderr_logfile=NONE\n[program:idle]\ncommand=cat\nautostart=false\n"
               "stdout_logfile=@/idle.out\n[program:folder]\ncommand=cat\nautostart=false\nstdout_logfile=@/folder\n")

    def session(daemon):
        daemon.wait_state("x", "RUNNING")
        os.unlink(daemon.box.path("out"))
        os.mkdir(daemon.box.path("folder"))
        found = []
        for name in ("x", "nolog", "idle", "folder", "nosuch"):
            for channel in ("Stdout", "Stderr"):
                for method in (f"readProcess{channel}Log", f"tailProcess{channel}Log"):
                    if (name, method) != ("folder", "tailProcessStdoutLog"):  # how large a folder is, is chance
                        found += [(name, method, daemon.call(method, name, *at)) for at in ((0, 0), (0, 100), (-5, 0), (-5, 5))]
        found += [daemon.call("readProcessLog", "x", 0, 0), daemon.call("tailProcessLog", "x", 0, 10)]
        os.unlink(daemon.box.path("sd.log"))
        found += [daemon.call("readLog", 0, 0), daemon.call("readMainLog", 0, 10), daemon.call("clearLog")]
        return found
    pair.same(session)


def test_reading_the_logs_of_both_channels_and_the_main_log(pair):
    start_speaker(pair, supervisord="loglevel=warn")

    def session(daemon):
        say(daemon, b"0123456789")
        say(daemon, b"abcdefghij", channel=2)
        with open(daemon.box.path("sd.log"), "w", encoding="utf-8") as file:
            file.write("0123456789")
        eventually(lambda: daemon.box.read("err") == "abcdefghij" and daemon.box.read("out"), what="both")
        numbers = (-20, -5, 0, 5, 10, 15)
        return [(method, o, n, daemon.call(method, *name, o, n)) for o in numbers for n in (-1, 0, 5, 20)
                for method, name in (("readProcessStderrLog", ["x"]), ("tailProcessStderrLog", ["x"]), ("readLog", []))]
    pair.same(session)


@pytest.mark.parametrize("content, method, at", [
    (b"a\x88b", "readProcessStdoutLog", (0, 0)), (b"a\x88b", "tailProcessStdoutLog", (0, 10)),
    ("é".encode() * 5, "readProcessStdoutLog", (1, 5)), ("é".encode() * 5, "tailProcessStdoutLog", (0, 5)),
    ("é".encode() * 5, "readProcessStdoutLog", (-3, 0))])
def test_a_range_that_is_no_text(pair, content, method, at):
    start_speaker(pair)

    def session(daemon):
        say(daemon, content)
        eventually(lambda: daemon.box.bytes("out") == content, what="the bytes")
        return daemon.call(method, "x", *at)
    pair.differs("undecodable", session, lambda seen: seen == ["http", 500], lambda seen: seen[0] == "value")


# ---- 4.5 clearing and reopening

def test_clearing(pair):
    for name in ("out.1", "err.1", "sd.log.1"):
        pair.write(name, "backup\n")
    start_speaker(pair, f"[program:nolog]\n{SLEEPER}stdout_logfile=NONE\nstderr_logfile=NONE\n", supervisord="loglevel=info")

    def session(daemon):
        box = daemon.box
        say(daemon, b"text\n")
        say(daemon, b"text\n", channel=2)
        eventually(lambda: box.read("out") and box.read("err"), what="output")
        before = os.stat(box.path("out")).st_ino
        with open(box.path("out"), "rb") as old:
            found = [daemon.call("clearProcessLogs", "x"), box.read("out"), box.read("err"), old.read().decode()]
        found += [os.path.exists(box.path("out")), daemon.call("clearProcessLogs", "nolog"), daemon.call("clearProcessLog", "x")]
        say(daemon, b"more\n")
        eventually(lambda: box.read("out"), what="more")
        found += [box.read(name) for name in ("out", "out.1", "err.1")]
        with open(box.path("sd.log"), "rb") as old:
            old.seek(0, 2)
            found += [daemon.call("clearLog"), re.sub(r"\d{4}.*,\d{3}", "TIME", old.read().decode()), box.read("sd.log")]
        found.append(box.read("sd.log.1"))
        return found
    pair.same(session)


def test_clearing_everything(pair):
    pair.start("".join(f"[program:{name}]\ncommand=/bin/sh -c 'echo {name}; exec sleep 600'\nstdout_logfile=@/{name}.out\n"
                       for name in "ab"))

    def session(daemon):
        for name in "ab":
            daemon.wait_state(name, "RUNNING")
            eventually(lambda: daemon.box.read(f"{name}.out"), what="output")
        result = daemon.rpc.clearAllProcessLogs()
        return sorted(result, key=lambda item: item["name"]), [daemon.box.read(f"{name}.out") for name in "ab"]
    pair.same(session)


def test_reopening(pair):
    start_speaker(pair, f"[program:idle]\n{SLEEPER}autostart=false\nstdout_logfile=@/idle.out\n", supervisord="loglevel=info")

    def session(daemon):
        box = daemon.box
        say(daemon, b"one\n")
        eventually(lambda: box.read("out") == "one\n", what="output")
        for name in ("out", "err", "sd.log"):
            os.rename(box.path(name), box.path(name + ".moved"))
        daemon.signal(signal.SIGUSR2)
        eventually(lambda: all(box.exists(name) for name in ("out", "err", "sd.log")), what="the new files")
        eventually(lambda: "logreopen" in box.read("sd.log.moved") + box.read("sd.log"), what="the message")
        say(daemon, b"two\n")
        eventually(lambda: box.read("out"), what="new output")
        text = re.sub(r"\d{4}-.*?,\d{3}", "TIME", box.read("sd.log.moved") + "|" + box.read("sd.log"))
        return [box.read("out.moved"), box.read("out"), box.exists("idle.out"),
                [line for line in text.split("\n") if "SIGUSR2" in line or "reopen" in line or "|" in line]]
    pair.same(session)
