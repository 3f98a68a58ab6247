"""What children are started from and born with, what is told of their end, and which changes of the file are seen."""
import os
import re
import signal
import socket
import stat
import subprocess
import time

import pytest

from support.waiting import SCALE, eventually

SLEEPER = "command=sleep 600\n"
NOBODY = 65534


def as_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def of_process(daemon, name):
    """The lines of the main log that are about one process, without pids."""
    return [f"{level} " + (text if "exit status" in text else re.sub(r"(pid[: ]|[(])[0-9]+", r"\1N", text))
            for level, text in daemon.messages() if re.search(rf"\b{name}\b", text) and "stopped monitoring" not in text]


# --- finding the program

COMMANDS = {
    "absolute": "command=@/p2/tool", "relative": "command=p2/tool", "dotted": "command=./p2/tool\ndirectory=/tmp",
    "tilde": "command=~/p2/tool", "ownpath": "command=tool\nenvironment=PATH=\"@/p2:/bin:/usr/bin\"",
    "firsthit": "command=tool\nenvironment=PATH=\"@/p1:@/p2\"", "emptypath": "command=true\nenvironment=PATH=\"\"",
    "nopath": "command=tool\nenvironment=PATH=\"@/none\"", "relpath": "command=tool\nenvironment=PATH=\"p2\"",
    "folderinpath": "command=p2\nenvironment=PATH=\"@\"", "folder": "command=@/p2/", "dangling": "command=@/dangling",
    "linked": "command=@/linked", "loop": "command=@/loop", "plain": "command=@/p1/tool", "empty": "command=", "blank": "command=\"\"",
    "emptyword": "command='' x", "quote": "command=cat \"x", "escape": "command=cat \\", "notfolder": "command=@/p2/tool/x",
    "quoted": "command=\"@/p2/tool\" 'a b' c\\ d \"e\\\"f\" 'g\\h'", "lines": "command=@/p2/tool\n  a\n  b #c\n  d", "device": "command=/dev/null",
    "long": "command=" + "x" * 300, "comment": "command=@/p2/tool a#b '#c'", "nul": "command=@/p2/tool é ü",
    "dot": "command=.", "slash": "command=/", "dotpath": "command=tool\nenvironment=PATH=\":@/p2\"",
}


def tools(pair):
    pair.write("p1/tool", "no program", 0o644)
    pair.script("p2/tool", "said=\"$0|\"; for word; do said=\"$said$word|\"; done; printf %s \"$said\"; exec /bin/sleep 600")
    for box in pair.boxes:
        os.symlink(box.path("nowhere"), box.path("dangling"))
        os.symlink(box.path("p2/tool"), box.path("linked"))
        os.symlink(box.path("loop"), box.path("loop"))


def test_where_a_command_is_looked_for(pair):
    tools(pair)
    pair.start("".join(f"[program:{name}]\n{options}\nautostart=false\nstartsecs=0\nautorestart=false\nstartretries=0\n"
                       f"stdout_logfile=@/{name}.out\nredirect_stderr=true\n" for name, options in COMMANDS.items()))

    def session(daemon):
        seen = {}
        for name in COMMANDS:
            seen[name] = [daemon.call("startProcess", name, False)]
        for name in COMMANDS:
            if seen[name][0][0] == "value" or name == "dotted":
                eventually(lambda: daemon.box.read(f"{name}.out").endswith(("|", "not spawned\n")), what=f"the words of {name}")
            if daemon.box.read(f"{name}.out").endswith("not spawned\n"):
                seen[name] = ["whether its end comes before the answer is chance"]
            seen[name] += [daemon.box.read(f"{name}.out"), [line for line in of_process(daemon, name) if "spawnerr" in line]]
        return seen
    seen = pair.same(session)
    assert seen["quoted"][1].endswith("|a b|c d|e\"f|g\\h|") and seen["firsthit"][0][0] == "fault"


@pytest.mark.parametrize("path", [None, "", "p2", "@/p2"])
def test_the_daemons_own_path(pair, path):
    tools(pair)
    for box in pair.boxes:
        del box.env["PATH"]
    pair.start("".join(f"[program:{name}]\ncommand={name}\nautostart=false\nstartsecs=0\nautorestart=false\nstartretries=0\n"
                       for name in ("tool", "true")), env={} if path is None else {"PATH": path})
    pair.same(lambda daemon: [daemon.call("startProcess", name, False) for name in ("tool", "true")])


@pytest.mark.root
def test_what_another_user_may_not_run(pair):
    tools(pair)
    for box in pair.boxes:
        os.chmod(box.folder, 0o777)
        os.chmod(box.path("p2/tool"), 0o744)
        os.mkdir(box.path("closed"), 0o700)
        box.script("closed/tool", "exit 0")
        box.write("x.log", "")
        os.chmod(box.path("x.log"), 0o600)
    pair.start(f"[program:tool]\ncommand=@/p2/tool\nautostart=false\n[program:closed]\ncommand=@/closed/tool\nautostart=false\n"
               f"[program:log]\n{SLEEPER}autostart=false\nstdout_logfile=@/x.log\n", preexec=as_nobody)
    seen = pair.same(lambda daemon: [daemon.call("startProcess", name) for name in ("tool", "closed", "log")])
    assert "no permission to run command" in seen[0][2] and seen[2][:2] == ["fault", 50]


# --- birth

@pytest.mark.root
def test_what_fails_in_the_child(pair):
    pair.write("noexec", b"\x7fELF garbage", 0o755).write("script", "#!/no/such/interpreter\n", 0o755).script("fine", "exec sleep 600")
    for box in pair.boxes:
        os.chmod(box.folder, 0o777)
        os.mkdir(box.path("closed"), 0o700)
    programs = {"chdir": "command=@/fine\ndirectory=/no/such", "tilde": "command=@/fine\ndirectory=~", "file": "command=@/fine\ndirectory=@/fine",
                "closed": "command=@/fine\ndirectory=@/closed\nuser=nobody", "exec": "command=@/noexec", "script": "command=@/script",
                "both": "command=@/noexec\nredirect_stderr=true", "relative": "command=@/fine\ndirectory=closed\nuser=nobody"}
    pair.start("".join(f"[program:{name}]\n{options}\nstartretries=0\nstartsecs=10\nstdout_logfile=@/{name}.out\nstderr_logfile=@/{name}.err\n"
                       for name, options in programs.items()))

    def look(daemon):
        for name in programs:
            daemon.wait_state(name, "FATAL", "RUNNING")
        return {name: [daemon.box.read(f"{name}.out"), daemon.box.read(f"{name}.err"), daemon.state(name),
                       [line for line in of_process(daemon, name) if not line.startswith("DEBG")]] for name in programs}
    assert "EACCES" in pair.same(look)["closed"][1]


def born(pair, programs, **options):
    """What the environment of a child says of the daemon, without a way to ask the daemon."""
    pair.script("env", "env | grep ^SUPERVISOR_ | sort > @/tmp; mv @/tmp @/seen; exec sleep 600")

    def look(box):
        box.write("sd.conf", (options["text"] + programs).replace("@", box.folder).replace("PORT", str(box.port)))
        box.write("env", box.read("env").replace("@", box.folder), 0o755)
        process = box.start([box.suite.supervisord, "-n", "-c", box.path("sd.conf")], stdout=subprocess.DEVNULL)
        text = eventually(lambda: box.exists("seen") and box.read("seen"), what="the environment")
        process.terminate()
        process.wait(20 * SCALE)
        return text
    return pair.same_in_box(look)


SERVERS = {
    "none": "", "unix": "[unix_http_server]\nfile=@/s\n", "inet": "[inet_http_server]\nport=127.0.0.1:PORT\n",
    "any": "[inet_http_server]\nport=PORT\n", "both": "[inet_http_server]\nport=PORT\n[unix_http_server]\nfile=@/x/../s\n",
}


@pytest.mark.parametrize("servers", SERVERS)
def test_the_address_that_a_child_is_told(pair, servers):
    text = "[supervisord]\nlogfile=@/l\npidfile=@/p\nchildlogdir=@\n" + SERVERS[servers]
    seen = born(pair, "[program:x]\ncommand=@/env\n", text=text)
    assert ("SERVER_URL" in seen) == (servers != "none")


@pytest.mark.parametrize("options", ["serverurl=", "serverurl=auto", "serverurl=http://other:1",
                                     "environment=SUPERVISOR_ENABLED=0,SUPERVISOR_SERVER_URL=own,SUPERVISOR_PROCESS_NAME=n"])
def test_the_address_that_a_program_sets(pair, options):
    text = "[supervisord]\nlogfile=@/l\npidfile=@/p\nchildlogdir=@\nenvironment=SUPERVISOR_GROUP_NAME=g\n" + SERVERS["unix"]
    born(pair, f"[program:x]\ncommand=@/env\n{options}\n", text=text)


# --- stop and end

@pytest.mark.slow
def test_what_is_said_while_a_stop_is_awaited(pair):
    pair.script("deaf", "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n")
    pair.start("[program:x]\ncommand=@/deaf\nstopwaitsecs=5\nstdout_logfile=@/out\n")

    def session(daemon):
        daemon.box.wait_lines("out", 1)
        began = time.monotonic()
        daemon.rpc.stopProcess("x")
        texts = of_process(daemon, "x")
        waiting = [text for text in texts if "waiting for" in text]
        return time.monotonic() - began > 4.5, sorted(set(waiting)), len(waiting) in (2, 3), [
            text for text in texts if "waiting for" not in text and "success" not in text and "entered" not in text]
    assert pair.same(session)[0:3] == [True, ["INFO waiting for x to stop"], True]


@pytest.mark.root
def test_a_process_that_may_not_be_signalled(pair):
    """A daemon that is not root, and a program that becomes root."""
    for box in pair.boxes:
        os.chmod(box.folder, 0o777)
        with open("/usr/bin/python3", "rb") as program:
            box.write("rooted", program.read())
        os.chmod(box.path("rooted"), 0o4755)
    if os.statvfs(pair.boxes[0].folder).f_flag & os.ST_NOSUID:
        pytest.skip("set-user-id programs do nothing here")
    pair.start("[program:x]\ncommand=@/rooted -ISc 'import os, time; os.setuid(0); open(\"@/ready\", \"w\").close(); time.sleep(600)'\n"
               "autostart=false\n", preexec=as_nobody)

    def session(daemon):
        daemon.rpc.startProcess("x")
        pid = daemon.pid_of("x")
        eventually(lambda: daemon.box.exists("ready"), what="a program of root")
        seen = [daemon.call("stopProcess", "x"), daemon.state("x"), daemon.call("startProcess", "x"), daemon.call("stopProcess", "x")]
        os.kill(pid, signal.SIGKILL)
        return seen, [line for line in of_process(daemon, "x") if line.startswith("CRIT")]

    def as_contracted(seen, end):
        (stopped, *after), lines = seen
        return stopped[:2] == ["fault", 30] and after == [
            "UNKNOWN", ["fault", 30, "FAILED: x is in an unknown process state"], ["fault", 70, "NOT_RUNNING: x"]] and [
            bool(re.fullmatch("(?s)CRIT unknown problem killing x \\(N\\)" + end, line)) for line in lines] == [True]
    pair.differs("kill-failure", session, lambda seen: as_contracted(seen, ":Traceback.*"),
                 lambda seen: as_contracted(seen, " with SIGTERM: EPERM"))


def test_a_dump_of_core_is_told(pair):
    pair.script("abort", "cd @; ulimit -c unlimited; kill -ABRT $$")
    for box in pair.boxes:
        box.write("abort", box.read("abort").replace("@", box.folder), 0o755)
    pair.start("[program:x]\ncommand=@/abort\nautorestart=false\nstartsecs=0\n")

    def look(daemon):
        daemon.wait_state("x", "EXITED")
        daemon.wait_log("DEBG received SIGCHLD indicating a child quit")
        return [line for line in of_process(daemon, "x") if "terminated" in line], daemon.info("x")["spawnerr"]
    pair.same(look)


@pytest.mark.slow
def test_an_endless_row_of_exits(pair):
    """With startsecs=0 each is a good start, and nothing is ever given up."""
    pair.script("quick", "echo x >> @/runs; exit 1")
    for box in pair.boxes:
        box.write("quick", box.read("quick").replace("@", box.folder), 0o755)
    pair.start("[program:x]\ncommand=@/quick\nstartsecs=0\nstartretries=0\n")

    def look(daemon):
        daemon.box.wait_lines("runs", 4, timeout=30)
        return daemon.state("x") in ("RUNNING", "EXITED", "STARTING"), [
            line for line in of_process(daemon, "x") if "exited" in line][:3], "gave up" in daemon.log()
    pair.same(look)


def test_a_new_start_forgets_the_last_end(pair):
    pair.script("flagged", "[ -e @/flag ] && exec sleep 600\nexit 7")
    for box in pair.boxes:
        box.write("flagged", box.read("flagged").replace("@", box.folder), 0o755)
    pair.start("[program:x]\ncommand=@/flagged\nautorestart=false\nstartsecs=0\n")

    def session(daemon):
        seen = [daemon.wait_state("x", "EXITED")]
        daemon.box.write("flag", "")
        daemon.rpc.startProcess("x")
        seen.append(daemon.wait_state("x", "RUNNING"))
        return [(info["spawnerr"], info["exitstatus"], info["statename"]) for info in seen]
    assert pair.same(session) == [["Bad exit code 7", 7, "EXITED"], ["", 0, "RUNNING"]]


# --- FastCGI

def listening(daemon, port=None):
    """The lengths of the queues of a FastCGI socket, as the system shows them."""
    table = subprocess.run(["ss", "-Hlntx"], capture_output=True, text=True, check=True).stdout
    wanted = f":{port} " if port else f" {daemon.box.folder}/f.sock"
    return [line.split()[3] for line in table.splitlines() if wanted in line]


@pytest.mark.parametrize("options", ["", "socket_backlog=7\n"])
def test_how_many_fastcgi_connections_may_wait(pair, options):
    pair.start(f"[fcgi-program:f]\n{SLEEPER}socket=unix://@/f.sock\n{options}")

    def look(daemon):
        daemon.wait_state("f", "RUNNING")
        return listening(daemon)
    assert len(pair.same(look)) == 1


@pytest.mark.root
@pytest.mark.parametrize("options", ["", "user=nobody\n", "user=root\n", "user=nobody\nsocket_owner=root:daemon\nsocket_mode=0662\n",
                                     "socket_owner=nobody\n", "socket_mode=0777\n"])
def test_to_whom_a_fastcgi_socket_belongs(pair, options):
    for box in pair.boxes:
        os.chmod(box.folder, 0o777)
    pair.start(f"[fcgi-program:f]\n{SLEEPER}socket=unix://@/f.sock\n{options}")

    def look(daemon):
        daemon.wait_state("f", "RUNNING")
        status = os.stat(daemon.box.path("f.sock"))
        return stat.filemode(status.st_mode), status.st_uid, status.st_gid
    pair.same(look)


@pytest.mark.parametrize("kind", ["socket", "empty", "file"])
def test_what_lies_at_the_place_of_a_fastcgi_socket(pair, kind):
    for box in pair.boxes:
        if kind == "socket":
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(box.path("f.sock"))
        else:
            box.write("f.sock", "precious" if kind == "file" else "")
    pair.start(f"[fcgi-program:f]\n{SLEEPER}socket=unix://@/f.sock\nstartretries=0\n")

    def look(daemon):
        daemon.wait_state("f", "RUNNING", "FATAL")
        return daemon.state("f"), stat.S_ISSOCK(os.lstat(daemon.box.path("f.sock")).st_mode), daemon.info("f")["spawnerr"]
    if kind == "file":
        pair.differs("foreign-file", look, lambda seen: seen[:2] == ["RUNNING", True],
                     lambda seen: seen[:2] == ["FATAL", False] and "Address already in use" in seen[2])
    else:
        assert pair.same(look)[:2] == ["RUNNING", True]


def fastcgi_failure(pair):
    """What is said when the socket cannot be made: by the original as it ends, by ours as the program's trouble."""
    def look(daemon):
        daemon.start(wait=False)
        try:
            daemon.wait_up()
            daemon.wait_state("f", "FATAL")
            return "up", daemon.info("f")["spawnerr"]
        except AssertionError:
            return "ended", re.findall("(?m)^ValueError: (.*)$", daemon.output())[-1]
    texts = []
    pair.differs("fcgi-socket", look, lambda seen: seen[0] == "ended" and texts.append(seen[1]) is None,
                 lambda seen: seen[0] == "up" and texts.append(seen[1]) is None)
    original, ours = (re.sub(": '.*'$", "", text) for text in texts)
    assert original == ours
    return ours


@pytest.mark.root
def test_an_owner_that_a_fastcgi_socket_cannot_get(pair):
    for box in pair.boxes:
        os.chmod(box.folder, 0o777)
    pair.start(f"[fcgi-program:f]\n{SLEEPER}socket=unix://@/f.sock\nsocket_owner=root\nstartretries=0\n", preexec=as_nobody, start=False)
    assert "Could not change ownership of socket file: [Errno 1]" in fastcgi_failure(pair)


# --- which changes of the file are seen

CHANGES = """
command=sleep 601 | priority=5 | autostart=true | autorestart=true | startsecs=2 | startretries=9 | exitcodes=0,2 | stopsignal=HUP
stopwaitsecs=9 | stopasgroup=true | killasgroup=true | user=root | redirect_stderr=true | directory=/tmp | umask=022 | serverurl=http://h:1
environment=A=1 | stdout_logfile=NONE | stdout_logfile=@/x | stderr_logfile=@/x | stdout_logfile_maxbytes=9 | stdout_logfile_backups=9
stdout_capture_maxbytes=9 | stdout_events_enabled=true | stdout_syslog=true | stderr_logfile_maxbytes=9 | stderr_logfile_backups=9
stderr_capture_maxbytes=9 | stderr_events_enabled=true | stderr_syslog=true | process_name=y | serverurl=AUTO | nosuch=1 | exitcodes=00
command=sleep  600 | stopsignal=SIGTERM | stopsignal=15 | environment= | numprocs=1 | stdout_logfile=AUTO | startsecs= 1
"""


def test_every_change_of_a_program_is_seen(pair):
    changes = [text.strip().replace("\\n", "\n") for line in CHANGES.strip().splitlines() for text in line.split("|")]
    base = "[program:p{number:02}]\n{command}autostart=false\n"

    def programs(extra):
        return "".join(base.format(number=number, command="" if text.startswith("command") and extra else "command=sleep 600\n").replace(
            "autostart=false\n", "" if text.startswith("autostart") and extra else "autostart=false\n") + (text + "\n" if extra else "")
            for number, text in enumerate(changes))
    pools = "".join(f"[eventlistener:e{n}]\ncommand=cat\nautostart=false\nevents=TICK,TICK_5\n{extra}" for n, extra in
                    enumerate(["buffer_size=9\n", "priority=9\n", "events=TICK\n", ""]))
    sockets = "".join(f"[fcgi-program:f{n}]\ncommand=cat\nautostart=false\n{extra}" for n, extra in
                      enumerate(["socket=unix://@/g0\n", "socket=unix://@/f1\n"]))
    before = (programs(False) + "".join(f"[eventlistener:e{n}]\ncommand=cat\nautostart=false\nevents=TICK,TICK_5\n" for n in range(4))
              + "".join(f"[fcgi-program:f{n}]\ncommand=cat\nautostart=false\nsocket=unix://@/f{n}\n" for n in range(2))
              + "[group:g]\nprograms=g1,g2\n[group:h]\nprograms=g1\npriority=7\n[program:g1]\ncommand=cat\nautostart=false\n"
              "[program:g2]\ncommand=cat\nautostart=false\n[program:gone]\ncommand=cat\nautostart=false\n")
    after = (programs(True) + pools + sockets + "[group:g]\nprograms=g2,g1\n[group:h]\nprograms=g1\npriority=8\n"
             "[program:g1]\ncommand=cat\nautostart=false\n[program:g2]\ncommand=cat\nautostart=false\n[program:new]\ncommand=cat\n")
    pair.start(before)

    def session(daemon):
        daemon.reconfigure(after.replace("@", daemon.box.folder))
        return daemon.rpc.reloadConfig()
    [[added, changed, removed]] = pair.same(session)
    assert added == ["new"] and removed == ["gone"] and len(changed) > 30


def test_a_socket_that_is_given_to_another(pair):
    def text(options):
        return f"[fcgi-program:f]\ncommand=cat\nautostart=false\nsocket=unix://@/f\n{options}"
    pair.start(text(""))

    def session(daemon):
        daemon.reconfigure(text("socket_mode=0777\n").replace("@", daemon.box.folder))
        return daemon.rpc.reloadConfig()
    pair.differs("fcgi-changes", session, lambda seen: seen == [[[], [], []]], lambda seen: seen == [[[], ["f"], []]])


def test_a_variable_that_is_gone(pair):
    pair.start("[program:x]\ncommand=cat %(ENV_GONE)s\nautostart=false\n", supervisord="environment=GONE=1")

    def session(daemon):
        daemon.reconfigure("[program:x]\ncommand=cat %(ENV_GONE)s\nautostart=false\n")
        return daemon.call("reloadConfig")
    pair.differs("forgotten-variables", session, lambda seen: seen[0] == "value",
                 lambda seen: seen[:2] == ["fault", 92] and "ENV_GONE" in seen[2])
