"""No kill of the manager costs a byte of a log, writes one twice, or tears a line."""
import os
import signal

import pytest

from support import log_kills, procfs
from support.waiting import eventually

pytestmark = pytest.mark.beyond("manager")


@pytest.mark.slow
@pytest.mark.limit(180)
@pytest.mark.parametrize("supervisord", ["", "strip_ansi=true"], ids=["plain", "stripped"])
def test_every_line_is_there_once_though_the_manager_is_killed(box, supervisord):
    accounts, hits = log_kills.run(box, megabytes=32, kills=10, supervisord=supervisord)
    assert all(account.clean for account in accounts.values()), accounts
    assert hits > 0, "no kill came while output was carried"


def test_a_log_that_cannot_be_opened_by_the_successor_disturbs_no_other(box):
    os.mkdir(box.path("logs"))
    program = box.script("x", "while read line; do echo $line; done")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/logs/x\n"
                        f"[program:y]\ncommand={program}\nstdout_logfile={box}/y\n")
    pids = {name: daemon.wait_state(name, "RUNNING")["pid"] for name in "xy"}
    os.rmdir(box.path("logs")) if not os.listdir(box.path("logs")) else os.rename(box.path("logs"), box.path("away"))
    manager = daemon.manager
    os.kill(manager, signal.SIGKILL)
    eventually(lambda: not procfs.alive(manager), what="the manager gone")
    daemon.wait_up()
    for name in "xy":
        daemon.rpc.sendProcessStdin(name, "text\n")
    assert box.wait_lines("y", 1) == ["text"]
    assert {name: daemon.pid_of(name) for name in "xy"} == pids
    daemon.wait_log("could not open the log files of x again")


def test_the_daemons_own_log_has_whole_lines_only(box):
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    manager = daemon.manager
    with open(box.path("sd.log"), "a", encoding="utf-8") as log:
        log.write("2026-01-01 00:00:00,000 INFO a line that a kill cut sh")
    os.kill(manager, signal.SIGKILL)
    daemon.wait_log("its successor has taken over")
    lines = box.lines("sd.log")
    cut = lines.index("2026-01-01 00:00:00,000 INFO a line that a kill cut sh")
    assert lines[cut + 1].endswith("no program was touched")
