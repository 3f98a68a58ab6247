"""Trouble with one log: what becomes of its program, and that no other program notices."""
import os
import resource
import shutil
import signal
import subprocess
import time

import pytest

from support import procfs
from support.faults import failing, limited
from support.waiting import SCALE, eventually

# Writes so many numbered lines for each number on its standard input, and says when they have left it.
NUMBERS = """import os, sys
number = 0
for line in sys.stdin:
    count = int(line)
    data = ''.join('%07d\\n' % i for i in range(number, number + count)).encode()
    number += count
    while data:
        data = data[os.write(1, data):]
    open(sys.argv[1], 'w').write(str(number))
"""

TICKER = """import os, time
number = 0
while True:
    os.write(1, b'%07d\\n' % number)
    number += 1
    time.sleep(0.002)
"""


def numbers(first, last):
    return b"".join(b"%07d\n" % i for i in range(first, last))


class Scene:
    """A program x that writes on demand into a log that gets into trouble, and others that must not notice."""

    def __init__(self, box, log, rotated=False, **config):
        self.box, self.log, self.asked = box, log, 0
        self.daemon = box.daemon(
            f"[program:x]\ncommand={box.python('x', NUMBERS)} {box}/said\nstdout_logfile={log}\n"
            f"stdout_logfile_maxbytes={'100KB' if rotated else 0}\n"
            f"[program:other]\ncommand={box.python('other', TICKER)}\nstdout_logfile={box}/other.log\n"
            "stdout_logfile_maxbytes=0\n[program:still]\ncommand=sleep 600\n", **{"supervisord": "loglevel=info", **config})
        self.pids = {name: self.daemon.wait_state(name, "RUNNING")["pid"] for name in ("x", "other", "still")}

    def write(self, count):
        """Has x write the next `count` lines; returns when it has, which must not take long."""
        self.asked += count
        self.daemon.rpc.sendProcessStdin("x", f"{count}\n")
        eventually(lambda: self.box.read("said") == str(self.asked), what="x through its output")

    def wait_taken(self):
        """Until nothing of what x has written is still in its pipe, and what came out of it has been dealt with."""
        eventually(lambda: procfs.unread(self.pids["x"], 1) == 0, what="an empty pipe")
        self.check_others()

    def content(self):
        return self.box.bytes(self.log)

    def wait_content(self, expected):
        eventually(lambda: self.content() == expected, what=lambda: f"{len(expected)} bytes, not {len(self.content())}")

    def check_others(self):
        """Everybody is the process that it was, and the log of the other one is whole and grows."""
        def other():
            return self.box.bytes("other.log")
        size = len(other())
        eventually(lambda: len(other()) > size + 80, what="more of the other one's output")
        content = other()
        assert content == numbers(0, len(content) // 8)
        assert {name: self.daemon.pid_of(name) for name in self.pids} == self.pids
        assert {self.daemon.state(name) for name in self.pids} == {"RUNNING"}


@pytest.fixture
def small_disk(box):
    """A folder that has room for 64 KiB."""
    path = box.path("small")
    os.mkdir(path)
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", path], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("no mounting here")
    yield path
    box.close()
    subprocess.run(["umount", "-l", path], check=False, capture_output=True)


@pytest.mark.root
@pytest.mark.beyond("output-flood")
def test_a_full_disk_costs_what_does_not_fit_and_nothing_after_it_has_room_again(box, small_disk):
    scene = Scene(box, f"{small_disk}/x.log")
    scene.write(1000)
    scene.wait_content(numbers(0, 1000))
    scene.write(20000)
    scene.daemon.wait_log(r"could not write the stdout log of 'x': write .*/x.log: No space left on device")
    scene.wait_taken()
    full = scene.content()
    assert full == numbers(0, 21000)[:len(full)] and len(full) == 65536
    subprocess.run(["mount", "-o", "remount,size=1m", small_disk], check=True)
    scene.write(1000)
    scene.wait_content(full + numbers(21000, 22000))
    scene.daemon.wait_log(r"the stdout log of 'x' can be written again")
    scene.check_others()


@pytest.mark.root
@pytest.mark.beyond("manager")
def test_a_kill_while_the_disk_is_full_repeats_nothing(box, small_disk):
    scene = Scene(box, f"{small_disk}/x.log")
    scene.write(20000)
    scene.daemon.wait_log("No space left on device")
    scene.wait_taken()
    full = scene.content()
    os.kill(scene.daemon.manager, signal.SIGKILL)
    scene.daemon.wait_log("its successor has taken over")
    subprocess.run(["mount", "-o", "remount,size=1m", small_disk], check=True)
    scene.write(1000)
    scene.wait_content(full + numbers(20000, 21000))
    scene.check_others()


def test_a_log_that_is_renamed_and_created_anew_is_left_at_the_reopen(box):
    """What logrotate does with `create` and a reopen behind it."""
    scene = Scene(box, box.path("x.log"))
    scene.write(1000)
    scene.wait_content(numbers(0, 1000))
    os.rename(box.path("x.log"), box.path("x.log.1"))
    box.write("x.log", "")
    scene.write(1000)
    eventually(lambda: box.bytes("x.log.1") == numbers(0, 2000), what="output in the renamed file")
    scene.daemon.signal(signal.SIGUSR2)
    scene.daemon.wait_log("supervisord logreopen")
    scene.check_others()
    scene.write(1000)
    scene.wait_content(numbers(2000, 3000))
    assert box.bytes("x.log.1") == numbers(0, 2000)


def test_a_log_that_is_copied_and_truncated_goes_on_at_its_new_end(box):
    """What logrotate does with `copytruncate`."""
    scene = Scene(box, box.path("x.log"))
    for turn in range(3):
        scene.write(1000)
        scene.wait_content(numbers(turn * 1000, turn * 1000 + 1000))
        shutil.copy(box.path("x.log"), box.path("copy"))
        os.truncate(box.path("x.log"), 0)
    assert box.bytes("copy") == numbers(2000, 3000)
    scene.check_others()


def test_a_log_that_is_removed_is_made_again_at_the_reopen(box):
    scene = Scene(box, box.path("x.log"))
    scene.write(1000)
    scene.wait_content(numbers(0, 1000))
    os.unlink(box.path("x.log"))
    scene.write(1000)
    scene.check_others()
    assert not box.exists("x.log")
    scene.daemon.signal(signal.SIGUSR2)
    eventually(lambda: box.exists("x.log"), what="a new log")
    scene.write(1000)
    scene.wait_content(numbers(2000, 3000))


@pytest.mark.beyond("manager")
def test_a_folder_of_logs_that_vanishes_is_told_at_the_reopen_and_used_when_it_is_back(box):
    os.mkdir(box.path("logs"))
    scene = Scene(box, box.path("logs/x.log"))
    scene.write(1000)
    scene.wait_content(numbers(0, 1000))
    shutil.rmtree(box.path("logs"))
    scene.write(1000)
    scene.daemon.signal(signal.SIGUSR2)
    scene.daemon.wait_log(r"could not reopen the stdout log of 'x': open .*/logs/x.log: No such file or directory")
    scene.write(1000)
    scene.check_others()
    os.mkdir(box.path("logs"))
    scene.daemon.signal(signal.SIGUSR2)
    eventually(lambda: box.exists("logs/x.log"), what="a new log")
    scene.write(1000)
    scene.wait_content(numbers(3000, 4000))


@pytest.mark.beyond("output-flood")
def test_a_named_pipe_whose_reader_stalls_costs_output_but_nobodys_time(box):
    os.mkfifo(box.path("fifo"))
    reader = os.open(box.path("fifo"), os.O_RDONLY | os.O_NONBLOCK)
    try:
        scene = Scene(box, box.path("fifo"))
        scene.write(1000)
        seen = b""

        def first():
            nonlocal seen
            seen += os.read(reader, 1 << 20)
            return seen == numbers(0, 1000)
        eventually(first, what=lambda: f"the first output, not {seen[-100:]}")
        scene.write(100000)
        scene.daemon.wait_log(r"could not write the stdout log of 'x': write .*/fifo: ")
        scene.wait_taken()
        # The reader is back: whatever it gets is whole lines of the program, and the newest comes through.
        while True:
            try:
                os.read(reader, 1 << 20)
            except BlockingIOError:
                break
        scene.write(10)
        seen = b""

        def arrived():
            nonlocal seen
            seen += os.read(reader, 1 << 20)
            return seen.endswith(numbers(101000, 101010))
        eventually(arrived, what="the newest output")
    finally:
        os.close(reader)


@pytest.mark.beyond("output-flood")
def test_a_flood_of_binary_output_arrives_unchanged(box):
    data = os.urandom(1 << 20) + bytes(1 << 20) + b"\xff\x1b[31m\n" * 100000
    box.write("data", data)
    scene = Scene(box, box.path("x.log"))
    flood = (f"[program:flood]\ncommand=cat {' '.join([f'{box}/data'] * 8)}\nstdout_logfile={box}/flood.log\n"
             "stdout_logfile_maxbytes=0\nstartsecs=0\nautorestart=false\n")
    with open(scene.daemon.path, "a", encoding="utf-8") as file:
        file.write(flood)
    assert "flood: added process group" in scene.daemon.ctl("update").out
    scene.daemon.wait_state("flood", "EXITED", timeout=30)
    assert box.bytes("flood.log") == data * 8
    scene.write(1000)
    scene.wait_content(numbers(0, 1000))
    scene.check_others()


@pytest.mark.root
@pytest.mark.beyond("output-flood")
def test_a_disk_that_fails_costs_output_and_nothing_after_it_works_again(box):
    scene = Scene(box, box.path("x.log"))
    scene.write(1000)
    scene.wait_content(numbers(0, 1000))
    with failing(scene.daemon.manager, "write,writev,pwrite64", "EIO", path=box.path("x.log")):
        scene.write(1000)
        scene.daemon.wait_log(r"could not write the stdout log of 'x': write .*/x.log: Input/output error")
        scene.wait_taken()
    scene.write(1000)
    scene.wait_content(numbers(0, 1000) + numbers(2000, 3000))
    scene.daemon.wait_log(r"the stdout log of 'x' can be written again")
    scene.check_others()


@pytest.mark.beyond("manager")
def test_a_log_at_the_limit_of_file_sizes_costs_what_does_not_fit(box):
    scene = Scene(box, box.path("x.log"))
    scene.write(1000)
    scene.wait_content(numbers(0, 1000))
    with limited(scene.daemon.manager, resource.RLIMIT_FSIZE, 1 << 20):
        scene.write(200000)
        scene.daemon.wait_log(r"could not write the stdout log of 'x': write .*/x.log: File too large")
        scene.wait_taken()
        assert scene.content() == numbers(0, 201000)[:1 << 20]
    scene.write(1000)
    eventually(lambda: scene.content().endswith(numbers(201000, 202000)), what="output again")
    scene.check_others()


@pytest.mark.root
@pytest.mark.beyond("manager")
def test_the_daemons_own_log_that_cannot_be_written_disturbs_nobody(box):
    scene = Scene(box, box.path("x.log"))
    with failing(scene.daemon.manager, "write,writev,pwrite64", "EIO", path=box.path("sd.log")):
        scene.daemon.rpc.stopProcess("still")
        assert scene.daemon.call("startProcess", "still") == ("value", True)
        scene.pids["still"] = scene.daemon.pid_of("still")
        scene.check_others()
    size = len(scene.daemon.log())
    scene.daemon.rpc.stopProcess("x")
    scene.daemon.wait_log(r"\d+ bytes of this log could not be written and are lost")
    assert "stopped: x (terminated by SIGTERM)" in scene.daemon.log()[size:]


@pytest.mark.root
@pytest.mark.beyond("output-flood")
def test_the_daemons_own_log_on_a_full_disk_disturbs_nobody(box, small_disk):
    scene = Scene(box, box.path("x.log"), supervisord=f"loglevel=info\nlogfile={small_disk}/sd.log")
    with open(f"{small_disk}/filler", "wb") as file:
        try:
            file.write(bytes(1 << 20))
        except OSError:
            pass
    for _ in range(40):
        scene.daemon.rpc.stopProcess("still")
        assert scene.daemon.call("startProcess", "still", False) == ("value", True)
    scene.daemon.wait_state("still", "RUNNING")
    scene.pids["still"] = scene.daemon.pid_of("still")
    scene.check_others()
    os.unlink(f"{small_disk}/filler")
    scene.daemon.rpc.stopProcess("x")
    eventually(lambda: "bytes of this log could not be written and are lost" in box.read(f"{small_disk}/sd.log"),
               what="the loss told")
    assert "stopped: x (terminated by SIGTERM)" in box.read(f"{small_disk}/sd.log")


@pytest.mark.root
@pytest.mark.beyond("manager")
def test_a_rotation_that_fails_goes_on_later(box):
    scene = Scene(box, box.path("x.log"), rotated=True)
    with failing(scene.daemon.manager, "rename,renameat,renameat2", "EIO"):
        scene.write(20000)
        scene.daemon.wait_log(r"could not rotate the stdout log of 'x'.*Input/output error")
        scene.check_others()
        scene.wait_content(numbers(0, 20000))
    scene.write(20000)
    eventually(lambda: box.exists("x.log.1"), what="a rotated log")
    eventually(lambda: b"".join(box.bytes(name) for name in ("x.log.2", "x.log.1", "x.log")) == numbers(0, 40000),
               what="all output")
    scene.check_others()


@pytest.mark.beyond("manager")
def test_a_log_that_a_successor_could_not_open_is_written_after_a_reopen(box):
    os.mkdir(box.path("logs"))
    scene = Scene(box, box.path("logs/x.log"))
    os.rename(box.path("logs"), box.path("away"))
    os.kill(scene.daemon.manager, signal.SIGKILL)
    scene.daemon.wait_log("could not open the log files of x again: open .*/logs/x.log: No such file or directory")
    scene.daemon.wait_up()
    scene.check_others()
    os.mkdir(box.path("logs"))
    scene.daemon.signal(signal.SIGUSR2)
    eventually(lambda: box.exists("logs/x.log"), what="the log again")
    scene.write(1000)
    scene.wait_content(numbers(0, 1000))
    scene.check_others()


@pytest.mark.beyond("output-flood")
def test_binary_output_without_end_delays_nobody(box):
    scene = Scene(box, box.path("x.log"))
    with open(scene.daemon.path, "a", encoding="utf-8") as file:
        file.write(f"[program:endless]\ncommand=cat /dev/urandom\nstdout_logfile={box}/endless.log\n"
                   "stdout_logfile_maxbytes=1MB\nstdout_logfile_backups=2\n")
    assert "endless: added process group" in scene.daemon.ctl("update").out
    scene.daemon.wait_state("endless", "RUNNING")
    eventually(lambda: box.exists("endless.log.2"), what="rotations")
    scene.check_others()
    assert scene.daemon.rpc.tailProcessStdoutLog("endless", 0, 1000)[1] > 0
    began = time.monotonic()
    assert scene.daemon.call("stopProcess", "endless") == ("value", True)
    assert time.monotonic() - began < 5 * SCALE
    assert sorted(name for name in os.listdir(box.folder) if name.startswith("endless.log")) == \
        ["endless.log", "endless.log.1", "endless.log.2"]
    scene.write(1000)
    scene.wait_content(numbers(0, 1000))
    scene.check_others()
