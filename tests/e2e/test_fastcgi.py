"""FastCGI programs: one listening socket for the processes of a group, as their descriptor 0."""
import os
import re
import signal
import socket
import stat
import time

import pytest

from support import procfs
from support.waiting import SCALE, eventually


def worker(box):
    """Accepts on descriptor 0 and answers each connection with its pid."""
    return box.python("worker", "import os, socket\nserver = socket.socket(fileno=0)\nwhile True:\n"
                                "    connection, _ = server.accept()\n    connection.sendall(b'%d\\n' % os.getpid())\n"
                                "    connection.close()\n")


def ask(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(15 * SCALE)
        client.connect(address)
        return int(client.makefile().readline())


def socket_messages(daemon):
    return [text for _, text in daemon.messages() if re.match("(Creating|Closing) socket ", text)]


def test_the_processes_of_a_group_answer_on_one_unix_socket(box):
    daemon = box.daemon(f"[fcgi-program:f]\nsocket=unix://{box}/f.sock\ncommand={worker(box)}\nnumprocs=3\n"
                        "process_name=%(process_num)d\n")
    pids = {daemon.wait_state(f"f:{number}", "RUNNING")["pid"] for number in range(3)}
    status = os.stat(box.path("f.sock"))
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700
    assert {ask(box.path("f.sock")) for _ in range(50)} <= pids
    inodes = {os.readlink(f"/proc/{pid}/fd/0") for pid in pids}
    assert len(inodes) == 1 and inodes.pop().startswith("socket:")


def test_the_socket_comes_with_the_first_process_and_goes_with_the_last(box):
    url = f"unix://{box}/f.sock"
    daemon = box.daemon(f"[fcgi-program:f]\nsocket={url}\ncommand={worker(box)}\nnumprocs=2\nautostart=false\n"
                        "process_name=%(process_num)d\n")
    assert socket_messages(daemon) == [f"Creating socket {url}", f"Closing socket {url}"]
    for number in range(2):
        daemon.rpc.startProcess(f"f:{number}")
    assert socket_messages(daemon)[2:] == [f"Creating socket {url}"]
    daemon.rpc.stopProcess("f:0")
    assert socket_messages(daemon)[3:] == [] and ask(box.path("f.sock")) == daemon.pid_of("f:1")
    daemon.rpc.stopProcess("f:1")
    assert socket_messages(daemon)[3:] == [f"Closing socket {url}"]
    assert box.exists("f.sock")
    with pytest.raises(ConnectionRefusedError):
        ask(box.path("f.sock"))


def test_a_tcp_socket(box):
    port = box.another_port()
    daemon = box.daemon(f"[fcgi-program:f]\nsocket=tcp://localhost:{port}\ncommand={worker(box)}\n")
    pid = daemon.wait_state("f", "RUNNING")["pid"]
    assert ask(("127.0.0.1", port)) == pid
    daemon.rpc.stopProcess("f")
    daemon.rpc.startProcess("f")  # the port is free again at once
    assert ask(("127.0.0.1", port)) == daemon.pid_of("f") != pid


@pytest.mark.root
def test_mode_and_owner_of_the_socket(box):
    box.daemon(f"[fcgi-program:f]\nsocket=unix://{box}/f.sock\ncommand={worker(box)}\nsocket_mode=0660\n"
               f"socket_owner=nobody:daemon\n").wait_state("f", "RUNNING")
    status = os.stat(box.path("f.sock"))
    import grp
    import pwd
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (
        0o660, pwd.getpwnam("nobody").pw_uid, grp.getgrnam("daemon").gr_gid)


def test_such_a_process_has_no_standard_input_to_write_to(box):
    daemon = box.daemon(f"[fcgi-program:f]\nsocket=unix://{box}/f.sock\ncommand={worker(box)}\n")
    daemon.wait_state("f", "RUNNING")
    assert daemon.call("sendProcessStdin", "f", "x")[:2] == ("fault", 20)


@pytest.mark.beyond("fcgi-group")
def test_a_member_of_a_group_keeps_its_socket(box):
    daemon = box.daemon("[group:g]\nprograms=x,f\n[program:x]\ncommand=sleep 600\n"
                        f"[fcgi-program:f]\nsocket=unix://{box}/f.sock\ncommand={worker(box)}\n")
    pid = daemon.wait_state("g:f", "RUNNING")["pid"]
    assert ask(box.path("f.sock")) == pid
    assert os.readlink(f"/proc/{daemon.wait_state('g:x', 'RUNNING')['pid']}/fd/0").startswith("pipe:")


@pytest.mark.beyond("fcgi-socket")
@pytest.mark.slow
def test_a_socket_that_cannot_be_made_is_the_programs_trouble(box):
    daemon = box.daemon(f"[fcgi-program:f]\nsocket=unix://{box}/none/f.sock\ncommand={worker(box)}\nstartretries=1\n"
                        "[program:x]\ncommand=sleep 600\n")
    daemon.wait_state("x", "RUNNING")
    daemon.wait_state("f", "FATAL")
    text = f"Could not create FastCGI socket unix://{box}/none/f.sock: [Errno 2] No such file or directory"
    assert daemon.info("f")["spawnerr"] == text
    assert ("INFO", "spawnerr: " + text) in daemon.messages()
    os.mkdir(box.path("none"))
    daemon.rpc.startProcess("f")
    assert ask(box.path("none", "f.sock")) == daemon.pid_of("f")


@pytest.mark.beyond("fcgi-file")
def test_the_file_goes_when_the_daemon_ends(box):
    daemon = box.daemon(f"[fcgi-program:f]\nsocket=unix://{box}/f.sock\ncommand={worker(box)}\n")
    daemon.wait_state("f", "RUNNING")
    assert daemon.stop() == 0
    assert not box.exists("f.sock")


def test_a_restart_makes_the_socket_anew(box):
    daemon = box.daemon(f"[fcgi-program:f]\nsocket=unix://{box}/f.sock\ncommand={worker(box)}\n")
    pid = daemon.wait_state("f", "RUNNING")["pid"]
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("success: f entered RUNNING", count=2)
    assert ask(box.path("f.sock")) not in (0, pid)


def test_an_update_moves_the_socket(box):
    def text(name):
        return f"[fcgi-program:f]\nsocket=unix://{box}/{name}\ncommand={worker(box)}\n"
    daemon = box.daemon(text("one"))
    daemon.wait_state("f", "RUNNING")
    daemon.reconfigure(text("two"))
    assert "f: updated process group" in daemon.ctl("update").out
    daemon.wait_state("f", "RUNNING")
    assert ask(box.path("two")) == daemon.pid_of("f")


@pytest.mark.beyond("manager")
def test_connections_that_wait_outlive_a_manager(box):
    program = box.python("sleepy", "import os, socket, time\nserver = socket.socket(fileno=0)\n"
                                   f"while not os.path.exists('{box}/go'): time.sleep(0.02)\n"
                                   "connection, _ = server.accept()\nconnection.sendall(b'%d\\n' % os.getpid())\n"
                                   "time.sleep(600)\n")
    daemon = box.daemon(f"[fcgi-program:f]\nsocket=unix://{box}/f.sock\ncommand={program}\nnumprocs=2\n"
                        "process_name=%(process_num)d\nautostart=false\n")
    daemon.rpc.startProcess("f:0")
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.connect(box.path("f.sock"))
        old = daemon.manager
        os.kill(old, signal.SIGKILL)
        eventually(lambda: [p for p in procfs.children(daemon.pid) if p != old and procfs.is_manager(p)], what="a manager")
        daemon.wait_up()
        daemon.rpc.stopProcess("f:0")
        # The manager that followed knows that it was the last.
        assert socket_messages(daemon)[-1] == f"Closing socket unix://{box}/f.sock"
        daemon.rpc.startProcess("f:0")
        old = daemon.manager
        os.kill(old, signal.SIGKILL)
        eventually(lambda: [p for p in procfs.children(daemon.pid) if p != old and procfs.is_manager(p)], what="a manager")
        daemon.wait_up()
        daemon.rpc.startProcess("f:1")  # joins the socket of the one that runs
        first, second = (os.readlink(f"/proc/{daemon.pid_of(f'f:{n}')}/fd/0") for n in range(2))
        assert first == second
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(15 * SCALE)
            client.connect(box.path("f.sock"))
            time.sleep(0.05)
            box.write("go", "")
            assert int(client.makefile().readline()) in (daemon.pid_of("f:0"), daemon.pid_of("f:1"))
