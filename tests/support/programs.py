"""Which programs are tested, and running them."""
import os
import shutil
import subprocess
from pathlib import Path

from .waiting import SCALE

ROOT = Path(__file__).resolve().parents[2]
_BIN = ROOT / "build" / "release" / "bin"


class Suite:
    """One implementation: its daemon, its control program and the small ones beside them."""

    def __init__(self, name, supervisord, supervisorctl):
        self.name = name
        self.supervisord = os.path.abspath(supervisord)
        self.supervisorctl = os.path.abspath(supervisorctl)
        folder = os.path.dirname(self.supervisord)
        self.pidproxy = os.path.join(folder, "pidproxy")
        self.echo_supervisord_conf = os.path.join(folder, "echo_supervisord_conf")

    @property
    def is_reference(self):
        return self.name == "reference"

    def is_built_with(self, *sanitizers):
        """Is one of "address", "thread", "undefined" in the daemon?"""
        marks = {"address": b"__asan_", "thread": b"__tsan_", "undefined": b"__ubsan_"}
        with open(self.supervisord, "rb") as file:
            program = file.read()
        return any(marks[name] in program for name in sanitizers)

    def __repr__(self):
        return self.name


REFERENCE = Suite("reference", os.environ.get("REFERENCE_SUPERVISORD", "/usr/bin/supervisord"),
                  os.environ.get("REFERENCE_SUPERVISORCTL", "/usr/bin/supervisorctl"))
OURS = Suite("ours", os.environ.get("SUPERVISORD", _BIN / "supervisord"),
             os.environ.get("SUPERVISORCTL", _BIN / "supervisorctl"))


def has_reference():
    return shutil.which(REFERENCE.supervisord) is not None


class Done:
    """A finished command."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    def __eq__(self, other):
        return (self.code, self.out, self.err) == (other.code, other.out, other.err)


def execute(arguments, *, env, cwd, input=None, timeout=30, preexec=None):
    """Runs a command to its end. Never raises for its exit code; a hang fails the test."""
    process = subprocess.Popen([str(a) for a in arguments], env=env, cwd=cwd, start_new_session=True,
                               stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=preexec)
    data = input.encode() if isinstance(input, str) else input
    try:
        out, err = process.communicate(data, timeout=timeout * SCALE)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"{arguments} did not end: {Done('none', out.decode(), err.decode())!r}") from None
    return Done(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
