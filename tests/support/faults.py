"""Faults that are made for real: system calls that fail in a living process or that a sandbox refuses, limits that are
lowered under it, a clock that is set."""
import contextlib
import ctypes
import errno
import os
import platform
import resource
import shutil
import struct
import subprocess

import pytest

from . import procfs
from .waiting import eventually

# ---- system calls of a living process


@contextlib.contextmanager
def failing(pid, calls, error, *, path=None, when=None):
    """These system calls (a list, as for strace) of a living process fail with this errno until the block ends.
    `path`: only those on this file; `when`: which of them, as strace has it ("1", "3+")."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    rule = f"inject={calls}:error={error}" + (f":when={when}" if when else "")
    process = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", *(["-P", path] if path else []),
                                "-e", f"trace={calls}", "-e", rule, "-p", str(pid)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        def traced():
            if process.poll() is not None:
                pytest.skip(f"no tracing here: {process.stderr.read().decode()}")
            return all(procfs.status(f"{pid}/task/{task}", "TracerPid") != "0" for task in os.listdir(f"/proc/{pid}/task"))
        eventually(traced, what="the injection in place")
        yield
    finally:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()  # it waits for one that waits for its child; the kernel lets them go
            process.wait()
        process.stderr.close()


# ---- a sandbox

_NUMBERS = {
    "x86_64": {"clone": 56, "clone3": 435, "vfork": 58, "close_range": 436, "memfd_create": 319, "epoll_pwait2": 441,
               "pidfd_open": 434, "splice": 275, "setpriority": 141, "sched_setattr": 314, "setgid": 106},
    "aarch64": {"clone": 220, "clone3": 435, "close_range": 436, "memfd_create": 279, "epoll_pwait2": 441,
                "pidfd_open": 434, "splice": 76, "setpriority": 140, "sched_setattr": 274, "setgid": 144},
}
CLONE_VFORK, CLONE_FILES = 0x4000, 0x400


def refusing(rules):
    """To be called between fork and exec: from then on, the process and all that descend from it get an errno from
    these system calls. {"memfd_create": "ENOSYS"}, or for those calls with any of these bits in their first argument
    {("clone", CLONE_VFORK): "EPERM"}."""
    numbers = _NUMBERS.get(platform.machine())
    if numbers is None:
        pytest.skip(f"knows no system calls of {platform.machine()}")
    load, equal, any_bit, leave = 0x20, 0x15, 0x45, 0x06
    program = []
    for rule, error in rules.items():
        name, bits = rule if isinstance(rule, tuple) else (rule, None)
        if name not in numbers:
            continue
        refuse = 0x00050000 | getattr(errno, error)
        program.append((load, 0, 0, 0))  # the number of the call
        if bits is None:
            program += [(equal, 0, 1, numbers[name]), (leave, 0, 0, refuse)]
        else:
            program += [(equal, 0, 3, numbers[name]), (load, 0, 0, 16), (any_bit, 0, 1, bits), (leave, 0, 0, refuse)]
    program.append((leave, 0, 0, 0x7FFF0000))
    code = b"".join(struct.pack("=HBBI", *step) for step in program)
    libc = ctypes.CDLL(None, use_errno=True)
    text = ctypes.create_string_buffer(code, len(code))
    filter_ = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(text)))

    def install():
        if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, filter_, 0, 0) != 0:
            os._exit(99)
    install.keep = text, filter_
    return install


# ---- limits


@contextlib.contextmanager
def limited(pid, what, soft):
    """The soft limit of a living process, until the block ends."""
    before = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (soft, before[1]))
    try:
        yield
    finally:
        if procfs.alive(pid):
            resource.prlimit(pid, what, before)


# ---- the time of day

_CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile long *offset;
__attribute__((constructor)) static void begin(void) {
  int fd = open(getenv("CLOCK_OFFSET"), O_RDONLY | O_CLOEXEC);
  offset = mmap(0, 8, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
}
int clock_gettime(clockid_t id, struct timespec *time) {
  int result = syscall(SYS_clock_gettime, id, time);
  if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) time->tv_sec += *offset;
  return result;
}
"""


class SettableClock:
    """The time of day of a daemon, which can be set while it runs."""

    def __init__(self, box):
        if shutil.which("cc") is None:
            pytest.skip("needs a compiler")
        self.offset = box.write("clock.offset", bytes(8))
        library = box.path("clock.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, box.write("clock.c", _CLOCK)], check=True)
        self.env = {"LD_PRELOAD": library, "CLOCK_OFFSET": self.offset,
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def set(self, seconds):
        """So many seconds from the true time."""
        with open(self.offset, "r+b") as file:
            file.write(struct.pack("=q", seconds))


# ---- the limit of a process from its first moment on

_FILES = r"""
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

__attribute__((constructor)) static void limit(void) {
  char text[16] = "";
  int file = open(getenv("OPEN_FILES"), O_RDONLY | O_CLOEXEC);
  if (file < 0 || read(file, text, sizeof text - 1) <= 0) return;
  close(file);
  struct rlimit most = {atol(text), atol(text)};
  setrlimit(RLIMIT_NOFILE, &most);
}
"""


class OpenFiles:
    """How many descriptors each process may have that is executed from now on, with no way to get more."""

    def __init__(self, box):
        if shutil.which("cc") is None:
            pytest.skip("needs a compiler")
        self.file = box.path("files.limit")
        library = box.path("files.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, box.write("files.c", _FILES)], check=True)
        self.env = {"LD_PRELOAD": library, "OPEN_FILES": self.file,
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    @contextlib.contextmanager
    def limited(self, count):
        with open(self.file, "w", encoding="ascii") as file:
            file.write(str(count))
        try:
            yield
        finally:
            os.unlink(self.file)
