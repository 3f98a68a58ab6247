"""What can be counted instead of timed, and therefore holds on a machine of any speed and load."""
import os
import re
import shutil
import signal
import subprocess

import pytest

from support import procfs
from support.waiting import eventually, throughout

# A restart takes about 127. More is allowed for what is chance, such as reading one signal at a time or many.
LIMIT = 150

PROGRAMS = "[program:p]\ncommand=/bin/sleep 1000\nprocess_name=%(process_num)02d\nnumprocs={}\nstartsecs=0\n"


def pids(daemon):
    found = [info["pid"] for info in daemon.rpc.getAllProcessInfo() if info["statename"] == "RUNNING"]
    return found if 0 not in found else []


def running(daemon, count):
    return eventually(lambda: len(pids(daemon)) == count and pids(daemon), what=f"{count} running programs")


def restart_all(daemon):
    """Kills every program; returns when all run anew."""
    before = pids(daemon)
    for pid in before:
        os.kill(pid, signal.SIGKILL)

    def renewed():
        now = pids(daemon)
        return len(now) == len(before) and not set(now) & set(before)
    eventually(renewed, what="every program with a new pid")


def settled(count):
    """The value of count() when it no longer changes by itself."""
    seen = []

    def same():
        seen.append(count())
        return len(seen) > 20 and all(value == seen[-1] for value in seen[-20:])
    eventually(same, timeout=20, what=lambda: f"a count at rest, is {seen[-5:]}")
    return seen[-1]


@pytest.mark.slow
@pytest.mark.beyond("idle")
def test_an_idle_daemon_never_wakes_up(box, suite):
    if suite.is_built_with("thread"):
        pytest.skip("ThreadSanitizer has a thread of its own that wakes up")
    daemon = box.daemon(PROGRAMS.format(50))
    running(daemon, 50)
    for who, pid in (("keeper", daemon.pid), ("manager", daemon.manager)):
        settled(lambda: procfs.context_switches(pid))
    before = [procfs.context_switches(pid) for pid in (daemon.pid, daemon.manager)]
    throughout(lambda: [procfs.context_switches(pid) for pid in (daemon.pid, daemon.manager)] == before, 3,
               "keeper or manager woke up")


@pytest.mark.beyond("manager")
def test_no_descriptor_is_left_behind_by_restarts(box):
    daemon = box.daemon(PROGRAMS.format(20))
    running(daemon, 20)
    owners = (daemon.pid, daemon.manager)

    def descriptors():
        return [len(procfs.descriptors(pid)) for pid in owners]
    restart_all(daemon)
    before = settled(descriptors)
    for _ in range(10):
        restart_all(daemon)
    assert settled(descriptors) == before


@pytest.mark.beyond("manager")
@pytest.mark.parametrize("options, of_keeper, of_manager", [("", 3, 4), ("redirect_stderr=true\n", 2, 2)])
def test_a_program_takes_few_descriptors(box, options, of_keeper, of_manager):
    """The keeper has its pipes; the manager those of its output, and its logs."""
    daemon = box.daemon(PROGRAMS.format(10) + options)
    owners = (daemon.pid, daemon.manager)

    def descriptors(count):
        running(daemon, count)
        return [settled(lambda: len(procfs.descriptors(pid))) for pid in owners]
    ten = descriptors(10)
    daemon.reconfigure(PROGRAMS.format(20) + options)
    daemon.ctl("update")
    assert [more - less for less, more in zip(ten, descriptors(20))] == [10 * of_keeper, 10 * of_manager]


@pytest.mark.beyond("manager")
@pytest.mark.parametrize("kill", [False, True])
def test_the_input_of_a_program_is_opened_for_the_first_text(box, kill):
    daemon = box.daemon("[program:x]\ncommand=/bin/cat\nstdout_logfile=@/out\n".replace("@", str(box)))
    daemon.wait_state("x", "RUNNING")
    if kill:
        os.kill(daemon.manager, signal.SIGKILL)
        daemon.wait_up()
    before = settled(lambda: len(procfs.descriptors(daemon.manager)))
    for text in ("one\n", "two\n"):
        daemon.rpc.sendProcessStdin("x", text)
    eventually(lambda: box.read("out") == "one\ntwo\n", what="the texts in the log")
    assert settled(lambda: len(procfs.descriptors(daemon.manager))) == before + 1
    daemon.rpc.stopProcess("x")
    daemon.rpc.startProcess("x")
    assert settled(lambda: len(procfs.descriptors(daemon.manager))) == before


@pytest.mark.beyond("manager")
def test_a_restart_takes_few_system_calls(box, suite):
    """Of keeper and manager together, without those of the child and those of the question for its pid."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if suite.is_built_with("thread", "address"):
        pytest.skip("sanitizers make system calls of their own")
    daemon = box.daemon(PROGRAMS.format(10))
    running(daemon, 10)
    threads = [name for pid in (daemon.pid, daemon.manager) for name in os.listdir(f"/proc/{pid}/task")]
    trace = box.path("trace")
    tracer = box.start(["strace", "-o", trace, *[word for thread in threads for word in ("-p", thread)]],
                       stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    os.set_blocking(tracer.stderr.fileno(), False)
    said = b""

    def attached():
        nonlocal said
        said += tracer.stderr.read() or b""
        return said.count(b" attached") == len(threads) or tracer.poll() is not None
    eventually(attached, what="strace attached")
    if tracer.poll() is not None:
        pytest.skip(f"strace may not attach here: {said.decode().strip()}")

    def children():
        return sorted(set(procfs.children(daemon.pid)) - {daemon.manager})
    before = children()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: pid not in children() and len(children()) == len(before), what="a replacement")
    settled(lambda: len(box.lines("trace")))
    tracer.send_signal(signal.SIGINT)
    tracer.wait(10)
    calls = [line for line in box.lines("trace") if "resumed>" not in line and re.match(r"\d+ +\w+\(", line)]
    per_restart = len(calls) / len(before)
    names = [re.match(r"\d+ +(\w+)", line)[1] for line in calls]
    counted = {name: names.count(name) for name in sorted(set(names), key=names.count, reverse=True)}
    assert 20 < per_restart <= LIMIT, counted
