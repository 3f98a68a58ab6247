"""Who becomes whom, what a child gets, what others can do in folders that we share with them, and what stays secret."""
import os
import pwd
import re
import signal
import stat
import subprocess

import pytest

from support import procfs
from support.http import Wire, basic, call_body
from support.waiting import eventually

SLEEPER = "command=sleep 1000\n"
NOBODY = pwd.getpwnam("nobody")


def groups(pid):
    return {int(group) for group in procfs.status(pid, "Groups").split()}


def ids(pid, field):
    return {int(number) for number in procfs.status(pid, field).split()}


def as_nobody():
    os.setgroups([])
    os.setgid(NOBODY.pw_gid)
    os.setuid(NOBODY.pw_uid)


# --- users and groups

@pytest.mark.root
def test_a_programs_user_comes_with_its_own_groups_and_none_of_ours(box):
    daemon = box.daemon(f"[program:x]\n{SLEEPER}user=nobody\n[program:number]\n{SLEEPER}user={NOBODY.pw_uid}\n"
                        f"[program:root]\n{SLEEPER}", preexec=lambda: os.setgroups([0, 4, 27, 1234]))
    expected = set(os.getgrouplist("nobody", NOBODY.pw_gid))
    for name in ("x", "number"):
        pid = daemon.wait_state(name, "RUNNING")["pid"]
        assert groups(pid) == expected
        assert ids(pid, "Uid") == {NOBODY.pw_uid} and ids(pid, "Gid") == {NOBODY.pw_gid}
        assert procfs.status(pid, "CapEff") == procfs.status(pid, "CapPrm") == "0" * 16
    assert groups(daemon.wait_state("root", "RUNNING")["pid"]) == {0, 4, 27, 1234}


@pytest.mark.root
@pytest.mark.parametrize("section", ["program", "supervisord"])
def test_all_groups_of_a_user_are_taken(box, section):
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        pytest.skip("no mount namespaces here")
    with open("/etc/group") as file:
        box.write("group", file.read() + "one:x:54321:nobody\ntwo:x:54322:root,nobody\nthree:x:54323:root\n")
    os.chmod(box.folder, 0o777)
    program = "user=nobody\n" if section == "program" else ""
    text = box.config(f"[program:x]\n{SLEEPER}{program}", supervisord="user=nobody" if section == "supervisord" else "")
    box.start(["unshare", "-m", "sh", "-c", f"mount --bind {box}/group /etc/group && exec {box.suite.supervisord} -n -c "
               + box.write("sd.conf", text)], stdout=subprocess.DEVNULL)
    keeper = int(eventually(lambda: box.read("sd.pid"), what="a pidfile"))
    child = eventually(lambda: [p for p in procfs.children(keeper) if procfs.command_line(p)[0] == "sleep"], what="the child")[0]
    wanted = {NOBODY.pw_gid, 54321, 54322}
    assert groups(child) == wanted
    if section == "supervisord":
        for pid in (keeper, *procfs.children(keeper)):
            assert groups(pid) == wanted and ids(pid, "Uid") == {NOBODY.pw_uid}


# --- descriptors

def test_three_descriptors_reach_a_child_of_any_kind(box):
    programs = {
        "program": f"[program:a]\n{SLEEPER}", "redirected": f"[program:b]\n{SLEEPER}redirect_stderr=true\n",
        "without logs": f"[program:c]\n{SLEEPER}stdout_logfile=NONE\nstderr_logfile=NONE\n",
        "listener": f"[eventlistener:d]\n{SLEEPER}events=TICK_3600\n",
        "fcgi": f"[fcgi-program:e]\n{SLEEPER}socket=unix://{box}/f.sock\n"}
    daemon = box.daemon("".join(programs.values()), inet="", preexec=lambda: os.dup2(0, 9, inheritable=True))
    held = [daemon.wire() for _ in range(5)]
    names = "abcde"
    for pid in [daemon.wait_state(n, "RUNNING")["pid"] for n in names]:
        eventually(lambda: procfs.descriptors(pid) == [0, 1, 2], what=lambda: f"three, has {procfs.descriptors(pid)}")
    for connection in held:
        connection.socket.close()


@pytest.mark.beyond("manager")
def test_a_new_manager_leaks_no_descriptor_either(box):
    daemon = box.daemon(f"[program:x]\n{SLEEPER}numprocs=3\nprocess_name=%(process_num)d\n")
    for n in range(3):
        daemon.wait_state(f"x:{n}", "RUNNING")
    manager = daemon.manager
    os.kill(manager, signal.SIGKILL)
    eventually(lambda: daemon.manager != manager and daemon.rpc.getState(), what="a new manager")
    before = daemon.pid_of("x:0")
    os.kill(before, signal.SIGKILL)
    pid = eventually(lambda: daemon.pid_of("x:0") not in (0, before) and daemon.pid_of("x:0"), what="a restart")
    # Until it is loaded it has others of its own.
    eventually(lambda: procfs.descriptors(pid) == [0, 1, 2], what=lambda: f"three, has {procfs.descriptors(pid)}")


# --- shared folders

def shared(box):
    os.mkdir(box.path("shared"))
    os.chmod(box.path("shared"), 0o1777)
    victim = box.write("victim", "precious", 0o600)
    return box.path("shared"), victim


def untouched(victim):
    with open(victim) as file:
        assert file.read() == "precious"
    assert stat.S_IMODE(os.stat(victim).st_mode) == 0o600 and os.stat(victim).st_uid == os.getuid()


@pytest.mark.beyond("planted-files")
@pytest.mark.parametrize("plant", ["link", "dangling link", "hard link", "pipe", "file of somebody else"])
def test_what_is_planted_for_a_pidfile_is_not_followed(box, plant):
    folder, victim = shared(box)
    path = f"{folder}/sd.pid"
    if plant == "link":
        os.symlink(victim, path)
    elif plant == "dangling link":
        os.symlink(box.path("made"), path)
    elif plant == "hard link":
        os.link(victim, path)
    elif plant == "pipe":
        os.mkfifo(path, 0o666)
    elif os.getuid() == 0:
        open(path, "w").close()
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    daemon = box.daemon("", arguments=["-j", path])
    with open(path) as file:
        assert file.read() == f"{daemon.pid}\n"
    assert os.stat(path).st_uid == os.getuid() and not os.path.islink(path)
    assert not box.exists("made")
    daemon.stop()
    untouched(victim)
    assert not os.path.lexists(path)


@pytest.mark.parametrize("plant", ["link", "dangling link", "empty file"])
def test_what_is_planted_for_a_socket_is_not_followed(box, plant):
    folder, victim = shared(box)
    path = f"{folder}/x"
    if plant == "empty file":
        open(path, "w").close()
    else:
        os.symlink(victim if plant == "link" else box.path("made"), path)
    daemon = box.daemon("", more=f"[unix_http_server:two]\nfile={path}\nchmod=0777\n")
    assert stat.S_ISSOCK(os.lstat(path).st_mode) and stat.S_IMODE(os.lstat(path).st_mode) == 0o777
    with Wire(path) as wire:
        assert wire.request("GET", "/ok.html").status == 200
    untouched(victim)
    assert not box.exists("made")
    daemon.stop()
    untouched(victim)


def test_a_file_that_holds_something_is_not_removed_for_a_socket(box):
    folder, victim = shared(box)
    daemon = box.daemon("", start=False, more=f"[unix_http_server:two]\nfile={victim}\n")
    daemon.start(wait=False)
    assert daemon.wait_exit() == 2
    untouched(victim)


@pytest.mark.beyond("planted-files")
def test_automatic_logs_are_private_and_follow_no_link(box):
    folder, victim = shared(box)
    script = box.script("p", "while read line; do echo $line; done\n")
    daemon = box.daemon(f"[program:x]\ncommand={script}\n", supervisord=f"childlogdir={folder}")
    info = daemon.wait_state("x", "RUNNING")
    log = info["stdout_logfile"]
    assert re.fullmatch(rf"{folder}/x-stdout---supervisor-\w{{8}}\.log", log)
    assert stat.S_IMODE(os.stat(log).st_mode) == 0o600
    os.unlink(log)
    os.symlink(victim, log)
    daemon.signal(signal.SIGUSR2)
    daemon.wait_log("logreopen")
    daemon.rpc.sendProcessStdin("x", "secret\n")
    eventually(lambda: not os.path.islink(log) and box.read(log) == "secret\n", what="the line in a log of its own")
    untouched(victim)
    assert stat.S_IMODE(os.stat(log).st_mode) == 0o600
    os.unlink(log)
    os.symlink(victim, log)
    daemon.rpc.clearProcessLogs("x")
    daemon.rpc.sendProcessStdin("x", "again\n")
    eventually(lambda: not os.path.islink(log) and box.read(log) == "again\n", what="the line in the log")
    untouched(victim)


# --- who gets in

@pytest.mark.root
@pytest.mark.parametrize("mode, password, outcome", [
    ("0700", "", "refused"), ("0770", "", "refused"), ("0777", "", 200), ("0777", "username=u\npassword=p", 401)])
def test_who_is_not_root_gets_in_where_mode_and_password_allow(box, mode, password, outcome):
    daemon = box.daemon("", unix=f"chmod={mode}\n{password}", start=False)
    daemon.credentials = ("u", "p") if password else None
    daemon.start()
    body = call_body("supervisor.getState")
    ask = ("import os, socket, sys\n"
           f"os.setgroups([]); os.setgid({NOBODY.pw_gid}); os.setuid({NOBODY.pw_uid})\n"
           "s = socket.socket(socket.AF_UNIX)\n"
           "try:\n"
           f"  s.connect({daemon.address!r})\n"
           "except PermissionError:\n"
           "  print('refused'); sys.exit()\n"
           f"s.sendall(b'POST /RPC2 HTTP/1.1\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n' + {body!r})\n"
           "print(s.recv(100).split()[1].decode())\n")
    done = box.execute(box.python("ask", ask))
    assert done.out == f"{outcome}\n", done


# --- secrets

SECRETS = ["hunter2", "s3cr3t", "0penSesame", "tr0ub4dor"]


def leaks(*texts):
    return [(secret, text[max(0, text.find(secret) - 80):][:200]) for text in texts for secret in SECRETS if secret in text]


def test_no_secret_reaches_a_log_whatever_its_level(box):
    listener = box.python("listener", "import sys\nwhile True:\n  sys.stdout.write('READY\\n'); sys.stdout.flush()\n"
                                      "  head = dict(p.split(':') for p in sys.stdin.readline().split())\n"
                                      "  sys.stdin.read(int(head['len']))\n  sys.stdout.write('RESULT 2\\nOK'); sys.stdout.flush()\n")
    daemon = box.daemon(
        f"[program:x]\n{SLEEPER}environment=TOKEN=\"s3cr3t\",OTHER=\"%(ENV_DEEP)s\"\n"
        f"[program:bad]\ncommand=/nosuch\nenvironment=TOKEN=\"s3cr3t\"\n[program:quick]\ncommand=false\nstartretries=1\n"
        f"environment=TOKEN=\"s3cr3t\"\n[eventlistener:e]\ncommand={listener}\nevents=EVENT\nenvironment=TOKEN=\"s3cr3t\"\n",
        supervisord="loglevel=blather\nenvironment=ALL=\"0penSesame\"", unix="username=me\npassword=hunter2",
        inet="username=me\npassword={SHA}" + "tr0ub4dor".ljust(40, "0"), ctl="username=me\npassword=hunter2",
        env={"DEEP": "0penSesame"}, start=False)
    daemon.credentials = ("me", "hunter2")
    daemon.start()
    daemon.wait_state("x", "RUNNING")
    for call in (("stopProcess", "x"), ("startProcess", "x"), ("startProcess", "bad"), ("reloadConfig",), ("getAllConfigInfo",),
                 ("signalProcess", "x", "USR1"), ("nosuch",), ("sendRemoteCommEvent", "a", "b"), ("readLog", 0, 0)):
        assert not leaks(repr(daemon.call(*call))), call
    for credentials in (("me", "wrong"), ("hunter2", "me")):
        with daemon.wire() as wire:
            wire.request("GET", "/", headers=[f"Authorization: {basic(*credentials)}"])
    with daemon.wire() as wire:
        wire.request("POST", "/RPC2", b"no xml", headers=[f"Authorization: {basic('me', 'hunter2')}"])
    said = [daemon.ctl(*words) for words in (["status"], ["reread"], ["-u", "me", "-p", "wrong", "status"], ["update"])]
    os.kill(daemon.manager, signal.SIGKILL)
    eventually(lambda: daemon.rpc.getState()["statename"] == "RUNNING", what="a new manager")
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.log().count("supervisord started with pid") == 2, what="another life")
    daemon.stop()
    assert "TRAC" in daemon.log()
    assert not leaks(daemon.log(), daemon.output(), *(done.out + done.err for done in said))


MISTAKES = {
    "percent": ("[unix_http_server]\nfile={box}/s\nusername=me\npassword=hunter2%off\n", ""),
    "unknown name": ("[unix_http_server]\nfile={box}/s\nusername=me\npassword=hunter2%(ENV_NOSUCH)s\n", ""),
    "half a login": ("[unix_http_server]\nfile={box}/s\npassword=hunter2\n", ""),
    "environment": ("", "environment=TOKEN=s3cr3t x,A=b\n"),
    "environment with percent": ("", "environment=TOKEN=\"s3cr3t%\"\n"),
    "environment with a name": ("", "environment=TOKEN=\"s3cr3t\",A=%(nosuch)s\n"),
    "environment without end": ("", "environment=TOKEN=\"s3cr3t\n"),
    "misspelt": ("[unix_http_server]\nfile={box}/s\nusername=me\npasword=hunter2\n", ""),
}


@pytest.mark.beyond("secret-values")
@pytest.mark.parametrize("place", ["wrapped", "before a section"])
def test_a_line_that_is_no_option_is_shown_at_the_terminal_alone(box, place):
    daemon = box.daemon(f"[program:x]\n{SLEEPER}", supervisord="loglevel=blather")
    good = box.read("sd.conf")
    broken = good + "environment=TOKEN=\"first\nhunter2\n" if place == "wrapped" else "hunter2\n" + good
    path = box.write("broken.conf", broken)
    for words in (["--check"], ["-n"]):
        done = box.execute(box.suite.supervisord, *words, "-c", path)
        assert done.code == 2 and "'hunter2\\n'" in done.out + done.err
    box.write("sd.conf", broken)
    said = box.execute(box.suite.supervisorctl, "-s", f"unix://{box}/s", "reread")
    assert "CANT_REREAD" in said.out and "'***'" in said.out
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("restart refused")
    assert "line: 1" in daemon.log() or "[line " in daemon.log()
    upgrade = box.execute(box.suite.supervisorctl, "-s", f"unix://{box}/s", "upgrade")
    assert not leaks(daemon.log(), daemon.output(), *(done.out + done.err for done in (said, upgrade)))


@pytest.mark.beyond("secret-values")
@pytest.mark.parametrize("case", MISTAKES)
def test_no_message_about_a_mistake_tells_a_secret(box, case):
    server, program = (text.replace("{box}", str(box)) for text in MISTAKES[case])
    daemon = box.daemon(f"[program:x]\n{SLEEPER}", supervisord="loglevel=blather")
    good = box.read("sd.conf")
    broken = good.replace(f"[program:x]\n{SLEEPER}", f"[program:x]\n{SLEEPER}{program}")
    if server:
        broken = re.sub(r"\[unix_http_server\]\nfile=.*\n", server, broken)
    path = box.write("broken.conf", broken)
    said = [box.execute(box.suite.supervisord, "--check", "-c", path)]
    if case != "misspelt":
        assert said[0].code == 2
        said.append(box.execute(box.suite.supervisord, "-n", "-c", path))
        assert said[1].code == 2
    said.append(box.execute(box.suite.supervisorctl, "-c", path, "-s", f"unix://{box}/s", "pid"))
    box.write("sd.conf", broken)
    said.append(box.execute(box.suite.supervisorctl, "-s", f"unix://{box}/s", "reread"))
    if case != "misspelt":
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("restart refused")
    assert not leaks(daemon.log(), daemon.output(), *(done.out + done.err for done in said))
