"""Several versions of supervisord side by side, as packages and deployments leave them."""
import os
import re

from . import procfs
from .programs import OURS, ROOT, Suite
from .waiting import eventually

VERSION = re.search(r'version = "([\d.]+)"', (ROOT / "src/base/version.cpp").read_text())[1].encode()


def our_version():
    return VERSION.decode()


def install(box, name, version=None, program=OURS.supervisord):
    """A copy of supervisord at box/NAME (another file, as a package manager puts it there), or one that says it is
    `version`, which must be as long as ours."""
    path = box.path(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(program, "rb") as file:
        content = file.read()
    if version is not None:
        assert len(version) == len(VERSION) and content.count(VERSION + b"\0") == 1
        content = content.replace(VERSION + b"\0", version.encode() + b"\0")
    with open(path + ".new", "wb") as file:
        file.write(content)
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)
    return path


def link(box, name, target):
    """A symbolic link, switched in one step."""
    path = box.path(name)
    os.symlink(target, path + ".new")
    os.rename(path + ".new", path)
    return path


def run_from(box, path):
    """From now on the box's daemon is started from there."""
    box.suite = Suite("ours", path, OURS.supervisorctl)


def runs_file(pid, path):
    """Does the process run just this file (and not one that had its name before)?"""
    mine, named = os.stat(f"/proc/{pid}/exe"), os.stat(path)
    return (mine.st_dev, mine.st_ino) == (named.st_dev, named.st_ino)


def upgrade(daemon, *words):
    """supervisorctl upgrade; returns the pid of the new manager."""
    old = daemon.manager
    done = daemon.ctl("upgrade", *words)
    assert done.code == 0 and done.out.startswith("Upgraded supervisord to "), f"{done}\n{daemon.log()[-3000:]}"
    eventually(lambda: not procfs.alive(old), what="the old manager gone")
    assert daemon.manager != old
    return daemon.manager


