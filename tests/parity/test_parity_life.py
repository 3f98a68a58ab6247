"""The life of the daemon: finding its file, taking its identity and limits, its servers, its signals, its end."""
import os
import re
import resource
import signal
import socket
import subprocess

import pytest

from support.http import outcome, xmlrpc_client
from support.waiting import SCALE, eventually, promptly

HEAD = "[supervisord]\n"
SLEEPER = "command=sleep 600\n"
NOBODY = 65534


def as_nobody(also=lambda: None):
    def change():
        also()
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    return change


def refused(pair, *arguments, **options):
    """What a start that is refused says; @ is the folder."""
    return pair.same_in_box(lambda box: box.execute(box.suite.supervisord, *[a.replace("@", str(box)) for a in arguments],
                                                    **options))


def plain(daemon, drop=()):
    """The main log without pids and what is not the same in two runs."""
    seen = [f"{level} " + (text if "exit status" in text else re.sub(r"(pid[: ]|[(])[0-9]+", r"\1N", text))
            for level, text in daemon.messages()]
    return [line for line in seen if not any(word in line for word in ("stopped monitoring", "SIGCHLD", *drop))]


# --- finding the file

PLACES = ["etc/supervisord.conf", "supervisord.conf", "cwd/supervisord.conf", "cwd/etc/supervisord.conf"]


@pytest.mark.parametrize("program", ["supervisord", "supervisorctl"])
def test_the_first_of_the_default_places_wins(pair, program):
    for place in PLACES:
        pair.write(place, f"[supervisord]\nidentifier=%({place})s\n[supervisorctl]\nprompt=%({place})s\n")

    def search(box):
        os.makedirs(box.path("bin"), exist_ok=True)
        os.symlink(getattr(box.suite, program), box.path("bin", program))
        said = []
        for _ in PLACES:
            done = box.execute(box.path("bin", program), cwd=box.path("cwd"))
            found = re.search(r"\('([\w/.]+)'\) which cannot be expanded", done.err)
            said += [found and found[1], done.code]
            os.unlink(box.path(found[1]))
        return said
    seen = pair.same_in_box(search)
    assert seen[0::2] == PLACES


@pytest.mark.root
def test_root_is_warned_of_a_search_in_the_working_directory(pair):
    pair.write("supervisord.conf", "[supervisord]\nminfds=x\n")

    def warning(box):
        done = box.execute(box.suite.supervisord)
        return re.findall(r"Supervisord is running as root and it is searching.*security\.", done.err)
    assert len(pair.same_in_box(warning)) == 1


def hidden(box, *arguments):
    """Runs a program with nothing in /etc/supervisor."""
    os.makedirs(box.path("empty"), exist_ok=True)
    return box.execute("unshare", "-m", "sh", "-c", f"mount --bind {box}/empty /etc/supervisor && exec \"$@\"", "sh", *arguments)


def can_hide():
    return os.path.isdir("/etc/supervisor") and os.geteuid() == 0 and subprocess.run(
        ["unshare", "-m", "mount", "--bind", "/tmp", "/etc/supervisor"], capture_output=True, check=False).returncode == 0


@pytest.mark.root
def test_no_file_at_all(pair):
    if not can_hide():
        pytest.skip("this machine lets nobody hide /etc/supervisor")

    def look(box):
        os.mkdir(box.path("bin"))
        os.symlink(box.suite.supervisord, box.path("bin/supervisord"))
        os.symlink(box.suite.supervisorctl, box.path("bin/supervisorctl"))
        control = hidden(box, box.path("bin/supervisorctl"), "pid")
        daemon = hidden(box, box.path("bin/supervisord"), "-n")
        return control, daemon.code, daemon.err[daemon.err.index("Error: "):]
    assert "refused connection" in pair.same_in_box(look)[0]["out"]


def test_a_folder_is_no_configuration(pair):
    assert "could not read config file" in refused(pair, "-c", "@")["err"]


# --- identity and limits

@pytest.mark.root
@pytest.mark.parametrize("option, kind", [("minfds=700", resource.RLIMIT_NOFILE), ("minprocs=700", resource.RLIMIT_NPROC)])
def test_limits_that_cannot_be_had(pair, option, kind):
    for box in pair.boxes:
        os.chmod(box.folder, 0o777)
        box.write("sd.conf", box.config("", supervisord=option))
    seen = refused(pair, "-n", "-c", "@/sd.conf", preexec=as_nobody(lambda: resource.setrlimit(kind, (300, 300))))
    assert seen["code"] == 2 and "The minimum number of" in seen["err"]


def may_raise_limits():
    with open("/proc/self/status", encoding="ascii") as status:
        return bool(int(re.search(r"CapEff:\s*(\w+)", status.read())[1], 16) >> 24 & 1)


@pytest.mark.root
@pytest.mark.parametrize("hard", [2000, 500])
def test_limits_are_raised(pair, hard):
    if hard < 700 and not may_raise_limits():
        pytest.skip("needs CAP_SYS_RESOURCE")

    def set_limits():
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
        resource.setrlimit(resource.RLIMIT_NPROC, (1000, 20000))
    pair.start(f"[program:x]\n{SLEEPER}", supervisord="minfds=700\nminprocs=2000", preexec=set_limits)

    def look(daemon):
        pid = daemon.wait_executed("x")
        return [resource.prlimit(pid, kind) for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC)] + [
            text for _, text in daemon.messages() if "Increased" in text]
    seen = pair.same(look)
    assert seen[0][0] == 700 and len(seen) == 4


def test_a_limit_that_is_none_is_left_alone(pair):
    if resource.getrlimit(resource.RLIMIT_NPROC) != (resource.RLIM_INFINITY, resource.RLIM_INFINITY):
        pytest.skip("the number of processes is limited here")
    pair.start("", supervisord="minprocs=100000000")
    assert pair.same(lambda daemon: [text for _, text in daemon.messages() if "Increased" in text]) == []


@pytest.mark.root
@pytest.mark.parametrize("capability", ["setgid", "setuid"])
def test_an_identity_that_the_system_refuses(pair, capability):
    for box in pair.boxes:
        os.chmod(box.folder, 0o777)
        box.write("sd.conf", box.config("", supervisord="user=nobody"))

    def look(box):
        return box.execute("setpriv", f"--bounding-set=-{capability}", f"--inh-caps=-{capability}", box.suite.supervisord,
                           "-n", "-c", box.path("sd.conf"))
    def words(done):
        return {"code": done["code"] != 0, "err": re.findall("Could not set group.*|Operation not permitted", done["err"])[:1]}
    pair.same_in_box(look, words)


# --- what is left of an earlier life

def test_logs_of_an_earlier_life_are_removed(pair):
    names = ["x-stdout---me-abc.log", "x-stdout---me-abc.log.1", "x-stdout---me-abc.log.12345x", "x-stdout---you-abc.log",
             "---me-abc.log", "a---me-b---me-c.log", "x---me-.log", "x---me-a b.log", "x---me-ab.logger", "x---mex-ab.log",
             "supervisord.log", "x---me-é.log", "x---me-ab.txt", "x---me-a.log---me-b"]
    for name in names:
        pair.write(name, "")
    for box in pair.boxes:
        os.mkdir(box.path("y---me-ab.log"))
    pair.start(f"[program:x]\n{SLEEPER}autostart=false\n[program:quiet]\ncommand=cat\nstdout_logfile=NONE\nstderr_logfile=NONE\n",
               supervisord="identifier=me")

    def look(daemon):
        files = sorted(re.sub(r"me-[a-z0-9_]{8}\.log$", "me-RANDOM.log", name) for name in os.listdir(daemon.box.folder))
        return [[name for name in files if name.split(".")[0] not in ("sd", "daemon", "s")],
                [text for level, text in daemon.messages() if level == "WARN"]]
    seen = pair.same(look)
    assert "x-stdout---me-RANDOM.log" in seen[0] and "x-stdout---me-abc.log" not in seen[0] and len(seen[1]) == 1


@pytest.mark.root
def test_a_folder_of_logs_that_may_not_be_listed(pair):
    for box in pair.boxes:
        os.chmod(box.folder, 0o777)
        os.mkdir(box.path("logs"))
        os.chmod(box.path("logs"), 0o733)
    pair.start("[program:x]\ncommand=cat\n", supervisord="childlogdir=@/logs\nloglevel=info", preexec=as_nobody(), start=False)

    def look(daemon):
        box = daemon.box
        box.write("sd.conf", box.read("sd.conf").replace(f"childlogdir={box}\n", ""))
        daemon.start().wait_state("x", "RUNNING")
        return plain(daemon), len(os.listdir(box.path("logs")))
    seen = pair.same(look)
    assert "WARN Could not clear childlog dir" in seen[0] and seen[1] == 2


@pytest.mark.parametrize("options, arguments", [("nocleanup=true", []), ("", ["-k"])])
def test_nocleanup_leaves_them(pair, options, arguments):
    pair.write("x-stdout---supervisor-abc.log", "old")
    pair.start("", supervisord=options, arguments=arguments)
    assert pair.same(lambda daemon: daemon.box.read("x-stdout---supervisor-abc.log")) == "old"


# --- its file, for supervisorctl

@pytest.mark.parametrize("text", ["supervisor.ctl_factory=nosuch.module:factory\n", "other=1\n", "supervisor.ctl_factory=%(nosuch)s\n"])
def test_a_plugin_that_cannot_be_loaded(pair, text):
    pair.write("sd.conf", "[supervisord]\n[supervisorctl]\n[ctlplugin:x]\n" + text)
    seen = pair.same_in_box(lambda box: box.execute(box.suite.supervisorctl, "-c", box.path("sd.conf"), "version"),
                            lambda done: [re.sub(r"\]: .*", "]", done["err"].splitlines()[0]), done["code"], done["out"]])
    assert seen[0].startswith("Error: ") and seen[1:] == [2, ""]


# --- its servers

def refused_server(pair, text, **options):
    for box in pair.boxes:
        config = box.config("").replace("[unix_http_server]", "[unix_http_server:zz]")
        box.write("sd.conf", text.replace("@", str(box)).replace("PORT", str(box.port)) + config)

    def run(box):
        done = box.execute(box.suite.supervisord, "-n", "-s", "-c", box.path("sd.conf"), **options)
        return done
    return pair.same_in_box(run)


@pytest.mark.parametrize("text", [
    "[inet_http_server]\nport=192.0.2.1:9\n",
    "[unix_http_server]\nfile=@/none/s\n",
    "[inet_http_server:a]\nport=127.0.0.1:PORT\n[inet_http_server:b]\nport=127.0.0.1:PORT\n",
], ids=["address", "folder", "port"])
def test_a_server_that_cannot_be_opened(pair, text):
    seen = refused_server(pair, text)
    assert seen["code"] == 2 and "Error: " in seen["err"]


@pytest.mark.parametrize("text", ["[inet_http_server]\nport=nosuch.invalid:9\n", "[inet_http_server]\nport=[::1]:9\n",
                                  "[unix_http_server]\nfile=@/" + 120 * "s" + "\n"], ids=["host", "brackets", "path"])
def test_what_only_python_calls_an_errno(pair, text):
    for box in pair.boxes:
        box.write("sd.conf", HEAD + text.replace("@", str(box)))
    pair.differs_in_box("server-error", lambda box: box.execute(box.suite.supervisord, "-n", "-c", box.path("sd.conf")),
                        lambda done: done["code"] == 2 and "socket.error reported" in done["err"],
                        lambda done: done["code"] == 2 and re.search("Name or service not known|errno.ENAMETOOLONG", done["err"]))


@pytest.mark.root
def test_a_machine_that_does_not_know_its_own_name(pair):
    for box in pair.boxes:
        box.write("sd.conf", HEAD + f"identifier=me\n[inet_http_server]\nport={box.port}\n")

    def look(box):
        # The original ends by itself.
        return box.execute("unshare", "-u", "sh", "-c", f"hostname nosuch.invalid && exec timeout {25 if box.suite.is_reference else 5} \"$@\"",
                           "sh", box.suite.supervisord, "-n", "-c", box.path("sd.conf"), timeout=40)
    pair.differs_in_box("own-name", look, lambda done: "Could not determine IP address for hostname" in done["err"],
                        lambda done: "supervisord started with" in done["out"] and done["err"] == "")


@pytest.mark.root
def test_an_owner_that_a_socket_cannot_get(pair):
    for box in pair.boxes:
        os.chmod(box.folder, 0o777)
    seen = refused_server(pair, "[unix_http_server]\nfile=@/t\nchown=root:root\n", preexec=as_nobody())
    assert "Not permitted to chown" in seen["err"]


@pytest.mark.parametrize("kind", ["stale", "empty", "link", "dangling", "file"])
def test_what_lies_at_the_place_of_the_socket(pair, kind):
    def prepare(box):
        path = box.path("s")
        if kind == "stale":
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(path)
        elif kind in ("file", "empty"):
            box.write("s", "precious" if kind == "file" else "")
        else:
            os.symlink(box.path("target"), path)
            if kind == "link":
                box.write("target", "precious")
    for box in pair.boxes:
        prepare(box)
    pair.start("", start=False)

    def look(daemon):
        daemon.start(wait=False)
        try:
            daemon.wait_up()
            return "up", os.path.exists(daemon.box.path("target")), daemon.output().count("Unlinking stale socket")
        except AssertionError:
            return "refused", daemon.wait_exit(), daemon.box.read("s")
    if kind == "file":
        pair.differs("foreign-file", look, lambda seen: seen[0] == "up", lambda seen: seen == ["refused", 2, "precious"])
    else:
        pair.same(look)


def test_the_socket_of_a_daemon_that_hangs(pair):
    pair.start("")

    def look(daemon):
        box = daemon.box
        text = box.config("").replace("sd.log", "other.log").replace("sd.pid", "other.pid")
        path = box.write("other.conf", text)
        stopped = [daemon.pid] if daemon.suite.is_reference else [daemon.pid, daemon.manager]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        done = box.execute("timeout", "3" if box.suite.is_reference else "20", box.suite.supervisord, "-n", "-c", path)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        return done
    pair.differs("hung-owner", look, lambda done: done["code"] == 124 and "Error" not in done["err"],
                 lambda done: done["code"] == 2 and "Another program is already listening" in done["err"])


@pytest.mark.parametrize("credentials", ["username=\npassword=p", "username=u\npassword="])
def test_credentials_that_are_empty(pair, credentials):
    pair.start("", unix=credentials, start=False)

    def look(daemon):
        daemon.start(wait=False)
        daemon.wait_log("started with pid")
        daemon.credentials = None
        seen = [daemon.call("getState")]
        daemon.credentials = ("u", "")
        seen.append(daemon.call("getState"))
        return seen, [text for _, text in daemon.messages() if "authentication" in text]
    pair.same(look)


def test_servers_as_they_are_announced(pair):
    pair.start("", supervisord="loglevel=trace", unix="username=u\npassword=p", inet="",
               more="[unix_http_server:second]\nfile=@/t\n[rpcinterface:again]\n"
                    "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n", start=False)

    def look(daemon):
        daemon.credentials = ("u", "p")
        daemon.start()
        lines = [line for line in plain(daemon) if re.search("RPC interface|Server '|Medusa", line)]
        return [re.sub(r"(started at).*?\n|(Hostname:) (?!<).*\n", r"\1\2 X\n", line) for line in lines]
    assert len(pair.same(look)) >= 10


def test_without_an_interface_there_is_no_method(pair):
    def look(box):
        box.write("sd.conf", HEAD + f"logfile={box}/sd.log\npidfile={box}/sd.pid\n[unix_http_server]\nfile={box}/s\n")
        process = box.start([box.suite.supervisord, "-n", "-c", box.path("sd.conf")], stdout=subprocess.DEVNULL)
        eventually(lambda: "started with pid" in box.read("sd.log"), what="the start")
        server = xmlrpc_client(box.path("s"), None)
        seen = [outcome(server.supervisor.getState), outcome(server.supervisor.shutdown), outcome(server.system.listMethods)]
        process.terminate()
        process.wait(20 * SCALE)
        return seen
    assert pair.same_in_box(look)[0] == ["fault", 1, "UNKNOWN_METHOD"]


def test_how_many_connections_may_wait(pair):
    pair.start("", inet="")

    def backlogs(daemon):
        table = subprocess.run(["ss", "-Hlntx"], capture_output=True, text=True, check=True).stdout
        return sorted(line.split()[3] for line in table.splitlines()
                      if f":{daemon.box.port} " in line or f" {daemon.box.folder}/" in line)
    assert pair.same(backlogs) == ["1024"] * 2


# --- signals and the end

DEAF = "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n"


def test_signals_while_it_shuts_down(pair):
    pair.script("deaf", DEAF)
    pair.start("[program:x]\ncommand=@/deaf\nstopwaitsecs=50\nstdout_logfile=@/out\n")

    def session(daemon):
        daemon.box.wait_lines("out", 1)
        child = daemon.wait_state("x", "RUNNING")["pid"]
        daemon.signal(signal.SIGTERM)
        daemon.wait_log("killing x")
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("SIGHUP")
        daemon.signal(signal.SIGUSR2)
        daemon.wait_log("SIGUSR2")
        os.kill(child, signal.SIGKILL)
        return daemon.wait_exit(), plain(daemon, drop=("waiting for",))
    assert any("ignored SIGHUP" in line for line in pair.same(session)[1])


def test_signals_that_come_twice_are_one(pair):
    pair.start("")

    def session(daemon):
        processes = [daemon.pid] if daemon.suite.is_reference else [daemon.pid, daemon.manager]
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        for _ in range(3):
            daemon.signal(signal.SIGUSR2)
        for pid in processes:
            os.kill(pid, signal.SIGCONT)
        daemon.wait_log("supervisord logreopen")
        daemon.stop()
        return [text for _, text in daemon.messages() if "USR2" in text or "reopen" in text]
    assert len(pair.same(session)) == 2


def test_a_term_during_a_restart_is_the_end(pair):
    pair.script("deaf", DEAF)
    pair.start("[program:x]\ncommand=@/deaf\nstopwaitsecs=50\nstdout_logfile=@/out\n")

    def session(daemon):
        daemon.box.wait_lines("out", 1)
        child = daemon.wait_state("x", "RUNNING")["pid"]
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("killing x")
        daemon.signal(signal.SIGTERM)
        daemon.wait_log("SIGTERM indicating")
        os.kill(child, signal.SIGKILL)
        return daemon.wait_exit(), daemon.box.exists("sd.pid"), daemon.box.exists("s"), plain(daemon, drop=("waiting for",))
    assert pair.same(session)[0:3] == [0, False, False]


@pytest.mark.slow
def test_the_second_life(pair):
    """Of a restart the whole log is the same: what is done again and what is not."""
    pair.script("wait", "exec sleep 600")
    pair.start("[program:x]\ncommand=@/wait\n[program:y]\ncommand=@/wait\nautostart=false\n[program:bad]\ncommand=/no/such/file\n"
               "startretries=0\n", supervisord="minfds=64\nidentifier=other", arguments=["-i", "me"], inet="")

    def session(daemon):
        daemon.wait_state("x", "RUNNING")
        daemon.wait_state("bad", "FATAL")
        before = {name for name in os.listdir(daemon.box.folder) if "---me-" in name}
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("supervisord started with pid", count=2, timeout=20)
        daemon.wait_up()
        daemon.wait_state("x", "RUNNING")
        daemon.wait_state("bad", "FATAL")
        after = {name for name in os.listdir(daemon.box.folder) if "---me-" in name}
        lines = plain(daemon, drop=("waiting for",))
        return {name: [line for line in lines if re.search(rf"\b{name}\b", line)] for name in ("x", "bad")}, [
            line for line in lines if not re.search(r"\b(x|bad)\b", line)], len(before), len(after), before & after
    assert pair.same(session)[2:] == [6, 6, set()]


@pytest.mark.slow
def test_a_second_life_elsewhere(pair):
    """Everything of [supervisord] and the servers may change with a restart, only the pid stays."""
    pair.start(f"[program:x]\n{SLEEPER}", inet="")

    def session(daemon):
        box = daemon.box
        daemon.wait_state("x", "RUNNING")
        os.mkdir(box.path("logs"))
        pid = daemon.pid
        text = box.config(f"[program:y]\n{SLEEPER}redirect_stderr=true\n", unix="chmod=0770",
                          supervisord="identifier=second\nloglevel=warn\numask=077\nminfds=2000")
        for old, new in ((f"file={box}/s\n", f"file={box}/t\n"), ("sd.log", "second.log"), ("sd.pid", "second.pid"),
                         (f"childlogdir={box}", f"childlogdir={box}/logs")):
            text = text.replace(old, new)
        box.write("sd.conf", text)
        daemon.signal(signal.SIGHUP)
        daemon.address = box.path("t")
        eventually(lambda: daemon.call("getIdentification") == ("value", "second"), 20, "the second life")
        daemon.wait_state("y", "RUNNING")
        with socket.socket() as client:
            refused_now = client.connect_ex(("127.0.0.1", box.port)) != 0
        seen = [daemon.rpc.getPID() == pid, refused_now, os.stat(box.path("t")).st_mode & 0o777, box.read("second.pid") == f"{pid}\n",
                sorted(name for name in os.listdir(box.folder) if not re.search(r"daemon.out|logs|---|programs", name)),
                [re.sub("-[a-z0-9_]{8}.log", "-RANDOM.log", name) for name in os.listdir(box.path("logs"))],
                re.findall("[A-Z]{4} .*", box.read("second.log")), plain(daemon, drop=("waiting for",))[-1]]
        daemon.signal(signal.SIGTERM)
        return seen, daemon.wait_exit(), sorted(name for name in os.listdir(box.folder) if not re.search("---|programs", name))
    assert pair.same(session)[0][:4] == [True, True, 0o770, True]


@pytest.mark.slow
def test_connections_that_are_open_do_not_hinder_a_restart(pair):
    """As in 4.3; 4.2.5 may find its own port taken."""
    pair.start("", inet="")

    def session(daemon):
        clients = [socket.create_connection(("127.0.0.1", daemon.box.port)) for _ in range(3)]
        clients[1].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        clients[2].sendall(b"GET /")
        clients[1].recv(100)
        daemon.signal(signal.SIGHUP)
        try:
            daemon.wait_log("supervisord started with pid", count=2)
            daemon.wait_up()
            return True
        finally:
            for client in clients:
                client.close()
    assert session(pair.daemons[1])


@pytest.mark.slow
def test_what_is_told_of_a_long_end(pair):
    pair.script("deaf", DEAF).script("fail", "exit 1")
    pair.start("[program:a]\ncommand=@/deaf\nstopwaitsecs=5\nstdout_logfile=@/out\n[program:b]\ncommand=sleep 600\npriority=1\n"
               "[program:fail]\ncommand=@/fail\nstartsecs=10\nstartretries=100\npriority=2000\n", supervisord="loglevel=blather")

    def session(daemon):
        daemon.box.wait_lines("out", 1)
        daemon.wait_state("a", "RUNNING")
        daemon.wait_state("b", "RUNNING")
        daemon.wait_log("exited: fail", count=3)  # and three seconds until the next try
        daemon.signal(signal.SIGTERM)
        code = daemon.wait_exit()
        texts = [text for _, text in daemon.messages()]
        # Whether there is one more report behind the end of a depends on the instant of the last one.
        before = texts[:next(place for place, text in enumerate(texts) if text.startswith("killing 'a'"))]
        waiting = [text for text in before if re.match("waiting for .* to die", text)]
        # Whether the first report comes before or behind the first signal is not told.
        states = {text for text in before if re.fullmatch(r"\w+ state: \w+", text)} - {"a state: RUNNING"}
        return code, sorted(set(waiting)), len(waiting) in (2, 3), sorted(states), [t for t in texts if "SIGKILL" in t]
    seen = pair.same(session)
    assert seen[2] and seen[3] == ["a state: STOPPING", "b state: RUNNING"]


def test_listeners_end_last(pair):
    pair.script("listen", "printf 'READY\\n'; exec sleep 600")
    pair.start(f"[program:a]\n{SLEEPER}priority=-5\n[eventlistener:e]\ncommand=@/listen\nevents=TICK_3600\n[program:b]\n{SLEEPER}"
               f"[eventlistener:late]\ncommand=@/listen\nevents=TICK_3600\npriority=1000\n")

    def session(daemon):
        for name in ("a", "b", "e", "late"):
            daemon.wait_state(name, "RUNNING")
        daemon.stop()
        return re.findall(r"spawned: '(\w+)'", daemon.log()), re.findall(r"killing (\w+) ", daemon.log())
    assert pair.same(session) == [["a", "e", "b", "late"], ["late", "b", "e", "a"]]


METHODS = {"getAPIVersion": (), "getState": (), "getPID": (), "getAllProcessInfo": (), "getProcessInfo": ("x",), "readLog": (0, 1),
           "clearLog": (), "startProcess": ("x",), "startProcessGroup": ("x",), "startAllProcesses": (), "stopProcess": ("x",),
           "stopProcessGroup": ("x",), "stopAllProcesses": (), "signalProcess": ("x", "HUP"), "signalAllProcesses": ("HUP",),
           "reloadConfig": (), "addProcessGroup": ("x",), "removeProcessGroup": ("x",), "getAllConfigInfo": (),
           "readProcessStdoutLog": ("x", 0, 1), "tailProcessStderrLog": ("x", 0, 1), "clearProcessLogs": ("x",),
           "clearAllProcessLogs": (), "sendProcessStdin": ("x", "y"), "sendRemoteCommEvent": ("x", "y"), "restart": (), "shutdown": (),
           "getIdentification": (), "getSupervisorVersion": (), "nosuch": ()}


def test_every_method_while_it_shuts_down(pair):
    pair.script("deaf", DEAF)
    pair.start("[program:x]\ncommand=@/deaf\nstopwaitsecs=50\nstdout_logfile=@/out\n")

    def session(daemon):
        daemon.box.wait_lines("out", 1)
        child = daemon.wait_state("x", "RUNNING")["pid"]
        daemon.rpc.shutdown()
        eventually(lambda: daemon.call("getState")[0] == "fault", what="the shutdown")
        seen = {name: daemon.call(name, *arguments) for name, arguments in METHODS.items()}
        os.kill(child, signal.SIGKILL)
        return seen, daemon.wait_exit()
    seen, code = pair.same(session)
    assert code == 0 and {outcome[1] for outcome in seen.values() if outcome[0] == "fault"} == {1, 6}


@pytest.mark.root
def test_a_directory_that_cannot_be_entered(pair):
    """Only who is not root meets it: the folder is there, but closed."""
    for box in pair.boxes:
        os.chmod(box.folder, 0o777)
        os.mkdir(box.path("d"), 0o700)
        box.write("sd.conf", box.config("", supervisord=f"directory={box}/d"))

    def look(box):
        done = box.execute(box.suite.supervisord, "-c", box.path("sd.conf"), preexec=as_nobody())
        eventually(lambda: "started with pid" in box.read("sd.log"), what="the start")
        lines = re.findall(r"[A-Z]{4} .*chdir.*", box.read("sd.log"))
        os.kill(int(box.read("sd.pid")), signal.SIGTERM)
        return done.code, lines
    seen = pair.same_in_box(look)
    assert len(seen[1]) == 1


def test_the_first_program_starts_at_once(pair):
    """As in 4.4; 4.2.5 waits for its first second to pass."""
    pair.start(f"[program:x]\n{SLEEPER}")

    def span(daemon):
        if daemon.log().count("spawned: 'x'") > 0:
            daemon.stop()
            os.unlink(daemon.box.path("sd.log"))
            daemon.start()
        daemon.wait_log("spawned: 'x'")
        stamps = {text.split()[0]: line for line, (_, text) in zip(daemon.log().splitlines(), daemon.messages())}
        def seconds(line):
            hours, minutes, rest = line[11:23].replace(",", ".").split(":")
            return int(hours) * 3600 + int(minutes) * 60 + float(rest)
        return seconds(stamps["spawned:"]) - seconds(stamps["supervisord"])
    promptly(lambda: span(pair.daemons[1]), 0.5)
