"""supervisorctl and supervisord by hand: the same words, the same answers."""
import os
import re
import signal

import pytest

from support.waiting import eventually

SLEEPER = "command=sleep 600\n"

MIXED = (f"[program:run]\n{SLEEPER}priority=5\n[program:manual]\n{SLEEPER}autostart=false\n"
         "[program:gone]\ncommand=/bin/true\nstartsecs=0\nautorestart=false\n"
         "[program:bad]\ncommand=/no/such/file\nstartretries=0\n"
         "[program:plain]\ncommand=@/plain\nautostart=false\n"
         "[program:quick]\ncommand=/bin/false\nautostart=false\nstartsecs=10\nstartretries=0\n"
         f"[program:nolog]\n{SLEEPER}stdout_logfile=NONE\nstderr_logfile=NONE\n"
         "[program:talk]\ncommand=@/talk\nstdout_logfile=@/talk.out\nstderr_logfile=@/talk.err\n"
         f"[program:a]\n{SLEEPER}[program:b]\n{SLEEPER}autostart=false\n[group:g]\nprograms=a,b\npriority=20\n"
         f"[program:many]\n{SLEEPER}numprocs=2\nprocess_name=%(program_name)s_%(process_num)02d\n")


@pytest.fixture(scope="module")
def mixed(module_pair):
    pair = module_pair
    pair.write("plain", "text").script("talk", "printf '%02000d\\nend é\\n' 7; echo error >&2; exec sleep 600")
    pair.start(MIXED)

    def settle(daemon):
        for name, state in (("run", "RUNNING"), ("gone", "EXITED"), ("bad", "FATAL"), ("g:a", "RUNNING"),
                            ("nolog", "RUNNING"), ("talk", "RUNNING"), ("many:many_00", "RUNNING"),
                            ("many:many_01", "RUNNING")):
            daemon.wait_state(name, state)
        eventually(lambda: daemon.box.read("talk.out").endswith("end é\n") and daemon.box.read("talk.err"), what="talk")
    pair.each(settle)
    return pair


READING = """
status | status all | status run | status g:* | status many:* | status run manual | status nosuch | status nosuch:*
status nosuch run | status g:a nosuch:* g:b | status g | pid | pid all | pid run manual | pid nosuch | pid run
avail | version | reread | help | ? | ?status | help help | help nope | help status start stop
start | start nosuch | start nosuch:* | start run | start bad | start plain | start quick | start g:a | start gone:zz
stop | stop nosuch | stop nosuch:* | stop manual | stop gone | restart | restart nosuch | restart nosuch:*
signal | signal HUP | signal FOO run | signal HUP nosuch | signal HUP manual | signal CONT run | signal CONT g:*
signal 18 run | signal SIGCONT many:* nosuch | signal CONT nosuch:* | clear | clear nosuch | clear nosuch:a
tail | tail nosuch | tail talk | tail -10 talk | tail -3000 talk | tail talk stderr | tail talk foo | tail -x talk
tail -10 talk stderr | tail talk stdout more | tail nolog | tail -0 talk | maintail foo | maintail a b | tail -f
add | add nosuch | add run | remove nosuch | remove run | remove | update nosuch | update | avail x | reread x
version x | shutdown x | reload x | open | open ftp://x | open foo | fg | fg nosuch | fg manual | fg a b | quit
exit | nosuch | nosuch with words | !ls | stop:foo | status:run | add:
"""


@pytest.mark.parametrize("command", [word.strip() for word in re.split(r"[|\n]", READING.strip())])
def test_a_command_answers_alike(mixed, command):
    def without_pids(done):
        return {**done, "out": re.sub(r"[1-9]\d*", "N", done["out"])} if command.startswith("pid") else done
    mixed.same(lambda daemon: daemon.ctl(*command.split()), without_pids)


HELP = ("add avail clear exit fg maintail open pid quit reload remove reread restart shutdown signal start status stop "
        "tail update version EOF").split()


@pytest.mark.parametrize("command", HELP)
def test_the_help_of_a_command(mixed, command):
    mixed.same(lambda daemon: daemon.ctl("help", command))


@pytest.mark.parametrize("arguments", [
    ["-h"], ["-s", "foo", "status"], ["-x"], ["--bogus"], ["-c"], ["--serverurl"], ["-c", "/nonexistent", "status"],
    ["-s", "unix:///nonexistent", "status"], ["-s", "unix:///nonexistent", "start", "x"],
    ["-s", "unix:///nonexistent", "shutdown"], ["-s", "http://127.0.0.1:1", "status"],
    ["-s", "http://127.0.0.1:1", "pid"], ["-s", "http://127.0.0.1:1", "shutdown"],
    ["-s", "http://127.0.0.1:1", "version"], ["-s", "unix:///nonexistent", "tail", "x"]], ids=" ".join)
def test_command_lines_of_supervisorctl(pair, arguments):
    def first_of_help(value):
        return {**value, "out": value["out"].split("\n")[0]} if arguments == ["-h"] else value
    pair.same_in_box(lambda box: box.execute(box.suite.supervisorctl, *arguments), first_of_help)


@pytest.mark.parametrize("text", ["", "[supervisord]\n", "[supervisorctl]\nserverurl=%(ENV_NOSUCH)s\n",
                                  "[supervisorctl]\nserverurl=%(nosuch)s\n", "[supervisorctl]\nprompt=%\n",
                                  "[supervisorctl]\nserverurl=foo\n", "[supervisorctl]\n[include]\n"])
def test_a_broken_file_of_supervisorctl(pair, text):
    """Two lines for a mistake, and no more."""
    pair.write("ctl.conf", text)
    pair.same_in_box(lambda box: box.execute(box.suite.supervisorctl, "-c", box.path("ctl.conf"), "version"),
                     lambda done: {**done, "out": re.sub(r"file: .*", "file: F", done["out"])})


def test_a_session_of_changes(pair):
    pair.start(f"[program:keep]\n{SLEEPER}[program:change]\n{SLEEPER}[program:drop]\n{SLEEPER}", )

    def session(daemon):
        for name in ("keep", "change", "drop"):
            daemon.wait_state(name, "RUNNING")
        seen = [daemon.ctl(*words) for words in (["stop", "keep"], ["start", "keep"], ["restart", "keep", "drop"],
                                                 ["signal", "HUP", "change"])]
        daemon.reconfigure(f"[program:keep]\n{SLEEPER}[program:change]\n{SLEEPER}priority=1\n[program:new]\n{SLEEPER}"
                           f"[program:new2]\n{SLEEPER}[group:both]\nprograms=new,new2\n")
        seen += [daemon.ctl(*words) for words in (["add", "both"], ["reread"], ["avail"], ["reread"], ["add", "both"],
                                                  ["update", "change"], ["update"], ["update"], ["reread"])]
        for name in ("keep", "change", "both:new", "both:new2"):
            daemon.wait_state(name, "RUNNING")
        seen += [daemon.ctl(*words) for words in (["status"], ["remove", "keep"], ["stop", "keep"], ["remove", "keep"],
                                                  ["status", "keep"], ["avail"], ["clear", "change"],
                                                  ["stop", "change", "nosuch", "change"], ["shutdown"])]
        assert daemon.wait_exit() == 0
        return seen
    pair.same(session)


def test_a_broken_file_in_every_command_that_reads_it(pair):
    pair.start(f"[program:x]\n{SLEEPER}")

    def session(daemon):
        daemon.wait_state("x", "RUNNING")
        daemon.reconfigure(f"[program:x]\n{SLEEPER}startsecs=soon\n")
        return [daemon.ctl("reread"), daemon.ctl("avail"), daemon.call("reloadConfig"), daemon.ctl("status")]
    pair.same(session)
    pair.differs("update-error", lambda daemon: daemon.ctl("update"),
                 lambda seen: seen["code"] == 1 and ": file: " in seen["out"],
                 lambda seen: seen["code"] == 1 and seen["out"].startswith("error: ")
                 and "CANT_REREAD: invalid literal" in seen["out"] and ".py" not in seen["out"])


@pytest.mark.parametrize("words", ["tail -f nolog", "tail -f nosuch", "tail -f talk foo", "tail -f g:*"])
def test_following_what_cannot_be_read(mixed, words):
    mixed.same(lambda daemon: daemon.ctl(*words.split()))


def test_a_session_on_standard_input(mixed):
    mixed.same(lambda daemon: daemon.ctl("-i", input="status run\nnosuch\n\npid\nhelp status\nquit\n").code)
    mixed.same(lambda daemon: daemon.ctl("status", "run", input=""))


@pytest.mark.parametrize("own", [True, False], ids=["password in the file", "no password"])
def test_a_server_with_a_password(pair, own):
    login = "username=me\npassword=secret"
    pair.start(f"[program:x]\n{SLEEPER}", unix=login, ctl=login if own else "", start=False)

    def session(daemon):
        daemon.credentials = ("me", "secret")
        daemon.start()
        daemon.wait_state("x", "RUNNING")
        if own:
            return [daemon.ctl("status"), daemon.ctl("-u", "me", "-p", "secret", "pid", "x").code]
        return [daemon.ctl("status").out.split("\n")[0], daemon.ctl("-p", "wrong", "-u", "me", "status").code,
                daemon.ctl("-u", "me", "-p", "secret", "status")]
    pair.same(session)


def test_a_daemon_that_shuts_down(pair):
    pair.script("slow", "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n")
    pair.start("[program:x]\ncommand=@/slow\nstopwaitsecs=50\nstdout_logfile=@/out\n")

    def session(daemon):
        daemon.box.wait_lines("out", 1)
        child = daemon.pid_of("x")
        daemon.rpc.shutdown()
        eventually(lambda: daemon.call("getState")[0] == "fault", what="the shutdown")
        seen = [daemon.ctl(*words) for words in (["reread"], ["avail"], ["add", "x"], ["shutdown"], ["reload"])]
        os.kill(child, signal.SIGKILL)
        assert daemon.wait_exit() == 0
        return seen
    pair.same(session)


@pytest.mark.parametrize("arguments", [
    ["-x"], ["--bogus"], ["--no"], ["-c"], ["foo", "bar"], ["-n", "-n"], ["-n", "--nodaemon"], ["-e", "zz"],
    ["-m", "9"], ["-z", "x"], ["-y", "1KK"], ["-a", "x"], ["--minprocs", "x"], ["-d", "/nonexistent"],
    ["-q", "/nonexistent"], ["-l", "/nonexistent/x"], ["-j", "/nonexistent/x"], ["-c", "/nonexistent"],
    ["--nodaemon=yes"], ["-u", "nosuchuser", "-c", "@/sd.conf", "-n"], ["-ns", "-nc", "x"], ["--", "x"], ["-"]],
    ids=" ".join)
def test_command_lines_of_supervisord(pair, arguments):
    pair.write("sd.conf", "[supervisord]\n")
    pair.same_in_box(lambda box: box.execute(box.suite.supervisord, *[a.replace("@", str(box)) for a in arguments]))


def test_signals_to_the_daemon(pair):
    pair.start(f"[program:x]\n{SLEEPER}")

    def session(daemon):
        daemon.wait_state("x", "RUNNING")
        daemon.signal(signal.SIGUSR2)
        daemon.wait_log("supervisord logreopen")
        old = daemon.pid_of("x")
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("supervisord started with pid", count=2, timeout=20)
        daemon.wait_up()
        daemon.wait_state("x", "RUNNING")
        assert daemon.pid_of("x") != old
        daemon.signal(signal.SIGQUIT)
        return daemon.wait_exit(), os.path.exists(daemon.box.path("sd.pid")), os.path.exists(daemon.box.path("s"))
    pair.same(session)
