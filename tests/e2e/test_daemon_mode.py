"""In the background: what holds when the starting command returns, and what the daemon makes of its surroundings."""
import os
import re
import resource
import signal
import subprocess

import pytest

from support import procfs
from support.waiting import SCALE, eventually


def background(box, programs="", **config):
    """Starts the daemon as a user would, waits for the command to return, and gives the daemon and the exit code."""
    daemon = box.daemon(programs, foreground=False, start=False, **config)
    daemon.start(wait=False)
    code = daemon.process.wait(20 * SCALE)
    return daemon, code


def running(box, *arguments, **options):
    daemon, code = background(box, *arguments, **options)
    assert code == 0, daemon.output()
    eventually(lambda: box.read("sd.pid").endswith("\n"), what="a pidfile")
    return daemon.wait_up()


@pytest.mark.beyond("background-answers")
def test_the_command_returns_when_the_daemon_answers(box):
    daemon, code = background(box, "[program:x]\ncommand=sleep 60")
    # No waiting here: this is what "returned" means.
    assert code == 0
    assert daemon.rpc.getState() == {"statecode": 1, "statename": "RUNNING"}
    assert box.read("sd.pid") == f"{daemon.rpc.getPID()}\n"


def test_the_daemon_is_detached(box):
    daemon = running(box)
    assert daemon.output() == ""
    assert procfs.session(daemon.pid) == daemon.pid
    assert [os.readlink(f"/proc/{daemon.pid}/fd/{number}") for number in (0, 1, 2)] == ["/dev/null"] * 3
    # Whoever reads the command's output must come to its end: none of the daemon's processes keeps it open.
    for pid in procfs.with_marker(f"TEST_BOX={box.env['TEST_BOX']}"):
        assert box.path("daemon.out") not in [os.readlink(f"/proc/{pid}/fd/{n}") for n in procfs.descriptors(pid)], pid
    assert daemon.rpc.getPID() == daemon.pid
    assert "daemonizing the supervisord process" in daemon.log()
    assert f"supervisord started with pid {daemon.pid}" in daemon.log()


def test_directory_and_umask_apply_to_the_daemon_and_its_children(box):
    os.mkdir(box.path("d"))
    daemon = running(box, "[program:x]\ncommand=/bin/sh -c 'pwd; umask; exec sleep 60'\n"
                          f"stdout_logfile={box}/x.log", supervisord=f"directory={box}/d\numask=027")
    assert os.readlink(f"/proc/{daemon.pid}/cwd") == box.path("d")
    assert f"set current directory: '{box}/d'" in daemon.log()
    assert box.wait_lines("x.log", 2) == [box.path("d"), "0027"]
    assert os.stat(box.path("x.log")).st_mode & 0o777 == 0o640


def test_directory_and_umask_are_for_daemon_mode_only(box):
    os.mkdir(box.path("d"))
    daemon = box.daemon("", supervisord=f"directory={box}/d\numask=027")
    assert os.readlink(f"/proc/{daemon.pid}/cwd") == box.folder


def test_relative_paths_of_log_and_pidfile_are_those_of_the_starting_directory(box):
    os.mkdir(box.path("d"))
    box.write("sd.conf", f"[unix_http_server]\nfile={box}/s\n[supervisord]\nlogfile=rel.log\npidfile=rel.pid\n"
                         f"directory={box}/d\n[rpcinterface:supervisor]\n"
                         "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n")
    done = box.execute(box.suite.supervisord, "-c", box.path("sd.conf"))
    assert done.code == 0
    eventually(lambda: box.read("rel.pid").endswith("\n"), what="a pidfile")
    os.kill(int(box.read("rel.pid")), signal.SIGTERM)
    eventually(lambda: not box.exists("rel.pid"), what="the pidfile gone")
    assert "supervisord started with pid" in box.read("rel.log")


@pytest.mark.beyond("relative-configuration")
def test_a_relative_configuration_is_found_again_after_the_change_of_directory(box):
    os.mkdir(box.path("d"))
    box.write("sd.conf", box.config("", supervisord=f"directory={box}/d"))
    assert box.execute(box.suite.supervisord, "-c", "sd.conf").code == 0
    done = box.execute(box.suite.supervisorctl, "-c", "sd.conf", "reread")
    assert (done.code, done.out) == (0, "No config updates to processes\n")


def test_a_second_daemon_on_the_same_socket_is_refused_and_the_first_undisturbed(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60")
    pid = daemon.wait_state("x", "RUNNING")["pid"]
    text = box.config("").replace("sd.log", "other.log").replace("sd.pid", "other.pid")
    done = box.execute(box.suite.supervisord, "-n", "-c", box.write("other.conf", text))
    assert done.code == 2
    assert ("Error: Another program is already listening on a port that one of our HTTP servers is configured to use."
            "  Shut this program down first before starting supervisord.\nFor help, use ") in done.err
    assert daemon.pid_of("x") == pid


@pytest.mark.beyond("background-exit-code")
def test_in_daemon_mode_too_a_failed_start_is_the_exit_code(box):
    box.daemon("")
    text = box.config("").replace("sd.log", "other.log").replace("sd.pid", "other.pid")
    done = box.execute(box.suite.supervisord, "-c", box.write("other.conf", text))
    assert done.code == 2 and "Another program is already listening" in done.err


def test_a_taken_tcp_port_is_refused(box, new_box):
    first = box.daemon("", inet="")
    other = new_box()
    other.port = box.port
    done = other.execute(box.suite.supervisord, "-n", "-c", other.write("sd.conf", other.config("", inet="")))
    assert done.code == 2 and "Another program is already listening on a port" in done.err
    assert first.rpc.getState()["statename"] == "RUNNING"


def test_a_stale_socket_is_replaced(box):
    daemon = box.daemon("")
    daemon.process.kill()
    daemon.process.wait()
    assert box.exists("s")
    daemon.start()
    assert f"Unlinking stale socket {box}/s\n" in daemon.output()


def test_exit_removes_what_was_created(box):
    daemon = box.daemon("")
    assert daemon.stop() == 0
    assert not box.exists("s") and not box.exists("sd.pid")
    assert not [name for name in os.listdir(box.folder) if name.startswith("s.")]


def test_a_pidfile_that_cannot_be_written_is_not_fatal(box):
    os.mkdir(box.path("sd.pid"))
    daemon = box.daemon("")
    assert ("CRIT", f"could not write pidfile {box}/sd.pid") in daemon.messages()


def test_socket_mode_is_as_configured(box):
    box.daemon("", unix="chmod=0770")
    assert os.stat(box.path("s")).st_mode & 0o7777 == 0o770


@pytest.mark.root
def test_socket_owner_is_as_configured(box):
    box.daemon("", unix="chown=nobody:nogroup")
    status = os.stat(box.path("s"))
    assert (status.st_uid, status.st_gid) == (65534, 65534)


@pytest.mark.root
def test_user_takes_the_daemon_and_its_children_off_root(box):
    os.chmod(box.folder, 0o777)
    daemon = box.daemon(f"[program:x]\ncommand=/bin/sh -c 'id -u; id -g; exec sleep 60'\nstdout_logfile={box}/x.log",
                        supervisord="user=nobody")
    assert procfs.status(daemon.pid, "Uid").split() == ["65534"] * 4
    assert procfs.status(daemon.pid, "Gid").split() == ["65534"] * 4
    assert box.wait_lines("x.log", 2) == ["65534", "65534"]
    assert ("INFO", "Set uid to user 65534 succeeded") in daemon.messages()


@pytest.mark.root
def test_root_without_a_user_is_warned(box):
    daemon = box.daemon("")
    assert ("CRIT", "Supervisor is running as root.  Privileges were not dropped because no user is specified in the "
                    "config file.  If you intend to run as root, you can set user=root in the config file to avoid "
                    "this message.") in daemon.messages()


@pytest.mark.root
def test_who_is_not_root_cannot_take_another_user(box):
    os.chmod(box.folder, 0o777)
    path = box.write("sd.conf", box.config("", supervisord="user=root"))
    done = box.execute(box.suite.supervisord, "-n", "-c", path,
                       preexec=lambda: (os.setgroups([]), os.setgid(65534), os.setuid(65534)))
    assert done.code == 2 and done.err.startswith("Error: Can't drop privilege as nonroot user\nFor help, use "), done


def limits(soft, hard):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_minfds_raises_the_limit(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60", supervisord="minfds=700", preexec=limits(300, 2000))
    assert ("INFO", "Increased RLIMIT_NOFILE limit to 700") in daemon.messages()
    assert resource.prlimit(daemon.wait_executed("x"), resource.RLIMIT_NOFILE)[0] == 700


def test_a_configuration_that_cannot_fit_is_told_with_the_limit_that_would_do(box):
    many = "[program:x]\ncommand=sleep 60\nautostart=false\nnumprocs={}\nprocess_name=x%(process_num)d\n"
    told = [text for level, text in box.daemon(many.format(500), supervisord="minfds=700",
                                               preexec=limits(300, 2000)).messages() if level == "WARN"]
    assert len(told) == 1, told
    assert told[0] == ("all programs of the configuration together need about 2064 open files, and the limit is 2000: "
                       "raise the hard limit of open files (LimitNOFILE= of a systemd unit, ulimit -Hn) or minfds to "
                       "2064, or programs that do not fit will not start")


def test_a_configuration_that_fits_is_not_warned_about(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 60\nautostart=false\nnumprocs=350\nprocess_name=x%(process_num)d\n",
                        supervisord="minfds=700", preexec=limits(300, 2000))
    assert not [text for level, text in daemon.messages() if level == "WARN"]


@pytest.mark.root
def test_minfds_that_cannot_be_had_are_refused(box):
    os.chmod(box.folder, 0o777)

    def poor():
        limits(300, 300)()
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    path = box.write("sd.conf", box.config("", supervisord="minfds=700"))
    done = box.execute(box.suite.supervisord, "-n", "-c", path, preexec=poor)
    assert done.code == 2, done
    assert re.match(r"Error: The minimum number of file descriptors required to run this process is 700 as per the "
                    r'"minfds" command-line argument or config file setting. The current environment will only allow '
                    r"you to open (300|700) file descriptors.  Either raise the number of usable file descriptors in "
                    r"your environment \(see README.rst\) or lower the minfds setting in the config file to allow the "
                    r"process to start.\n", done.err), done


def test_messages_of_the_start_come_in_order(box):
    box.write("inc/1.conf", "[program:x]\ncommand=sleep 60\n")
    daemon = running(box, "[include]\nfiles = none/*.conf inc/1.conf\n")
    texts = [text for _, text in daemon.messages()]
    expected = [f'No file matches via include "{box}/none/*.conf"',
                f'Included extra file "{box}/inc/1.conf" during parsing',
                "RPC interface 'supervisor' initialized",
                "Server 'unix_http_server' running without any HTTP authentication checking",
                "daemonizing the supervisord process",
                f"supervisord started with pid {daemon.pid}"]
    places = [texts.index(text) for text in expected]
    assert places == sorted(places), texts


def test_no_descriptor_is_leaked_to_children(box):
    readable, writable = os.pipe()
    try:
        os.set_inheritable(readable, True)
        text = box.config(f"[program:x]\ncommand=/bin/sh -c 'ls /proc/self/fd; exec sleep 60'\nstdout_logfile={box}/x")
        process = box.start([box.suite.supervisord, "-n", "-c", box.write("sd.conf", text)], pass_fds=(readable,),
                            stdout=subprocess.DEVNULL)
        # Three of its own and the one that ls opens for the folder.
        assert box.wait_lines("x", 4) == ["0", "1", "2", "3"]
        process.terminate()
        process.wait(20 * SCALE)
    finally:
        os.close(readable)
        os.close(writable)
