"""`supervisorctl upgrade` puts a new program in the place of the running one, and nobody notices but the log."""
import os
import re
import signal
import socket
import threading
import time

import pytest

from support import procfs
from support.upgrades import install, link, our_version, run_from, runs_file, upgrade
from support.waiting import SCALE, eventually

pytestmark = pytest.mark.beyond("upgrade")

SLEEPERS = "[program:x]\ncommand=sleep 600\nnumprocs=5\nprocess_name=%(process_num)d\n"


def picture(daemon):
    """All that getAllProcessInfo tells, but for the time."""
    return [{k: v for k, v in info.items() if k not in ("now", "description")} for info in daemon.rpc.getAllProcessInfo()]


def wait_running(daemon, *names):
    return {name: daemon.wait_state(name, "RUNNING")["pid"] for name in names}


# --- the manager


def test_children_states_and_the_daemons_pid_stay(box):
    daemon = box.daemon(SLEEPERS + "[program:off]\ncommand=sleep 60\nautostart=false\n"
                        f"[program:done]\ncommand={box.script('done', 'exit 0')}\nstartsecs=0\n"
                        "[program:fatal]\ncommand=/no/such/file\nstartretries=0\n")
    wait_running(daemon, *(f"x:{n}" for n in range(5)))
    daemon.wait_state("done", "EXITED")
    daemon.wait_state("fatal", "FATAL")
    before, keeper = picture(daemon), daemon.pid
    old = daemon.manager
    done = daemon.ctl("upgrade")
    assert (done.code, done.out, done.err) == (0, f"Upgraded supervisord to {our_version()}\n", "")
    assert picture(daemon) == before
    assert daemon.manager != old and daemon.process.poll() is None
    assert daemon.rpc.getPID() == keeper == int(box.read("sd.pid"))
    version = our_version()
    assert ("INFO", f"leaving for an upgrade from version {version} to {version}") in daemon.messages()
    assert ("INFO", f"upgraded from version {version} to {version}; no program was touched") in daemon.messages()
    assert "unexpectedly" not in daemon.log()
    assert daemon.stop() == 0


def test_only_an_upgrade_counts_as_one(box):
    daemon = box.daemon()
    upgrade(daemon)
    os.kill(daemon.manager, signal.SIGKILL)
    daemon.wait_log("the manager process ended unexpectedly")
    daemon.wait_up()
    assert daemon.log().count("upgraded from") == 1


def test_the_method_is_not_listed_but_described(box):
    daemon = box.daemon()
    assert "supervisor.upgrade" not in daemon.server.system.listMethods()
    assert "Replace the daemon's program" in daemon.server.system.methodHelp("supervisor.upgrade")
    assert "upgrade" not in daemon.ctl("help").out
    assert daemon.ctl("help", "upgrade").out.startswith("upgrade\t")


def test_deadlines_go_on(box):
    startsecs = int(6 * SCALE)
    daemon = box.daemon(f"[program:x]\ncommand=sleep 600\nstartsecs={startsecs}\n")
    daemon.wait_state("x", "STARTING")
    began = time.monotonic()
    eventually(lambda: time.monotonic() > began + startsecs / 2, what="half of its time")
    upgraded = time.monotonic()
    upgrade(daemon)
    upgrade(daemon, "--keeper")
    assert daemon.state("x") == "STARTING"
    daemon.wait_state("x", "RUNNING", timeout=20 + startsecs)
    assert time.monotonic() < upgraded + startsecs, "they began anew"
    assert daemon.log().count("spawned: 'x'") == 1


def test_in_daemon_mode_and_with_a_relative_path(box):
    install(box, "bin/supervisord")
    run_from(box, box.path("bin/supervisord"))
    box.suite.supervisord = "bin/supervisord"
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n", foreground=False, supervisord="directory=/")
    eventually(lambda: box.read("sd.pid"), what="a pidfile")
    pids, keeper = wait_running(daemon, "x"), daemon.pid
    upgrade(daemon)
    install(box, "bin/supervisord")
    upgrade(daemon)
    assert daemon.pid == keeper and wait_running(daemon, "x") == pids
    assert runs_file(keeper, box.path("bin/supervisord"))
    daemon.ctl("shutdown")
    eventually(lambda: not procfs.alive(keeper), what="the daemon gone")
    assert not box.exists("sd.pid")


# --- the keeper


def test_the_keeper_becomes_a_changed_file_by_itself(box):
    run_from(box, install(box, "supervisord"))
    daemon = box.daemon(SLEEPERS)
    pids = wait_running(daemon, *(f"x:{n}" for n in range(5)))
    upgrade(daemon)
    assert ", the keeper too" not in daemon.log(), "its file is the same"
    shown = procfs.command_line(daemon.pid)
    install(box, "supervisord")
    assert not runs_file(daemon.pid, box.path("supervisord"))
    upgrade(daemon)
    assert runs_file(daemon.pid, box.path("supervisord")) and runs_file(daemon.manager, box.path("supervisord"))
    assert daemon.log().count(", the keeper too; no program was touched") == 1
    assert wait_running(daemon, *pids) == pids
    assert [word for word in procfs.command_line(daemon.pid) if word] == shown, "what ps shows stays"
    # It is their parent still.
    os.kill(pids["x:0"], signal.SIGKILL)
    daemon.wait_new_pid("x:0", pids["x:0"])
    assert daemon.ctl("stop", "x:*").out.count("stopped") == 5
    assert daemon.stop() == 0
    assert not any(procfs.alive(pid) for pid in pids.values())


def test_the_keeper_is_replaced_when_asked(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    pids = wait_running(daemon, "x")
    descriptors = procfs.descriptors(daemon.pid)
    for _ in range(3):
        upgrade(daemon, "--keeper")
    assert daemon.log().count(", the keeper too") == 3
    assert wait_running(daemon, "x") == pids
    eventually(lambda: len(procfs.descriptors(daemon.pid)) <= len(descriptors), what="no more descriptors than before")
    assert daemon.stop() == 0


def test_a_switched_link_is_followed(box):
    other = our_version()[:-1] + "9"
    install(box, "releases/1/supervisord")
    install(box, "releases/2/supervisord", version=other)
    link(box, "current", "releases/1")
    run_from(box, box.path("current/supervisord"))
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    pids = wait_running(daemon, "x")
    link(box, "current", "releases/2")
    assert daemon.ctl("upgrade").out == f"Upgraded supervisord to {other}\n"
    version = our_version()
    assert ("INFO", f"upgraded from version {version} to {other}, the keeper too; no program was touched") \
        in daemon.messages()
    assert runs_file(daemon.pid, box.path("releases/2/supervisord"))
    link(box, "current", "releases/1")
    assert daemon.ctl("upgrade").out == f"Upgraded supervisord to {version}\n"
    assert runs_file(daemon.pid, box.path("releases/1/supervisord")), "and back"
    assert wait_running(daemon, "x") == pids


def test_a_link_in_the_search_path_is_followed(box):
    install(box, "releases/1/supervisord")
    install(box, "releases/2/supervisord")
    os.mkdir(box.path("bin"))
    link(box, "bin/supervisord", "../releases/1/supervisord")
    starter = box.script("start", 'exec supervisord "$@"\n')
    run_from(box, starter)
    box.env["PATH"] = f"{box}/bin:{box.env['PATH']}"
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    link(box, "bin/supervisord", "../releases/2/supervisord")
    upgrade(daemon)
    assert runs_file(daemon.pid, box.path("releases/2/supervisord"))


# --- refusals


@pytest.mark.parametrize("body, reason", [
    ("#!/bin/sh\necho 'no way' >&2\nexit 1\n", "cannot take over: no way"),
    ("#!/bin/sh\nexit 0\n", "cannot take over: it does not know how to"),
    ("#!/bin/sh\nkill -9 $$\n", "cannot take over: it was terminated by SIGKILL"),
    ("#!/no/such/interpreter\n", "cannot take over: exec {path}: No such file or directory"),
    ("#!/bin/sh\ncase $1 in --can-take-over*) echo 'supervisorxx can go on: 9.9.9';; *) echo 'old table'; exit 1;; esac\n",
     "cannot replace the keeper: old table"),
    (None, "cannot take over: exec {path}: No such file or directory"),
], ids=["refuses", "stranger", "crashes", "cannot-run", "refuses-the-keeper", "gone"])
def test_a_program_that_cannot_go_on_is_refused(box, body, reason):
    path = install(box, "supervisord")
    run_from(box, path)
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    pids, manager = wait_running(daemon, "x"), daemon.manager
    os.rename(path, path + ".good")
    if body is not None:
        box.write("supervisord", body, 0o755)
    message = f"{path} {reason.format(path=path)}"
    assert daemon.call("upgrade") == ("fault", 30, f"FAILED: {message}")
    done = daemon.ctl("upgrade")
    assert (done.code, done.out) == (1, f"ERROR: {message}\n")
    assert ("ERRO", f"no upgrade: {message}") in daemon.messages()
    assert daemon.manager == manager and wait_running(daemon, "x") == pids
    os.rename(path + ".good", path)
    upgrade(daemon)


def test_the_original_supervisord_does_not_take_over(box):
    path = install(box, "supervisord")
    run_from(box, path)
    daemon = box.daemon()
    os.unlink(path)
    box.write("supervisord", "#!/bin/sh\nexec /usr/bin/supervisord \"$@\"\n", 0o755)
    kind, code, text = daemon.call("upgrade")
    assert (kind, code) == ("fault", 30) and " cannot take over: " in text
    daemon.wait_up()


def test_a_file_that_does_not_start_does_not_end_the_daemon(box):
    """After a few attempts the manager is started from the file that the keeper runs, whatever has its name now."""
    path = install(box, "supervisord")
    run_from(box, path)
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    pids = wait_running(daemon, "x")
    os.unlink(path)
    box.write("supervisord", "#!/bin/sh\nexit 3\n", 0o755)
    os.kill(daemon.manager, signal.SIGKILL)
    daemon.wait_up(30)
    assert wait_running(daemon, "x") == pids
    install(box, "supervisord")
    upgrade(daemon)


def test_two_at_a_time_are_one(box):
    path = install(box, "supervisord")
    run_from(box, path)
    daemon = box.daemon()
    os.rename(path, path + ".good")
    box.write("supervisord", f"#!/bin/sh\ntouch {box}/asked\nwhile ! [ -e {box}/go ]; do sleep 0.02; done\n"
                             f"echo enough >&2; exit 1\n", 0o755)
    answers = []
    caller = threading.Thread(target=lambda: answers.append(daemon.call("upgrade")))
    caller.start()
    eventually(lambda: box.exists("asked"), what="the program asked")
    assert daemon.call("upgrade") == ("fault", 30, "FAILED: an upgrade is under way")
    assert daemon.rpc.getState()["statename"] == "RUNNING", "it serves meanwhile"
    box.write("go", "")
    caller.join(30 * SCALE)
    assert answers == [("fault", 30, f"FAILED: {path} cannot take over: enough")]


def test_none_during_a_shutdown(box):
    program = box.script("x", "trap 'sleep 2; exit 0' TERM\necho ready\nwhile :; do sleep 0.1; done\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/out\n")
    box.wait_lines("out", 1)
    daemon.rpc.shutdown()
    assert daemon.call("upgrade")[:2] == ("fault", 6)
    assert daemon.wait_exit() == 0


# --- what clients and programs notice


def test_logs_go_on_without_a_byte_lost_or_doubled(box):
    program = box.python("x", "import os, time\nfor i in range(40000):\n  os.write(1, b'%07d\\n' % i)\n"
                              "  if i % 30 == 0: time.sleep(0.002)\n"
                              f"open('{box}/through', 'w')\ntime.sleep(1000)\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/out\nstdout_logfile_maxbytes=0\n",
                        supervisord="loglevel=info")
    daemon.wait_executed("x")
    for turn in range(6):
        size = len(box.bytes("out"))
        upgrade(daemon, *(["--keeper"] if turn % 2 else []))
        eventually(lambda: len(box.bytes("out")) > size or box.exists("through"), what="output behind the upgrade")
    eventually(lambda: box.exists("through"), 30, "the program through its output")
    expected = b"".join(b"%07d\n" % i for i in range(40000))
    eventually(lambda: len(box.bytes("out")) >= len(expected), what="all output")
    assert box.bytes("out") == expected


REQUEST = (b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s")
GET_PID = b"<methodCall><methodName>supervisor.getPID</methodName><params/></methodCall>"


def ask_pid(connection):
    connection.sendall(REQUEST % (len(GET_PID), GET_PID))
    got = b""
    while b"</methodResponse>" not in got:
        piece = connection.recv(65536)
        assert piece, f"closed after {got!r}"
        got += piece
    return int(re.search(rb"<int>(\d+)</int>", got)[1])


def connect(box):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20 * SCALE)
    connection.connect(box.path("s"))
    return connection


@pytest.mark.parametrize("words", [[], ["--keeper"]], ids=["manager", "keeper"])
def test_open_connections_are_served_by_the_next_manager(box, words):
    daemon = box.daemon()
    connections = [connect(box) for _ in range(5)]
    untouched = connect(box)
    for _ in range(3):
        assert {ask_pid(c) for c in connections} == {daemon.pid}
        upgrade(daemon, *words)
    assert {ask_pid(c) for c in connections} == {daemon.pid}
    assert ask_pid(untouched) == daemon.pid
    for connection in connections:
        connection.close()
    untouched.close()
    # What clients close is closed: the keeper holds none of them back.
    eventually(lambda: not [fd for pid in (daemon.pid, daemon.manager) for fd in procfs.descriptors(pid)
                            if is_connected(pid, fd, box.path("s"))], what="all connections closed")


def is_connected(pid, fd, path):
    """Is the descriptor a connection that was accepted on that unix socket?"""
    try:
        link_text = os.readlink(f"/proc/{pid}/fd/{fd}")
    except OSError:
        return False
    with open("/proc/net/unix", encoding="utf-8") as table:
        for line in table:
            fields = line.split()
            if len(fields) == 8 and fields[7] == path and fields[5] == "03" and link_text == f"socket:[{fields[6]}]":
                return True
    return False


@pytest.mark.limit(120)
def test_no_request_fails_under_load(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n", inet="")
    stop, failures, answers = threading.Event(), [], []

    def client(keep_alive):
        count, connection = 0, None
        try:
            while not stop.is_set():
                if connection is None:
                    connection = connect(box)
                assert ask_pid(connection) == daemon.pid
                count += 1
                if not keep_alive:
                    connection.close()
                    connection = None
        except Exception as error:  # whatever it is, no client may see it
            failures.append(repr(error))
        answers.append(count)

    clients = [threading.Thread(target=client, args=(i % 2 == 0,)) for i in range(8)]
    for thread in clients:
        thread.start()
    for turn in range(8):
        upgrade(daemon, *(["--keeper"] if turn % 2 else []))
    stop.set()
    for thread in clients:
        thread.join(30 * SCALE)
    assert failures == []
    assert len(answers) == 8 and all(count > 8 for count in answers), answers


def test_calls_that_wait_are_answered_first(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\nautostart=false\nstartsecs=1\n")
    answers = []
    caller = threading.Thread(target=lambda: answers.append(daemon.call("startProcess", "x")))
    caller.start()
    daemon.wait_state("x", "STARTING", "RUNNING")
    upgrade(daemon)
    caller.join(30 * SCALE)
    assert answers == [("value", True)]
    assert daemon.state("x") == "RUNNING"


def test_a_followed_log_ends_and_nothing_waits_for_it(box):
    daemon = box.daemon(f"[program:x]\ncommand={box.script('x', 'echo hello; exec sleep 600')}\n")
    wait_running(daemon, "x")
    follower = box.start([daemon.suite.supervisorctl, "-c", daemon.path, "tail", "-f", "x"])
    while b"hello" not in follower.stdout.readline():
        pass
    began = time.monotonic()
    upgrade(daemon)
    assert time.monotonic() - began < 10 * SCALE
    follower.wait(30 * SCALE)


def test_programs_that_end_all_the_time_are_all_accounted_for(box):
    program = box.script("x", f"echo . >> {box}/starts\nsleep 0.05\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nnumprocs=4\nprocess_name=%(process_num)d\nstartsecs=0\n"
                        "autorestart=true\n")
    box.wait_lines("starts", 8)
    for turn in range(6):
        upgrade(daemon, *(["--keeper"] if turn % 2 else []))
    count = len(box.lines("starts"))
    box.wait_lines("starts", count + 8)
    daemon.ctl("stop", "x:*")
    log = daemon.log()
    assert log.count("spawned: ") == log.count("exited: ") + log.count("stopped: "), log[-2000:]
    assert daemon.stop() == 0


def test_signals_to_the_daemon_are_not_lost(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    wait_running(daemon, "x")
    for turn in range(4):
        caller = threading.Thread(target=daemon.ctl, args=("upgrade", *(["--keeper"] if turn % 2 else [])))
        caller.start()
        time.sleep(0.01 * turn)
        daemon.signal(signal.SIGUSR2)
        caller.join(20 * SCALE)
        daemon.wait_log("received SIGUSR2", count=turn + 1)
    daemon.signal(signal.SIGTERM)
    assert daemon.wait_exit() == 0


@pytest.mark.slow
@pytest.mark.limit(180)
def test_twenty_upgrades_in_a_row_under_load(box):
    chatter = box.python("chatter", "import sys, time\nn = 0\nwhile True:\n  sys.stdout.write('%08d\\n' % n)\n"
                                    "  sys.stdout.flush()\n  n += 1\n  time.sleep(0.0005)\n")
    run_from(box, install(box, "supervisord"))
    daemon = box.daemon(SLEEPERS + f"[program:chatter]\ncommand={chatter}\nstdout_logfile={box}/out\n"
                        f"[program:short]\ncommand={box.script('short', 'sleep 0.03')}\nstartsecs=0\nautorestart=true\n",
                        supervisord="loglevel=info")
    pids = wait_running(daemon, "chatter", *(f"x:{n}" for n in range(5)))
    stop, failures = threading.Event(), []

    def client():
        while not stop.is_set():
            outcome = daemon.call("getAllProcessInfo")
            if outcome[0] != "value":
                failures.append(outcome)
    clients = [threading.Thread(target=client) for _ in range(3)]
    for thread in clients:
        thread.start()
    keeper = daemon.pid
    for turn in range(20):
        if turn % 5 == 4:
            install(box, "supervisord")
        upgrade(daemon)
    stop.set()
    for thread in clients:
        thread.join(30 * SCALE)
    assert failures == []
    assert daemon.pid == keeper and wait_running(daemon, *pids) == pids
    assert daemon.log().count("upgraded from version") == 20
    whole = box.whole_lines("out")
    assert whole == ["%08d" % n for n in range(len(whole))] and len(whole) > 1000
    # None of the twenty has left anything behind.
    names = procfs.children(keeper)
    assert len(names) <= len(pids) + 2, [procfs.command_line(pid) for pid in names]


# --- the keeper's own safety


def test_a_second_daemon_on_the_same_pidfile_is_refused(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    pids = wait_running(daemon, "x")
    for round_ in range(2):
        text = box.config("[program:x]\ncommand=sleep 600\n").replace(f"{box}/s\n", f"{box}/s2\n")
        second = box.write("second.conf", text.replace("sd.log", "second.log"))
        done = box.execute(box.suite.supervisord, "-n", "-c", second)
        assert done.code == 2
        assert done.err.splitlines()[-2] == (
            f"Error: The pidfile {box}/sd.pid is locked by another supervisord that runs (pid {daemon.pid}).  "
            "Shut it down first, or use another pidfile.")
        assert not box.exists("s2") and int(box.read("sd.pid")) == daemon.pid
        if round_ == 0:
            upgrade(daemon, "--keeper")
    assert wait_running(daemon, "x") == pids


def test_a_pidfile_that_nobody_locks_is_overwritten(box):
    box.write("sd.pid", f"{os.getpid()}\n")
    daemon = box.daemon()
    assert int(box.read("sd.pid")) == daemon.pid


def test_a_restart_keeps_the_pidfile(box):
    daemon = box.daemon()
    for number in (1, 2):
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("supervisord started with pid", count=number + 1)
        daemon.wait_up()
    assert int(box.read("sd.pid")) == daemon.pid


def test_when_the_keeper_is_killed_the_manager_leaves_and_another_daemon_may_start(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    pids, manager = wait_running(daemon, "x"), daemon.manager
    daemon.signal(signal.SIGKILL)
    eventually(lambda: not procfs.alive(manager), what="the manager gone")
    daemon.process.wait()
    os.kill(pids["x"], signal.SIGKILL)
    again = box.daemon("[program:x]\ncommand=sleep 600\n")
    wait_running(again, "x")
    assert again.stop() == 0


def may_lower_the_oom_score():
    pid = os.fork()
    if pid == 0:
        try:
            with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
                file.write("-1000")
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def test_memory_shortage_kills_the_keeper_last(box):
    if not may_lower_the_oom_score():
        pytest.skip("oom_score_adj may not be lowered here")

    def score(pid):
        with open(f"/proc/{pid}/oom_score_adj", encoding="ascii") as file:
            return int(file.read())

    def likelier():
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("321")
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n", preexec=likelier)
    pids = wait_running(daemon, "x")
    for _ in range(2):
        assert (score(daemon.pid), score(daemon.manager), score(pids["x"])) == (-1000, 321, 321)
        daemon.rpc.stopProcess("x")
        daemon.rpc.startProcess("x")
        pids = wait_running(daemon, "x")
        upgrade(daemon, "--keeper")
