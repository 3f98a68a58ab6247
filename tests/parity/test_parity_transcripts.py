"""Whole sessions that users of Supervisor have in their notes: the same lines in the same order, down to the letter."""
import os
import re
import signal

import pytest

from support.waiting import eventually

SLEEPER = "command=sleep 600\n"
STUB = "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n"
EARS = """#!/usr/bin/python3 -BSEu
import sys
log = open(sys.argv[1], 'a', buffering=1)
while True:
    sys.stdout.write('READY\\n'); sys.stdout.flush()
    header = dict(pair.split(':') for pair in sys.stdin.readline().split())
    log.write(header['eventname'] + ' ' + sys.stdin.read(int(header['len'])).replace('\\n', ' ') + '\\n')
    sys.stdout.write('RESULT 2\\nOK'); sys.stdout.flush()
"""


def log_of(daemon, drop="$^"):
    """The main log with N for pids, without the lines that match `drop` and those that come at any time."""
    lines = [f"{level} {text}" for level, text in daemon.messages()]
    return [re.sub(r"(pid |\()\d+(?=$|\))", r"\1N", line) for line in lines
            if not re.search(rf"received SIGCHLD|stopped monitoring|output:|sent to listener|-> (READY|BUSY|ACK)|event was processed|{drop}", line)]


def quoted(text):
    return [line for line in text.strip().splitlines()]


def test_the_start_of_a_daemon(pair):
    pair.write("inc/1.conf", f"[program:stub]\n{SLEEPER}priority=1\n").write("ears", EARS, 0o755)
    pair.start("[include]\nfiles=@/none/*.conf @/inc/1.conf\n[eventlistener:ev]\ncommand=@/ears @/heard\nevents=TICK_3600\n"
               f"[program:badcwd]\n{SLEEPER}directory=/no/such\nstartsecs=10\nstartretries=0\n"
               "[program:nocmd]\ncommand=nosuchcmd_xyz\n"
               "[program:quote]\ncommand=/bin/sh -c \"echo $0 'unterminated\nstartretries=1000\n",
               supervisord="user=root\ndirectory=/tmp", foreground=False)

    def session(daemon):
        for text in ("success: stub", "gave up: badcwd", "success: ev"):
            daemon.wait_log(text)
        seen = log_of(daemon, "success: ev|gave up: nocmd")
        return [line for place, line in enumerate(seen) if line not in seen[:place]]  # retries come at any time

    def by_kind(lines):
        """Up to the first child as it is; then spawns, failures and ends, each kind for itself."""
        first = next(i for i, line in enumerate(lines) if line.startswith("INFO spawn"))
        kinds = ("INFO spawned", "INFO spawnerr", "WARN exited", "INFO gave up", "INFO success")
        return lines[:first] + sorted(lines[first:], key=lambda line: kinds.index(line.partition(":")[0]))
    seen = pair.same(session, by_kind)
    assert seen == quoted("""
WARN No file matches via include "BOX/none/*.conf"
INFO Included extra file "BOX/inc/1.conf" during parsing
INFO Set uid to user 0 succeeded
INFO RPC interface 'supervisor' initialized
CRIT Server 'unix_http_server' running without any HTTP authentication checking
INFO daemonizing the supervisord process
INFO set current directory: '/tmp'
INFO supervisord started with pid N
INFO spawned: 'ev' with pid N
INFO spawned: 'stub' with pid N
INFO spawned: 'badcwd' with pid N
INFO spawnerr: can't find command 'nosuchcmd_xyz'
INFO spawnerr: can't parse command '/bin/sh -c "echo $0 \\'unterminated': No closing quotation
WARN exited: badcwd (exit status 127; not expected)
INFO gave up: badcwd entered FATAL state, too many start retries too quickly
INFO success: stub entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)
""")


def test_what_cannot_be_started_is_told_first(pair):
    pair.start(f"[program:a]\n{SLEEPER}[program:b]\ncommand=/no/such\n[program:c]\n{SLEEPER}", start=False)

    def session(daemon):
        daemon.start().wait_log("spawned: 'c'")
        return re.findall(r"INFO (spawn\w+)", daemon.log())[:3]
    pair.differs("start-together", session, lambda seen: seen == ["spawned", "spawnerr", "spawned"],
                 lambda seen: seen == ["spawnerr", "spawned", "spawned"])


@pytest.mark.slow
def test_the_events_of_a_program_that_fails(pair):
    pair.write("ears", EARS, 0o755).script("bad", "exit 3")
    pair.start("[eventlistener:ev]\ncommand=@/ears @/heard\nevents=PROCESS_STATE\n"
               "[program:bad]\ncommand=@/bad\nautostart=false\nstartretries=1\nstartsecs=10\n")

    def session(daemon):
        daemon.wait_state("ev", "RUNNING")
        daemon.call("startProcess", "bad", False)
        eventually(lambda: "FATAL" in daemon.box.read("heard"), 30, "the last event")
        return [re.sub(r"pid:\d+", "pid:N", line) for line in daemon.box.lines("heard") if ":bad " in line]
    assert pair.same(session) == quoted("""
PROCESS_STATE_STARTING processname:bad groupname:bad from_state:STOPPED tries:0
PROCESS_STATE_BACKOFF processname:bad groupname:bad from_state:STARTING tries:1
PROCESS_STATE_STARTING processname:bad groupname:bad from_state:BACKOFF tries:1
PROCESS_STATE_BACKOFF processname:bad groupname:bad from_state:STARTING tries:2
PROCESS_STATE_FATAL processname:bad groupname:bad from_state:BACKOFF
""")


@pytest.mark.slow
def test_an_update_of_everything(pair):
    """One program changed that ignores TERM, one removed, one added."""
    pair.script("stub", STUB).write("ears", EARS, 0o755)
    stub = "[program:stub]\ncommand=@/stub\nstdout_logfile=@/out\nstopwaitsecs=2\n"
    ears = "[eventlistener:ev]\ncommand=@/ears @/heard\nevents=PROCESS_GROUP\n"
    pair.start(ears + stub + f"[program:two]\n{SLEEPER}")

    def session(daemon):
        daemon.wait_state("two", "RUNNING")
        daemon.wait_state("ev", "RUNNING")
        daemon.wait_state("stub", "RUNNING")
        daemon.box.wait_lines("out")
        before = len(log_of(daemon, "success: "))
        daemon.reconfigure((ears + stub + f"startsecs=2\n[program:three]\n{SLEEPER}").replace("@", daemon.box.folder))
        done = daemon.ctl("update")
        daemon.wait_log("spawned: 'three'")
        eventually(lambda: "three" in daemon.box.read("heard"), what="the events")
        # Whether two has died before anybody looks is chance.
        log = [line for line in log_of(daemon, "success: ")[before:] if line != "INFO waiting for two to stop"]
        # Who is waited for is told every other second, and 2 seconds are as long as stub may take.
        return done, [line for place, line in enumerate(log) if line not in log[:place]], daemon.box.lines("heard")
    done, log, heard = pair.same(session)
    assert done == {"code": 0, "err": "", "out": "two: stopped\ntwo: removed process group\nstub: stopped\n"
                    "stub: updated process group\nthree: added process group\n"}
    assert log == quoted("""
DEBG killing two (pid N) with signal SIGTERM
WARN stopped: two (terminated by SIGTERM)
DEBG killing stub (pid N) with signal SIGTERM
INFO waiting for stub to stop
WARN killing 'stub' (N) with SIGKILL
DEBG killing stub (pid N) with signal SIGKILL
WARN stopped: stub (terminated by SIGKILL)
INFO spawned: 'stub' with pid N
INFO spawned: 'three' with pid N
""")
    assert heard[-4:] == ["PROCESS_GROUP_REMOVED groupname:two ", "PROCESS_GROUP_REMOVED groupname:stub ",
                             "PROCESS_GROUP_ADDED groupname:stub ", "PROCESS_GROUP_ADDED groupname:three "]


@pytest.mark.slow
def test_a_restart_that_turns_into_an_end(pair):
    """Groups stop one after the other, those of the highest priority number first; listeners last."""
    pair.script("stub", STUB).write("ears", EARS, 0o755)
    pair.start("".join(f"[eventlistener:{name}]\ncommand=@/ears @/heard\nevents=TICK_3600\n" for name in ("bad1", "ev"))
               + "".join(f"[program:{name}]\n{SLEEPER}" for name in ("cap", "one", "three"))
               + "[program:stub]\ncommand=@/stub\nstdout_logfile=@/out\nstopwaitsecs=2\n")
    names = ("bad1", "ev", "cap", "one", "stub", "three")

    def session(daemon):
        for name in names:
            daemon.wait_state(name, "RUNNING")
        daemon.box.wait_lines("out")
        before = len(log_of(daemon))
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("killing stub ")
        daemon.signal(signal.SIGTERM)
        code = daemon.wait_exit()
        left = sorted(name for name in os.listdir(daemon.box.folder) if name in ("s", "sd.pid") or "---" in name)
        # How often it is told who is waited for, and when a signal is seen, depends on the instant.
        log = log_of(daemon)[before:]
        told = next(line for line in log if line.startswith("INFO waiting for"))
        return code, told, [line for line in log if "waiting for" not in line and "received" not in line], [
            line for line in log if "received" in line], left
    code, told, log, received, left = pair.same(session)
    assert (code, told) == (0, "INFO waiting for bad1, ev, cap, one, stub, three to die")
    assert received == ["WARN received SIGHUP indicating restart request", "WARN received SIGTERM indicating exit request"]
    order = ["three", "stub", "one", "cap", "ev", "bad1"]
    expected = []
    for name in order:
        expected.append(f"DEBG killing {name} (pid N) with signal SIGTERM")
        if name == "stub":
            expected += ["WARN killing 'stub' (N) with SIGKILL", "DEBG killing stub (pid N) with signal SIGKILL"]
        expected.append(f"WARN stopped: {name} (terminated by SIG{'KILL' if name == 'stub' else 'TERM'})")
    assert log == expected
    assert not {"s", "sd.pid"} & set(left) and len(left) == 11  # two of each, but one of stub's has a name of its own


def test_a_session_with_a_mixed_set(pair):
    pair.write("ears", EARS, 0o755).script("exit0", "exit 0").script("bad", "exit 3")
    pair.start("[eventlistener:ev]\ncommand=@/ears @/heard\nevents=TICK_3600\n[program:exit0]\ncommand=@/exit0\nstartsecs=0\nautorestart=false\n"
               "[program:bad]\ncommand=@/bad\nstartsecs=10\nstartretries=0\n[program:noscript]\ncommand=nosuchcmd_xyz\nstartretries=0\n"
               f"[program:nocmd]\n{SLEEPER}autostart=false\n[program:cat]\ncommand=/bin/cat\n[program:man]\n{SLEEPER}autostart=false\n"
               "[group:grp]\nprograms=cat,man\npriority=20\n"
               f"[program:sleeper]\n{SLEEPER}process_name=%(program_name)s_%(process_num)02d\nnumprocs=1\npriority=5\n")

    def session(daemon):
        for name, state in (("ev", "RUNNING"), ("exit0", "EXITED"), ("bad", "FATAL"), ("noscript", "FATAL"), ("grp:cat", "RUNNING"),
                            ("sleeper:sleeper_00", "RUNNING")):
            daemon.wait_state(name, state)
        return daemon.ctl("status"), daemon.ctl("avail")
    status, avail = pair.same(session)
    assert status == {"code": 3, "err": "", "out": """\
bad                              FATAL     Exited too quickly (process log may have details)
ev                               RUNNING   pid N, uptime U
exit0                            EXITED    DATE
grp:cat                          RUNNING   pid N, uptime U
grp:man                          STOPPED   Not started
nocmd                            STOPPED   Not started
noscript                         FATAL     can't find command 'nosuchcmd_xyz'
sleeper:sleeper_00               RUNNING   pid N, uptime U
"""}
    assert avail == {"code": 0, "err": "", "out": """\
bad                              in use    auto      999:999
grp:cat                          in use    auto      20:999
ev                               in use    auto      -1:999
exit0                            in use    auto      999:999
grp:man                          in use    manual    20:999
nocmd                            in use    manual    999:999
noscript                         in use    auto      999:999
sleeper:sleeper_00               in use    auto      5:5
"""}
