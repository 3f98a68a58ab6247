"""The way a newcomer goes: a configuration in /etc style, a daemon, a control program, a program that is killed."""
import os
import re
import shutil
import signal

import pytest

from support import procfs
from support.box import Daemon
from support.programs import ROOT, REFERENCE, has_reference
from support.waiting import SCALE, eventually

HELP = """
default commands (type help <topic>):
=====================================
add    exit      open  reload  restart   start   tail   
avail  fg        pid   remove  shutdown  status  update 
clear  maintail  quit  reread  signal    stop    version

"""


@pytest.fixture
def mail(box):
    """The example folder, copied, under a daemon in the background."""
    shutil.copytree(ROOT / "examples" / "mail", box.path("m"))
    shutil.rmtree(box.path("m/var"))
    os.mkdir(box.path("m/var"))
    daemon = Daemon(box, box.path("m/supervisord.conf"), foreground=False)
    daemon.address = box.path("m/var/supervisor.sock")
    daemon.start()
    eventually(lambda: box.exists("m/var/supervisord.pid"), what="a pidfile")
    daemon.process.wait(20 * SCALE)
    daemon.wait_state("mail", "RUNNING")
    return daemon


def mail_pid(daemon):
    return daemon.info("mail")["pid"]


def test_status_has_the_line_scripts_look_for(mail):
    done = mail.ctl("status")
    assert re.fullmatch(r"mail {29}RUNNING   pid \d+, uptime 0:00:\d\d\n", done.out), done
    assert done.code == 0 and done.err == ""


def test_a_message_dropped_into_the_spool_is_delivered(mail, box):
    box.execute(box.path("m/drop.sh"), input="From: a@example.org\nSubject: hello\n\nFrom here on.\n")
    text = eventually(lambda: "From here on." in box.read("m/var/mbox") and box.read("m/var/mbox"), what="delivery")
    assert re.match(r"From spool \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\nFrom: a@example.org\nSubject: hello\n\n"
                    r">From here on\.\n\n\Z", text), text
    assert os.listdir(box.path("m/var/spool")) == []
    eventually(lambda: "delivered message." in mail.ctl("tail", "mail").out, what="the delivery in the program's log")


def test_kill_minus_nine_brings_it_back(mail, box):
    before = mail_pid(mail)
    os.kill(before, signal.SIGKILL)
    after = mail.wait_new_pid("mail", before)
    mail.wait_state("mail", "RUNNING")
    assert not procfs.alive(before) and procfs.alive(after)
    log = box.read("m/var/supervisord.log")
    assert "WARN exited: mail (terminated by SIGKILL; not expected)" in log
    assert log.count("INFO spawned: 'mail' with pid ") == 2


def test_stop_says_so_and_the_process_is_gone(mail, box):
    pid = mail_pid(mail)
    done = mail.ctl("stop", "mail")
    assert (done.code, done.out, done.err) == (0, "mail: stopped\n", "")
    assert not procfs.alive(pid)
    assert re.fullmatch(r"mail {29}STOPPED   \w{3} \d\d \d\d:\d\d [AP]M\n", mail.ctl("status").out)
    assert box.read("m/var/mail.log").endswith("stopped\n")


def test_messages_that_came_while_it_was_stopped_are_delivered_at_the_next_start(mail, box):
    mail.ctl("stop", "mail")
    for number in range(3):
        box.execute(box.path("m/drop.sh"), input=f"Subject: {number}\n\n")
    assert mail.ctl("start", "mail").out == "mail: started\n"
    eventually(lambda: box.read("m/var/mbox").count("Subject: ") == 3, what="three messages")


def test_help_lists_the_commands_byte_for_byte(mail):
    done = mail.ctl("help")
    assert (done.code, done.out) == (0, HELP)


@pytest.mark.skipif(not has_reference(), reason="Debian's supervisor is not installed")
def test_the_original_control_program_steers_the_daemon(mail):
    def ctl(*words):
        return mail.ctl(*words, program=REFERENCE.supervisorctl)
    assert re.fullmatch(r"mail {29}RUNNING   pid \d+, uptime 0:00:\d\d\n", ctl("status").out)
    assert ctl("restart", "mail").out == "mail: stopped\nmail: started\n"
    assert ctl("pid").out == f"{mail.box.read('m/var/supervisord.pid')}"
    assert ctl("shutdown").out == "Shut down\n"
    eventually(lambda: not mail.box.exists("m/var/supervisord.pid"), what="the pidfile gone")


def test_shutdown_leaves_no_process_socket_or_pidfile(mail, box):
    daemon, child = int(box.read("m/var/supervisord.pid")), mail_pid(mail)
    assert mail.ctl("shutdown").out == "Shut down\n"
    eventually(lambda: not procfs.alive(daemon), what="the daemon gone")
    assert not procfs.alive(child)
    assert sorted(os.listdir(box.path("m/var"))) == ["mail.log", "spool", "supervisord.log", "work"]


def test_comments_behind_values_and_odd_spellings_are_understood(box):
    box.write("conf.d/one.conf", f"[program:one]\ncommand=/bin/sh -c 'echo $0; exec sleep 60' a;b ; what it runs\n"
                                 f"autoRESTart = true\nStdout_Logfile: {box}/one.log   ; with a colon\n")
    daemon = box.daemon("[include]\nfiles = conf.d/*.conf ; all of them")
    daemon.wait_state("one", "RUNNING")
    eventually(lambda: box.read("one.log") == "a;b\n", what="what it says")
    pid = daemon.pid_of("one")
    os.kill(pid, signal.SIGTERM)
    daemon.wait_new_pid("one", pid)
