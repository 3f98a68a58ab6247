"""Debian's supervisorctl on our daemon and ours on Debian's: the four combinations give the same answers."""
import re
import signal
import subprocess

import pytest

from support.across import compare
from support.programs import REFERENCE
from support.waiting import SCALE, eventually

SLEEPER = "command=sleep 600\n"

# What the two control programs or daemons do differently on purpose stays out of here; tests/parity has that.
PROGRAMS = (f"[program:run]\n{SLEEPER}priority=5\n[program:manual]\n{SLEEPER}autostart=false\n"
            "[program:gone]\ncommand=/bin/true\nstartsecs=0\nautorestart=false\n"
            "[program:bad]\ncommand=/no/such/file\nstartretries=0\n"
            "[program:quick]\ncommand=/bin/false\nautostart=false\nstartsecs=10\nstartretries=0\n"
            f"[program:nolog]\n{SLEEPER}stdout_logfile=NONE\nstderr_logfile=NONE\n"
            "[program:talk]\ncommand=@/talk\nstdout_logfile=@/talk.out\nstderr_logfile=@/talk.err\n"
            f"[program:a]\n{SLEEPER}[program:b]\n{SLEEPER}autostart=false\n[group:g]\nprograms=a,b\npriority=20\n"
            f"[program:many]\n{SLEEPER}numprocs=2\nprocess_name=%(program_name)s_%(process_num)02d\n")
STATES = (("run", "RUNNING"), ("gone", "EXITED"), ("bad", "FATAL"), ("g:a", "RUNNING"), ("nolog", "RUNNING"),
          ("talk", "RUNNING"), ("many:many_00", "RUNNING"), ("many:many_01", "RUNNING"))


@pytest.fixture(scope="module")
def settled_pair(module_pair):
    module_pair.script("talk", "printf '%02000d\\nend é\\n' 7; echo error >&2; exec sleep 600").start(PROGRAMS)

    def settle(daemon):
        for name, state in STATES:
            daemon.wait_state(name, state)
        eventually(lambda: daemon.box.read("talk.out").endswith("end é\n"), what="talk's output")
        eventually(lambda: daemon.box.read("talk.err"), what="talk's errors")
    module_pair.each(settle)
    return module_pair


def without_pids(value):
    if isinstance(value, dict):
        return {key: without_pids(item) for key, item in value.items()}
    return re.sub(r"(?m)(^|> )[1-9]\d*$", r"\1N", value) if isinstance(value, str) else value


READING = """
status | status all | status run | status g:* | status many:* | status run manual | status nosuch | status nosuch:*
pid | pid all | pid run manual | pid nosuch | avail | version | reread | help | help status | ?
start run | start nosuch | start nosuch:* | start bad | start quick | start g:a | stop nosuch | stop manual | stop gone
restart nosuch | signal CONT run | signal CONT g:* | signal FOO run | signal HUP manual | signal HUP nosuch
signal 18 many:* | clear run | clear nosuch | clear gone | tail talk | tail -10 talk | tail talk stderr
tail -9 talk stderr | tail nolog | tail nosuch | add run | add nosuch | remove run | remove nosuch
update | update run | open foo | fg
fg nosuch | fg manual | quit | exit | nosuch | shutdown now | reload now | maintail more words | tail | clear | signal
"""


@pytest.mark.parametrize("command", [word.strip() for word in re.split(r"[|\n]", READING.strip())])
def test_a_command(crossings, command):
    compare(crossings, [crossing.ctl(*command.split()) for crossing in crossings], without_pids)


def test_two_words_in_one_argument(crossings):
    compare(crossings, [crossing.ctl("signal CONT", "run") for crossing in crossings])


def test_a_session_through_a_pipe(crossings):
    words = ("status run", "nosuch", "", "pid run manual", "help stop", "tail -6 talk stderr", "start run nosuch",
             "signal CONT g:*", "avail", "version", "status", "?tail", "tail -9 talk", "open nonsense", "status g:b",
             "quit")
    for arguments in ([], ["-i"]):
        compare(crossings, [crossing.ctl(*arguments, input="\n".join(words) + "\n") for crossing in crossings],
                lambda done: without_pids(re_version(done)))


def re_version(done):
    return {**done, "out": re.sub(r"4\.\d+\.\d+", "VERSION", done["out"])}


def test_a_session_that_just_ends(crossings):
    compare(crossings, [crossing.ctl(input="status run") for crossing in crossings])
    compare(crossings, [crossing.ctl(input="") for crossing in crossings])


def test_a_command_and_then_a_session(crossings):
    compare(crossings, [crossing.ctl("-i", "status", "run", input="pid nosuch\nexit\n") for crossing in crossings])


def test_by_address_and_password_instead_of_a_file(quartet):
    def session(crossing):
        url = f"http://127.0.0.1:{crossing.box.port}"
        crossing.daemon.wait_state("x", "RUNNING")
        return [crossing.ctl("-s", url, *login, *words, config=False)
                for login in (["-u", "me", "-p", "secret"], ["-ume", "-psecret"],
                              ["--username=me", "--password=secret"])
                for words in (["status"], ["avail"], ["stop", "x"], ["start", "x"])] + [
                    crossing.ctl("-s", url, "-u", "me", "-p", "wrong", words, config=False)
                    for words in ("status", "pid")]

    def without_source_lines(seen):
        return [{**done, "out": re.sub(r"file: .*", "file: F", done["out"])} for done in seen]
    quartet.same(session, f"[program:x]\n{SLEEPER}", without_source_lines, inet="username=me\npassword=secret")


def write_talkers(quartet):
    for box in quartet.boxes:
        box.script("talk", "printf '%03000d begin\\n' 7; printf '%03000d begin\\n' 8 >&2\n"
                           f"while [ ! -e {box}/go ]; do sleep 0.05; done; echo the end; echo the end >&2; "
                           "exec sleep 600")


TALK = "[program:talk]\ncommand=@/talk\nstdout_logfile=@/talk.out\nstderr_logfile=@/talk.err\n"


def follow(crossing, words, begun, then, ended):
    """A follower's end and output, where `then` is done when it has shown `begun`, and INT sent when `ended`."""
    box = crossing.box
    with open(box.path("seen"), "wb") as seen:
        follower = box.start([crossing.program, "-c", crossing.daemon.path, *words], stdout=seen)

    def shown(text):
        eventually(lambda: text in box.read("seen"),
                   what=lambda: f"{text!r} from {crossing.name}: {box.read('seen')[-300:]!r}")
    shown(begun)
    then()
    shown(ended)
    follower.send_signal(signal.SIGINT)
    return follower.wait(10 * SCALE), box.read("seen")


@pytest.mark.parametrize("channel", ["stdout", "stderr"])
def test_following_a_log(quartet, channel):
    write_talkers(quartet)

    def session(crossing):
        crossing.box.wait_lines("talk.out" if channel == "stdout" else "talk.err")
        return follow(crossing, ["tail", "-f", "talk", channel], "begin\n", lambda: crossing.box.write("go", ""),
                      "the end\n")
    quartet.same(session, TALK)


def test_following_the_main_log(quartet):
    def session(crossing):
        crossing.daemon.wait_state("x", "RUNNING")
        code, seen = follow(crossing, ["maintail", "-f"], "entered RUNNING state",
                            lambda: crossing.daemon.rpc.stopProcess("x"), "stopped: x (terminated by SIGTERM)\n")
        return code, seen.splitlines()[-1], "==> Press Ctrl-C to exit <==" in seen
    quartet.same(session, f"[program:x]\n{SLEEPER}")


def test_a_program_in_the_foreground(quartet):
    for box in quartet.boxes:
        box.script("repeat", "echo ready; while read line; do echo \"said $line\"; done")

    def session(crossing):
        daemon, box = crossing.daemon, crossing.box
        daemon.wait_state("repeat", "RUNNING")
        box.wait_lines("repeat.out")
        with open(box.path("seen"), "wb") as seen:
            foreground = box.start([crossing.program, "-c", daemon.path, "fg", "repeat"],
                                   stdin=subprocess.PIPE, stdout=seen, env={"PYTHONUNBUFFERED": "1"})

        def shown(text):
            eventually(lambda: text in box.read("seen"),
                       what=lambda: f"{text} from {crossing.name}: {box.read('seen')!r}")
        shown("ready")
        foreground.stdin.write("hello é\n".encode())
        foreground.stdin.flush()
        shown("said hello é")
        foreground.stdin.close()
        shown("Exiting foreground")
        if crossing.program != REFERENCE.supervisorctl:  # the original then waits half a minute for a thread
            assert foreground.wait(10 * SCALE) == 0
        return box.read("seen"), daemon.state("repeat")
    quartet.same(session, "[program:repeat]\ncommand=@/repeat\nstdout_logfile=@/repeat.out\n")


def sorted_lines(done):
    """For answers whose order is that of deaths."""
    return {**done, "out": sorted(done["out"].replace("supervisor> ", "").splitlines())}


@pytest.mark.slow
@pytest.mark.limit(120)
def test_changes_by_single_commands(quartet):
    def session(crossing):
        crossing.daemon.wait_state("keep", "RUNNING")
        crossing.daemon.wait_state("drop", "RUNNING")
        seen = [crossing.ctl(*words) for words in (["stop", "keep", "keep"], ["start", "keep", "nosuch"],
                                                   ["restart", "keep", "drop"])]
        crossing.daemon.reconfigure(f"[program:keep]\n{SLEEPER}priority=1\n[program:new]\n{SLEEPER}autostart=false\n"
                                    f"[program:new2]\n{SLEEPER}autostart=false\n[group:both]\nprograms=new,new2\n")
        seen += [crossing.ctl(*words) for words in (["reread"], ["avail"], ["add", "both"], ["update"], ["update"])]
        crossing.daemon.wait_state("keep", "RUNNING")
        return seen + [crossing.ctl(*words) for words in (
            ["status"], ["start", "both:*"], ["stop", "keep"],
            ["remove", "keep"], ["status", "keep"], ["clear", "both:new", "nosuch"])]
    quartet.same(session, f"[program:keep]\n{SLEEPER}[program:drop]\n{SLEEPER}")


@pytest.mark.slow
@pytest.mark.limit(120)
def test_changes_through_a_pipe(quartet):
    def session(crossing):
        daemon = crossing.daemon
        for name in ("keep", "change", "drop"):
            daemon.wait_state(name, "RUNNING")

        def piped(*lines):
            return crossing.ctl(input="\n".join(lines) + "\n")
        before = daemon.pid_of("change")
        seen = [piped("stop keep", "stop keep", "start keep", "start keep manual", "restart keep drop",
                      "signal HUP change")]
        daemon.wait_new_pid("change", before)
        daemon.wait_state("change", "RUNNING")
        daemon.reconfigure(f"[program:keep]\n{SLEEPER}[program:change]\n{SLEEPER}priority=1\n[program:new]\n{SLEEPER}"
                           f"[program:new2]\n{SLEEPER}[group:both]\nprograms=new,new2\n")
        seen.append(piped("avail", "add both", "reread", "avail", "add both", "update change", "update", "update",
                          "reread"))
        for name in ("keep", "change", "both:new", "both:new2"):
            daemon.wait_state(name, "RUNNING")
        seen.append(piped("stop both:*", "start both:", "start both:*", "remove keep", "stop keep", "remove keep",
                          "status keep", "avail", "clear change nosuch", "stop change nosuch change", "start all",
                          "signal CONT all", "clear all", "restart all", "stop all", "shutdown", "y"))
        assert daemon.wait_exit() == 0
        return seen
    quartet.same(session, f"[program:keep]\n{SLEEPER}[program:change]\n{SLEEPER}[program:drop]\n{SLEEPER}"
                 f"[program:manual]\n{SLEEPER}autostart=false\n", lambda seen: [sorted_lines(done) for done in seen])


def test_shutdown_and_reload(quartet):
    def session(crossing):
        daemon = crossing.daemon
        daemon.wait_state("x", "RUNNING")
        seen = [crossing.ctl("reload")]
        daemon.wait_log("supervisord started with pid", count=2, timeout=20)
        daemon.wait_up()
        daemon.wait_state("x", "RUNNING")
        seen.append(crossing.ctl("shutdown"))
        assert daemon.wait_exit() == 0
        return seen + [crossing.ctl(word) for word in ("status", "pid", "shutdown", "version", "start")]
    quartet.same(session, f"[program:x]\n{SLEEPER}")
