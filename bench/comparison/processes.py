"""Processes of a measurement: starting, watching and ending them, always by pid."""
import ctypes
import os
import resource
import signal
import subprocess
import time

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


def adopt_orphans():
    """What a killed daemon leaves behind becomes our child, so that end_all() finds it. As many files as allowed."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def start(command, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.DEVNULL)
    options.setdefault("stderr", subprocess.DEVNULL)
    return subprocess.Popen(command, start_new_session=True, **options)


def timed(command, timeout=120):
    """Seconds from the start of a command to its end; it must succeed."""
    begin = time.monotonic()
    process = start(command)
    # wait(timeout) would poll in steps that are longer than what is measured.
    signal.signal(signal.SIGALRM, lambda *_: process.kill())
    signal.setitimer(signal.ITIMER_REAL, timeout)
    try:
        code = process.wait()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    taken = time.monotonic() - begin
    if code != 0:
        raise RuntimeError(f"{' '.join(command)} left with {code}")
    return taken


def _status(pid):
    """State and parent of a process, or None."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1])


def running(pid):
    status = _status(pid)
    return status is not None and status[0] not in "ZX"


def family(root):
    """root and its living descendants, parents first."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            status = _status(name)
            if status and status[0] not in "ZX":
                children.setdefault(status[1], []).append(int(name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def executable(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def private_kib(pids):
    """USS: what would be free if these processes were gone, in KiB."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("Private_") and "Hugetlb" not in line)
    return total


def cpu_seconds(pids):
    """CPU time of processes, all their threads, to the nanosecond (clock ids as clock_getcpuclockid(3) makes them)."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def wakeups(pids):
    """Voluntary context switches of all threads: how often they went to sleep."""
    total = 0
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/status") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))
    return total


def _kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def end(daemon):
    """Kills a daemon and its programs. It goes first, so that nothing is started again; its orphans come to us."""
    if daemon is None:
        return
    below = family(daemon.pid)[1:]
    if daemon.poll() is None:
        daemon.kill()
        daemon.wait()
    _kill(below)
    end_all(below)


def end_all(wanted=None):
    """Kills what we started and what came of it, all or those wanted, and reaps them."""
    for _ in range(500):
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            pass
        left = family(os.getpid())[1:]
        if wanted is not None:
            left = [pid for pid in left if pid in wanted]
        if not left:
            return
        _kill(left)
        time.sleep(0.02)
