"""The life of supervised processes: states, retries, signals, stops, spawn errors, and what a child is born with."""
import json
import os
import re
import signal
import time

import pytest

from support import procfs
from support.starts import check_pauses, failing, start_times
from support.waiting import SCALE, eventually

IGNORES_TERM = "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n"


@pytest.mark.slow
@pytest.mark.parametrize("retries, waits", [(0, []), (1, [1]), (3, [1, 2, 3])])
def test_failed_starts_are_retried_with_growing_pauses(box, retries, waits):
    daemon = box.daemon(f"[program:x]\ncommand={failing(box)}\nstartretries={retries}\n")
    info = daemon.wait_state("x", "FATAL", timeout=30)
    check_pauses(box, *waits, late=2.5 * SCALE)
    assert info["spawnerr"] == info["description"] == "Exited too quickly (process log may have details)"
    assert info["exitstatus"] == 0 and info["pid"] == 0
    texts = daemon.messages()
    assert texts.count(("WARN", "exited: x (exit status 3; not expected)")) == retries + 1
    assert ("INFO", "gave up: x entered FATAL state, too many start retries too quickly") in texts


@pytest.mark.beyond("on-time")
def test_retries_and_promotions_are_on_time(box):
    daemon = box.daemon(f"[program:x]\ncommand={failing(box)}\nstartretries=1\nautostart=false\n"
                        "[program:y]\ncommand=sleep 60\nstartsecs=2\nautostart=false\n")

    def on_time():
        box.write("starts", "")
        daemon.call("startProcess", "x", False)
        began = time.monotonic()
        daemon.rpc.startProcess("y")
        promoted = time.monotonic() - began
        daemon.rpc.stopProcess("y")
        daemon.wait_state("x", "FATAL")
        first, second = start_times(box)
        assert second - first > 0.95 and promoted > 1.95
        return second - first < 1 + 0.3 * SCALE and promoted < 2 + 0.5 * SCALE
    # Other load on the machine can make them late, but not each time.
    assert any(on_time() for _ in range(4))


def test_a_process_is_running_after_startsecs_and_not_before(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60\nstartsecs=2\n")
    info = daemon.wait_state("x", "STARTING")
    assert info["description"] == "" and info["pid"] > 0
    daemon.wait_state("x", "RUNNING")
    assert re.search(r"INFO success: x entered RUNNING state, process has stayed up for > than 2 seconds \(startsecs\)",
                     daemon.log())
    stamps = {text.split(":")[0]: line for line in daemon.log().splitlines()
              for text in [line[24:]] if "'x'" in line or "success" in line}
    spawned, success = (time.mktime(time.strptime(stamps[key][:19], "%Y-%m-%d %H:%M:%S")) + int(stamps[key][20:23]) / 1000
                        for key in ("INFO spawned", "INFO success"))
    assert success - spawned > 1.9


def test_startsecs_zero_never_calls_an_exit_too_quick(box):
    daemon = box.daemon(f"[program:x]\ncommand={box.script('x', 'exit 7')}\nstartsecs=0\nautorestart=false\n")
    info = daemon.wait_state("x", "EXITED")
    assert (info["exitstatus"], info["spawnerr"]) == (7, "Bad exit code 7")
    assert ("WARN", "exited: x (exit status 7; not expected)") in daemon.messages()


def after_start(box, name, exit_code):
    """A program that outlives startsecs=1 and then leaves."""
    return box.script(name, f"while ! [ -e {box}/go-{name} ]; do sleep 0.05; done\nrm {box}/go-{name}\nexit {exit_code}")


@pytest.mark.parametrize("code, exitcodes, autorestart, restarted, level, word", [
    (0, "0", "unexpected", False, "INFO", "expected"),
    (4, "0", "unexpected", True, "WARN", "not expected"),
    (4, "0,4", "unexpected", False, "INFO", "expected"),
    (0, "4", "unexpected", True, "WARN", "not expected"),
    (4, "0", "false", False, "WARN", "not expected"),
    (0, "0", "true", True, "INFO", "expected"),
    (0, "", "unexpected", True, "WARN", "not expected"),
])
def test_restart_follows_the_exit_code(box, code, exitcodes, autorestart, restarted, level, word):
    daemon = box.daemon(f"[program:x]\ncommand={after_start(box, 'x', code)}\nexitcodes={exitcodes}\n"
                        f"autorestart={autorestart}\n")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    box.write("go-x", "")
    daemon.wait_log(re.escape(f"{level} exited: x (exit status {code}; {word})"))
    if restarted:
        daemon.wait_new_pid("x", pid)
    else:
        info = daemon.wait_state("x", "EXITED")
        assert info["exitstatus"] == code and info["pid"] == 0 and info["stop"] >= info["start"]
        assert info["spawnerr"] == ("" if word == "expected" else f"Bad exit code {code}")


def test_death_by_signal_is_exit_status_minus_one_and_never_expected(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60\nautorestart=false\nexitcodes=0,9,137\n")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    os.kill(pid, signal.SIGKILL)
    info = daemon.wait_state("x", "EXITED")
    assert (info["exitstatus"], info["spawnerr"]) == (-1, "Bad exit code -1")
    assert ("WARN", "exited: x (terminated by SIGKILL; not expected)") in daemon.messages()


@pytest.mark.parametrize("option, number", [("TERM", 15), ("SIGUSR1", 10), ("int", 2), ("1", 1), ("QUIT", 3)])
def test_stop_sends_the_configured_signal(box, option, number):
    program = box.python("x", "import signal, sys\n"
                              f"signal.signal({number}, lambda n, f: (print('got', n, flush=True), sys.exit(0)))\n"
                              "print('ready', flush=True)\nwhile True: signal.pause()\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstopsignal={option}\nstdout_logfile={box}/x.log\n")
    box.wait_lines("x.log", 1)
    pid = daemon.pid_of("x")
    assert daemon.call("stopProcess", "x") == ("value", True)
    assert box.lines("x.log") == ["ready", f"got {number}"]
    assert daemon.state("x") == "STOPPED" and not procfs.alive(pid)
    name = signal.Signals(number).name
    assert ("DEBG", f"killing x (pid {pid}) with signal {name}") in daemon.messages()
    assert ("INFO", "stopped: x (exit status 0)") in daemon.messages()


@pytest.mark.slow
def test_who_does_not_stop_in_time_is_killed(box):
    daemon = box.daemon(f"[program:x]\ncommand={box.script('x', IGNORES_TERM)}\nstopwaitsecs=2\n"
                        f"stdout_logfile={box}/x.log\n")
    box.wait_lines("x.log", 1)
    pid = daemon.pid_of("x")
    began = time.monotonic()
    assert daemon.call("stopProcess", "x", False) == ("value", True)
    assert daemon.info("x")["statename"] == "STOPPING"
    assert daemon.call("stopProcess", "x") == ("fault", 70, "NOT_RUNNING: x")
    daemon.wait_state("x", "STOPPED")
    assert 1.9 < time.monotonic() - began < 2 + 3 * SCALE
    texts = daemon.messages()
    assert ("WARN", f"killing 'x' ({pid}) with SIGKILL") in texts
    assert ("WARN", "stopped: x (terminated by SIGKILL)") in texts


def family(box):
    """A shell that starts a child of its own and waits; both note their pids."""
    return box.script("family", f"sleep 1000 &\necho $! >> {box}/pids\necho $$ >> {box}/pids\nwait\n")


@pytest.mark.parametrize("options, grandchild_dies", [
    ("stopasgroup=true", True), ("stopasgroup=false", False), ("killasgroup=true", False)])
def test_stopasgroup_reaches_the_childs_children(box, options, grandchild_dies):
    daemon = box.daemon(f"[program:x]\ncommand={family(box)}\n{options}\n")
    grandchild, child = (int(line) for line in box.wait_lines("pids", 2))
    assert procfs.group(grandchild) == procfs.group(child) == child == daemon.pid_of("x")
    daemon.call("stopProcess", "x")
    if grandchild_dies:
        eventually(lambda: not procfs.alive(grandchild), what="the grandchild gone")
        assert re.search(rf"killing x \(pid {child}\) process group with signal SIGTERM", daemon.log())
    else:
        assert procfs.alive(grandchild) and not procfs.alive(child)


@pytest.mark.slow
@pytest.mark.parametrize("options, grandchild_dies", [("killasgroup=true", True), ("", False)])
def test_killasgroup_reaches_the_childs_children(box, options, grandchild_dies):
    program = box.script("x", f"trap '' TERM\n(trap '' TERM; exec sleep 1000) &\necho $! >> {box}/pids\n"
                              f"echo $$ >> {box}/pids\nwhile :; do wait; done\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstopwaitsecs=1\n{options}\n")
    grandchild, child = (int(line) for line in box.wait_lines("pids", 2))
    daemon.call("stopProcess", "x")
    assert not procfs.alive(child)
    if grandchild_dies:
        eventually(lambda: not procfs.alive(grandchild), what="the grandchild gone")
    else:
        assert procfs.alive(grandchild)


SPAWN_ERRORS = {
    "nosuch_command_here": ("can't find command 'nosuch_command_here'", 20,
                            "NO_FILE: can't find command 'nosuch_command_here'"),
    "/no/such/file": ("can't find command '/no/such/file'", 20, "NO_FILE: can't find command '/no/such/file'"),
    "{box}": ("command at '{box}' is a directory", 21, "NOT_EXECUTABLE: command at '{box}' is a directory"),
    "{box}/plain": ("command at '{box}/plain' is not executable", 21,
                    "NOT_EXECUTABLE: command at '{box}/plain' is not executable"),
    "cat 'never closed": ("can't parse command \"cat 'never closed\": No closing quotation", 21,
                          "NOT_EXECUTABLE: can't parse command \"cat 'never closed\": No closing quotation"),
    "": ("command is empty", 21, "NOT_EXECUTABLE: command is empty"),
}


@pytest.mark.parametrize("command", SPAWN_ERRORS)
def test_what_cannot_be_spawned_says_why(box, command):
    box.write("plain", "text\n")
    text, code, fault = (part.replace("{box}", str(box)) if isinstance(part, str) else part
                         for part in SPAWN_ERRORS[command])
    daemon = box.daemon(f"[program:x]\ncommand={command.replace('{box}', str(box))}\nstartretries=0\n")
    info = daemon.wait_state("x", "FATAL")
    assert info["spawnerr"] == info["description"] == text
    assert ("INFO", f"spawnerr: {text}") in daemon.messages()
    assert daemon.call("startProcess", "x") == ("fault", code, fault)


def test_a_log_that_cannot_be_opened_is_the_programs_spawn_error(box):
    os.mkdir(box.path("x.log"))
    daemon = box.daemon(f"[program:x]\ncommand=sleep 60\nstartretries=0\nstdout_logfile={box}/x.log\n"
                        "[program:y]\ncommand=sleep 60\n")
    info = daemon.wait_state("x", "FATAL")
    assert info["spawnerr"] == "unknown error making dispatchers for 'x': EISDIR"
    daemon.wait_state("y", "RUNNING")
    os.rmdir(box.path("x.log"))
    assert daemon.call("startProcess", "x") == ("value", True)


@pytest.mark.parametrize("options, text", [
    ("directory=/no/such/dir", b"supervisor: couldn't chdir to /no/such/dir: ENOENT\n"),
    ("command={box}/garbage", b"supervisor: couldn't exec {box}/garbage: ENOEXEC\n"),
])
def test_what_fails_in_the_child_is_told_in_its_log(box, options, text):
    box.write("garbage", b"\x00\x01\x02 no program", 0o755)
    daemon = box.daemon(f"[program:x]\ncommand=sleep 60\nstartretries=0\nstderr_logfile={box}/err\n"
                        + options.replace("{box}", str(box)))
    daemon.wait_state("x", "FATAL")
    assert box.bytes("err") == (text.replace(b"{box}", str(box).encode())
                                + b"supervisor: child process was not spawned\n")
    assert ("WARN", "exited: x (exit status 127; not expected)") in daemon.messages()


@pytest.mark.root
def test_a_user_that_cannot_be_taken_is_told_in_the_childs_log(box):
    os.chmod(box.folder, 0o777)
    text = box.config(f"[program:x]\ncommand=sleep 60\nuser=root\nstartretries=0\nredirect_stderr=true\n"
                      f"stdout_logfile={box}/out\n")
    process = box.start([box.suite.supervisord, "-n", "-c", box.write("sd.conf", text)],
                        preexec_fn=lambda: (os.setgroups([]), os.setgid(65534), os.setuid(65534)))
    eventually(lambda: box.read("out").endswith("not spawned\n"), what="the child's last words")
    assert box.read("out") == ("supervisor: couldn't setuid to 0: Can't drop privilege as nonroot user\n"
                               "supervisor: child process was not spawned\n")
    process.terminate()


def report(box):
    """A program that writes down what it was born with."""
    return box.python("report", "import json, os, sys, resource, signal\n"
                                "mask = os.umask(0); os.umask(mask)\n"
                                "json.dump({'env': dict(os.environ), 'fds': sorted(int(f) for f in os.listdir('/proc/self/fd')),\n"
                                "  'pid': os.getpid(), 'pgid': os.getpgid(0), 'sid': os.getsid(0), 'ppid': os.getppid(),\n"
                                "  'umask': mask, 'cwd': os.getcwd(), 'uid': os.getuid(), 'gid': os.getgid(),\n"
                                "  'groups': sorted(os.getgroups()), 'argv': sys.argv,\n"
                                "  'stdin': os.readlink('/proc/self/fd/0').split(':')[0],\n"
                                "  'status': open('/proc/self/status').read()}, open('" + str(box) + "/writing', 'w'))\n"
                                "os.rename('" + str(box) + "/writing', '" + str(box) + "/reported')\n"
                                "import time; time.sleep(1000)\n")


def reported(box):
    eventually(lambda: box.exists("reported"), what="the program's report")
    return json.loads(box.read("reported"))


def test_what_a_child_is_born_with(box):
    daemon = box.daemon(f"[program:x]\ncommand={report(box)} one 'two words' %%h:%%p\nenvironment=A=\"own\",B=\"a,b\"\n",
                        supervisord="environment=A=\"daemon\",C=\"daemon\"", env={"A": "inherited", "D": "100%"})
    seen = reported(box)
    env = seen["env"]
    assert (env["A"], env["B"], env["C"], env["D"]) == ("own", "a,b", "daemon", "100%")
    assert env["SUPERVISOR_ENABLED"] == "1"
    assert env["SUPERVISOR_SERVER_URL"] == f"unix://{box}/s"
    assert env["SUPERVISOR_PROCESS_NAME"] == env["SUPERVISOR_GROUP_NAME"] == "x"
    assert env["HOME"] == box.folder
    assert seen["argv"][1:] == ["one", "two words", "%h:%p"]
    assert seen["fds"] == [0, 1, 2, 3]  # 3 is the folder being listed
    assert seen["stdin"] in ("pipe", "socket")
    assert seen["pid"] == seen["pgid"] == daemon.pid_of("x")
    assert seen["sid"] == procfs.session(daemon.pid)
    assert seen["ppid"] == daemon.pid
    assert seen["cwd"] == box.folder
    assert seen["umask"] == daemon_umask(daemon)


def daemon_umask(daemon):
    return int(procfs.status(daemon.pid, "Umask"), 8)


@pytest.mark.beyond("child-signals")
def test_signals_are_at_their_defaults_in_a_child(box):
    # cat, because a shell or Python would set their own.
    box.daemon(f"[program:x]\ncommand=/bin/cat /proc/self/status\nstartsecs=0\nautorestart=false\n"
               f"stdout_logfile={box}/out\n")
    text = eventually(lambda: "SigIgn" in box.read("out") and box.read("out"), what="the status")
    fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    assert int(fields["SigIgn"], 16) == 0 and int(fields["SigBlk"], 16) == 0


def test_directory_umask_and_names(box):
    os.mkdir(box.path("d"))
    box.daemon(f"[program:x]\ncommand={report(box)}\ndirectory={box}/d\numask=027\nprocess_name=%(program_name)s_p\n"
               "serverurl=http://example.org:1/\n[group:g]\nprograms=x\n", env={"PWD": "/elsewhere"})
    seen = reported(box)
    assert seen["env"]["PWD"] == "/elsewhere"
    assert (seen["cwd"], seen["umask"]) == (box.path("d"), 0o27)
    assert (seen["env"]["SUPERVISOR_PROCESS_NAME"], seen["env"]["SUPERVISOR_GROUP_NAME"]) == ("x_p", "g")
    assert seen["env"]["SUPERVISOR_SERVER_URL"] == "http://example.org:1/"


@pytest.mark.root
def test_a_program_runs_as_its_user(box):
    os.chmod(box.folder, 0o777)
    box.daemon(f"[program:x]\ncommand={report(box)}\nuser=nobody\n", env={"HOME": "/root", "USER": "root"})
    seen = reported(box)
    assert (seen["uid"], seen["gid"], seen["groups"]) == (65534, 65534, [65534])
    assert (seen["env"]["HOME"], seen["env"]["USER"]) == ("/root", "root")


def test_a_command_is_found_along_the_programs_own_path(box):
    box.script("bin/tool", f"echo here > {box}/ran; exec sleep 60")
    box.daemon(f"[program:x]\ncommand=tool\nenvironment=PATH=\"{box}/bin:/bin:/usr/bin\"\n")
    eventually(lambda: box.read("ran") == "here\n", what="the tool to run")


def test_a_command_may_run_over_several_lines(box):
    box.daemon(f"[program:x]\ncommand=/bin/sh -c 'echo \"$0\" \"$1\" >> {box}/ran; exec sleep 60'\n    first\n"
               "    \"second word\"\n")
    assert box.wait_lines("ran", 1) == ["first second word"]


def test_numprocs_makes_a_group_of_numbered_processes(box):
    daemon = box.daemon("[program:x]\ncommand=/bin/sh -c 'echo %(process_num)d of %(numprocs)d; exec sleep 60'\n"
                        "numprocs=3\nnumprocs_start=7\nprocess_name=%(program_name)s_%(process_num)02d\n"
                        f"stdout_logfile={box}/%(process_num)d.log\n")
    names = [f"{info['group']}:{info['name']}" for info in daemon.rpc.getAllProcessInfo()]
    assert names == ["x:x_07", "x:x_08", "x:x_09"]
    for number in (7, 8, 9):
        assert box.wait_lines(f"{number}.log", 1) == [f"{number} of 3"]
    assert daemon.call("getProcessInfo", "x")[1:] == (10, "BAD_NAME: x")


def test_a_group_gathers_programs_and_takes_their_names(box):
    daemon = box.daemon("[program:a]\ncommand=sleep 60\n[program:b]\ncommand=sleep 60\n[program:c]\ncommand=sleep 60\n"
                        "[group:g]\nprograms=a,b\n")
    assert [(i["group"], i["name"]) for i in daemon.rpc.getAllProcessInfo()] == [("c", "c"), ("g", "a"), ("g", "b")]
    for name in ("g:a", "g:b", "c"):
        daemon.wait_state(name, "RUNNING")
    assert daemon.call("getProcessInfo", "a") == ("fault", 10, "BAD_NAME: a")
    results = daemon.rpc.stopProcessGroup("g")
    assert sorted((r["name"], r["group"], r["status"], r["description"]) for r in results) == [
        ("a", "g", 80, "OK"), ("b", "g", 80, "OK")]
    assert daemon.state("c") == "RUNNING"


def test_autostart_false_waits_to_be_asked(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60\nautostart=false\n[program:y]\ncommand=sleep 60\n")
    daemon.wait_state("y", "RUNNING")
    info = daemon.info("x")
    assert (info["statename"], info["description"], info["start"]) == ("STOPPED", "Not started", 0)
    assert daemon.call("startProcess", "x") == ("value", True)
    assert daemon.state("x") == "RUNNING"
    assert daemon.call("startProcess", "x") == ("fault", 60, "ALREADY_STARTED: x")


def test_stopping_in_backoff_needs_no_signal(box):
    daemon = box.daemon(f"[program:x]\ncommand={box.script('x', 'exit 1')}\nstartretries=100\n")
    daemon.wait_log(r"exited: x", count=2)
    daemon.wait_state("x", "BACKOFF")
    assert daemon.call("signalProcess", "x", "HUP") == ("fault", 70, "NOT_RUNNING: x")
    assert daemon.call("stopProcess", "x") == ("value", True)
    assert daemon.state("x") == "STOPPED"
    assert ("DEBG", "Attempted to kill x, which is in BACKOFF state.") in daemon.messages()


def test_signals_reach_the_process_alone(box):
    program = box.script("x", f"trap 'echo usr1' USR1\n(trap 'echo inner' USR1; echo ready; while :; do sleep 0.05; done) &\n"
                              "while :; do sleep 0.05; done\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/x.log\nstopasgroup=true\n")
    daemon.wait_state("x", "RUNNING")
    box.wait_lines("x.log", 1)
    pid = daemon.pid_of("x")
    for form in ("USR1", "SIGUSR1", "10"):
        assert daemon.call("signalProcess", "x", form) == ("value", True)
        eventually(lambda: box.lines("x.log")[-1] == "usr1", what="the trap")
        box.write("x.log", "ready\n")
    assert "inner" not in box.read("x.log")
    assert ("DEBG", f"sending x (pid {pid}) sig SIGUSR1") in daemon.messages()
    assert daemon.call("signalProcess", "x", "NOSUCH") == ("fault", 11, "BAD_SIGNAL: NOSUCH")


def order_of(daemon, pattern):
    return re.findall(pattern, daemon.log())


def test_groups_start_in_order_of_priority(box):
    daemon = box.daemon("".join(f"[program:{name}]\ncommand=sleep 60\npriority={priority}\n" for name, priority in
                                [("a", 30), ("b", 10), ("c", 20), ("d", 10)]))
    daemon.wait_log(r"spawned: ", count=4)
    assert order_of(daemon, r"spawned: '(\w)'") == ["b", "d", "c", "a"]


@pytest.mark.slow
def test_shutdown_stops_groups_one_after_the_other_in_reverse(box):
    slow_stop = box.script("slow", "trap 'sleep 0.3; exit 0' TERM\necho ready\nwhile :; do sleep 0.05; done\n")
    daemon = box.daemon("".join(f"[program:{name}]\ncommand={slow_stop}\npriority={priority}\n"
                                f"stdout_logfile={box}/{name}.log\n"
                                for name, priority in [("a", 30), ("b", 10), ("c", 20)]))
    for name in "abc":
        box.wait_lines(f"{name}.log", 1)
    assert daemon.stop() == 0
    assert order_of(daemon, r"(killing \w|stopped: \w)") == ["killing a", "stopped: a", "killing c", "stopped: c",
                                                            "killing b", "stopped: b"]
    assert "INFO waiting for b, c, a to die" in daemon.log()


def test_within_a_group_all_are_stopped_together_in_reverse(box):
    slow_stop = box.script("slow", "trap 'sleep 0.3; exit 0' TERM\necho ready\nwhile :; do sleep 0.05; done\n")
    daemon = box.daemon("".join(f"[program:{name}]\ncommand={slow_stop}\npriority={priority}\n"
                                f"stdout_logfile={box}/{name}.log\n"
                                for name, priority in [("a", 30), ("b", 10), ("c", 20)]) + "[group:g]\nprograms=a,b,c\n")
    for name in "abc":
        box.wait_lines(f"{name}.log", 1)
    assert daemon.stop() == 0
    assert order_of(daemon, r"(killing \w|stopped:)") == ["killing a", "killing c", "killing b"] + ["stopped:"] * 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_term_int_and_quit_end_everything(box, number):
    daemon = box.daemon("[program:x]\ncommand=sleep 60\n")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    daemon.signal(number)
    assert daemon.wait_exit() == 0
    assert not procfs.alive(pid)
    assert ("WARN", f"received {number.name} indicating exit request") in daemon.messages()
    assert ("WARN", "stopped: x (terminated by SIGTERM)") in daemon.messages()
    assert not box.exists("sd.pid") and not box.exists("s")


@pytest.mark.slow
def test_hup_starts_anew_with_the_new_configuration(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60\n")
    old = daemon.wait_state("x", "RUNNING")["pid"]
    daemon.reconfigure("[program:y]\ncommand=sleep 60\n", supervisord="identifier=second")
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.call("getIdentification") == ("value", "second"), 20, "the new configuration")
    daemon.wait_state("y", "RUNNING")
    assert not procfs.alive(old)
    assert daemon.call("getProcessInfo", "x") == ("fault", 10, "BAD_NAME: x")
    assert ("WARN", "received SIGHUP indicating restart request") in daemon.messages()
    assert daemon.rpc.getPID() == daemon.pid and box.read("sd.pid") == f"{daemon.pid}\n"


@pytest.mark.beyond("reload-broken")
def test_hup_with_a_broken_configuration_changes_nothing(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60\n")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    box.write("sd.conf", "[supervisord]\nloglevel=loud\n")
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("bad logging level name 'loud'")
    assert daemon.pid_of("x") == pid and procfs.alive(pid)
    assert daemon.state("x") == "RUNNING"


@pytest.mark.beyond("reload-broken")
def test_reload_with_a_broken_configuration_changes_nothing(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60\n")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    box.write("sd.conf", "[supervisord]\n[program:x]\n")
    daemon.rpc.restart()
    daemon.wait_log("does not specify a command")
    assert daemon.pid_of("x") == pid and daemon.state("x") == "RUNNING"


@pytest.mark.slow
def test_a_program_that_fails_to_start_does_not_hold_up_others(box):
    daemon = box.daemon("[program:a]\ncommand=/no/such/file\npriority=1\nstartretries=5\n"
                        "[program:b]\ncommand=sleep 60\npriority=2\n")
    daemon.wait_state("b", "RUNNING")
    assert daemon.state("a") in ("BACKOFF", "STARTING")


def test_a_stop_during_start_is_heeded(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60\nstartsecs=30\n")
    daemon.wait_state("x", "STARTING")
    pid = daemon.wait_executed("x")
    assert daemon.call("stopProcess", "x") == ("value", True)
    assert daemon.state("x") == "STOPPED" and not procfs.alive(pid)
    assert "success: x" not in daemon.log()


@pytest.mark.beyond("exec-gap")
def test_a_stop_right_behind_the_start_takes_no_time(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60\nautostart=false\n")
    began = time.monotonic()
    for _ in range(20):
        daemon.rpc.startProcess("x", False)
        daemon.rpc.stopProcess("x")
    assert time.monotonic() - began < 5 * SCALE
    assert "SIGKILL" not in daemon.log()


def test_orphans_of_children_are_reaped(box):
    """A daemon that inherits orphans (as PID 1 does) leaves no zombies."""
    program = box.script("x", f"(sleep 0.1 & echo $! > {box}/orphan)\nexec sleep 60\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\n")
    orphan = int(box.wait_lines("orphan", 1)[0])
    eventually(lambda: not os.path.exists(f"/proc/{orphan}"), what="the orphan gone, not a zombie")
    daemon.wait_state("x", "RUNNING")


@pytest.mark.beyond("orphans")
def test_the_daemon_inherits_orphans_and_logs_their_end(box):
    program = box.script("x", f"(sh -c 'while ! [ -e {box}/go ]; do sleep 0.02; done; exit 5' & echo $! > {box}/orphan)\n"
                              "exec sleep 60\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\n", supervisord="loglevel=trace")
    orphan = int(box.wait_lines("orphan", 1)[0])
    eventually(lambda: procfs.parent(orphan) == daemon.pid, what="the orphan adopted")
    box.write("go", "")
    daemon.wait_log(rf"reaped unknown pid {orphan} \(exit status 5\)")


def test_a_crowd_starts_and_stops(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60\nnumprocs=60\nprocess_name=%(process_num)d\nstartsecs=0\n"
                        "stdout_logfile=NONE\nstderr_logfile=NONE\n")
    eventually(lambda: {i["statename"] for i in daemon.rpc.getAllProcessInfo()} == {"RUNNING"}, 30, "all running")
    pids = [info["pid"] for info in daemon.rpc.getAllProcessInfo()]
    assert len(set(pids)) == 60
    results = daemon.rpc.stopAllProcesses()
    assert len(results) == 60 and {r["status"] for r in results} == {80}
    assert not any(procfs.alive(pid) for pid in pids)


@pytest.mark.beyond("short-turns")
@pytest.mark.parametrize("niceness", [0, 7])
def test_programs_are_scheduled_as_the_daemon_was_started(box, niceness):
    """However the daemon itself asks to be scheduled."""
    daemon = box.daemon("[program:x]\ncommand=sleep 60\nstartsecs=0\n", preexec=lambda: os.nice(niceness))
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    assert os.sched_getscheduler(daemon.pid) == os.SCHED_OTHER | os.SCHED_RESET_ON_FORK
    assert os.sched_getscheduler(pid) == os.SCHED_OTHER
    assert os.getpriority(os.PRIO_PROCESS, daemon.pid) == os.getpriority(os.PRIO_PROCESS, pid) == niceness
    with open(f"/proc/{pid}/sched") as program, open("/proc/self/sched") as usual:
        assert [line for line in program if "se.slice" in line] == [line for line in usual if "se.slice" in line]


def test_a_policy_that_was_chosen_for_the_daemon_stays(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60\nstartsecs=0\n",
                        preexec=lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)))
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    assert os.sched_getscheduler(daemon.pid) == os.sched_getscheduler(pid) == os.SCHED_BATCH
