"""A manager takes over while it can have too few descriptors for what its predecessor had open."""
import os
import signal

import pytest

from support import procfs
from support.bystanders import TICKER
from support.faults import OpenFiles, failing
from support.waiting import eventually

pytestmark = pytest.mark.beyond("manager", "descriptors")

COUNT = 6


class Scarce:
    """Some programs that write numbers, and managers with fewer descriptors than they take."""

    def __init__(self, box):
        self.box = box
        self.files = OpenFiles(box)
        self.daemon = box.daemon(
            f"[program:t]\ncommand={box.python('ticker', TICKER)}\nnumprocs={COUNT}\nprocess_name=%(process_num)d\n"
            f"stdout_logfile={box}/%(process_num)d.log\nstdout_logfile_maxbytes=0\nredirect_stderr=true\n",
            supervisord="minfds=1\nloglevel=info", env=self.files.env)
        for number in range(COUNT):
            self.daemon.wait_state(f"t:{number}", "RUNNING")
        self.pids = self.living()
        self.enough = len(procfs.descriptors(self.daemon.manager))

    def living(self):
        return {number: self.daemon.pid_of(f"t:{number}") for number in range(COUNT)}

    def taken_over(self):
        return self.daemon.log().count("its successor has taken over")

    def replace(self):
        old = self.daemon.manager
        os.kill(old, signal.SIGKILL)
        eventually(lambda: not procfs.alive(old), what="the manager gone")

    def grows(self, number):
        size = len(self.box.bytes(f"{number}.log"))
        eventually(lambda: len(self.box.bytes(f"{number}.log")) > size + 80, what=f"more output of {number}")

    def numbers(self, number):
        content = self.box.bytes(f"{number}.log")
        return [int(line) for line in content[:content.rindex(b"\n")].split(b"\n")]

    def check_whole(self, number):
        self.grows(number)
        numbers = self.numbers(number)
        assert numbers == list(range(len(numbers)))


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_where_none_can_take_over_the_next_one_that_can_goes_on_with_everything(box, share):
    scarce = Scarce(box)
    with scarce.files.limited(int(scarce.enough * share)):
        scarce.replace()
        eventually(lambda: scarce.daemon.output().count("Too many open files") >= 2, what="two that end")
    eventually(lambda: scarce.taken_over() == 1, what="a successor")
    assert scarce.living() == scarce.pids
    for number in range(COUNT):
        scarce.check_whole(number)


@pytest.mark.slow
@pytest.mark.root
def test_a_log_without_a_descriptor_is_written_when_there_is_one(box):
    scarce = Scarce(box)
    # strace follows the keeper into its next manager.
    with failing(scarce.daemon.pid, "openat", "EMFILE", path=box.path("0.log")):
        scarce.replace()
        scarce.daemon.wait_log("could not open the log files of 0 again: open .*/0.log: Too many open files")
        scarce.daemon.wait_log("could not write the stdout log of '0': open .*/0.log: Too many open files")
        for number in range(1, COUNT):
            scarce.check_whole(number)
    scarce.grows(0)
    scarce.daemon.wait_log("the stdout log of '0' can be written again")
    numbers = scarce.numbers(0)
    assert numbers == sorted(set(numbers))
    assert scarce.living() == scarce.pids
