"""pidproxy, echo_supervisord_conf and the scripts of the project."""
import os
import re
import signal
import subprocess

import pytest

from support import procfs
from support.programs import ROOT
from support.waiting import SCALE, eventually


def test_the_sample_configuration_is_one_that_works(box):
    done = box.execute(box.suite.echo_supervisord_conf)
    assert done.code == 0 and done.err == ""
    for section in ("[unix_http_server]", "[supervisord]", "[rpcinterface:supervisor]", "[supervisorctl]", ";[program:"):
        assert f"\n{section}" in "\n" + done.out, section
    text = done.out.replace("/tmp/", f"{box}/")
    assert "logfile" in text
    daemon_conf = box.write("sample.conf", text)
    process = box.start([box.suite.supervisord, "-n", "-c", daemon_conf])
    eventually(lambda: box.exists("supervisor.sock"), what="the sample's socket")
    done = box.execute(box.suite.supervisorctl, "-c", daemon_conf, "pid")
    assert done.out == f"{process.pid}\n"
    process.terminate()
    assert process.wait(20 * SCALE) == 0


def test_the_sample_names_every_option(box):
    done = box.execute(box.suite.echo_supervisord_conf)
    options = set(re.findall(r"^;?(\w+)\s*=", done.out, re.M))
    for option in ("command process_name numprocs directory umask priority autostart startsecs startretries autorestart "
                   "exitcodes stopsignal stopwaitsecs stopasgroup killasgroup user redirect_stderr stdout_logfile "
                   "stdout_logfile_maxbytes stdout_logfile_backups stdout_capture_maxbytes stdout_events_enabled "
                   "stderr_logfile environment serverurl events buffer_size programs files logfile pidfile nodaemon "
                   "minfds minprocs chmod chown username password port loglevel identifier").split():
        assert option in options, option
    # And every other that supervisord knows of itself.
    table = (ROOT / "src/config/option_names.h").read_text()
    known = re.findall(r'^    \{"(\w+)", ', table, re.M)
    assert len(known) > 80 and set(known) <= options, set(known) - options


def test_pidproxy_passes_signals_to_the_process_of_the_pidfile(box):
    real = box.python("real", f"import os, signal\nopen('{box}/pid', 'w').write(str(os.getpid()))\n"
                              f"def note(n, f): open('{box}/got', 'a').write(str(n) + '\\n')\n"
                              "signal.signal(signal.SIGHUP, note); signal.signal(signal.SIGUSR1, note)\n"
                              f"open('{box}/ready', 'w')\nwhile True: signal.pause()\n")
    process = box.start([box.suite.pidproxy, box.path("pid"), real, "argument"])
    eventually(lambda: box.exists("ready"), what="the real program")
    pid = int(box.read("pid"))
    assert procfs.command_line(pid)[-1] == "argument"
    for count, number in enumerate((signal.SIGHUP, signal.SIGUSR1), 1):
        process.send_signal(number)
        eventually(lambda: len(box.lines("got")) == count, what="the signal to arrive")
    assert box.lines("got") == [str(int(signal.SIGHUP)), str(int(signal.SIGUSR1))]
    process.send_signal(signal.SIGTERM)
    assert process.wait(20 * SCALE) == 0
    eventually(lambda: not procfs.alive(pid), what="the real program gone")


def test_pidproxy_ends_with_its_command(box):
    done = box.execute(box.suite.pidproxy, box.path("pid"), "/bin/true")
    assert done.code == 0


def test_pidproxy_without_arguments_explains_itself(box):
    done = box.execute(box.suite.pidproxy)
    assert done.code == 1 and done.out and done.err == ""


def test_the_scripts_are_plain_shell():
    for name in ("setup", "run", "test", ".ci/run", "examples/mail/sendmail.sh", "examples/mail/drop.sh"):
        assert os.access(ROOT / name, os.X_OK), name
        assert subprocess.run(["dash", "-n", ROOT / name], check=False).returncode == 0, name


def test_setup_is_silent_and_needs_no_network_when_all_is_there(box):
    for tool in ("apt-get", "sudo"):
        box.script(f"bin/{tool}", f"echo {tool} called >> {box}/called; exit 1")
    done = box.execute(ROOT / "setup", env={"PATH": f"{box}/bin:{box.env['PATH']}"})
    if box.exists("called"):
        pytest.skip("something is missing here")
    assert (done.code, done.out, done.err) == (0, "", "")
