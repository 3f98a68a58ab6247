"""Ansible's module supervisorctl: the same plays on the original and on our daemon, by both control programs."""
import json
import re
import shutil
import subprocess

import pytest

from support.across import across, compare
from support.programs import REFERENCE

MODULE = "community.general.supervisorctl"
SLEEPER = "command=sleep 600\n"


def missing():
    if not shutil.which("ansible-playbook"):
        return "ansible is not installed (./setup --clients)"
    found = subprocess.run(["/usr/bin/python3", "-B", "-c", f"import ansible_collections.{MODULE.rpartition('.')[0]}"],
                           capture_output=True, check=False).returncode == 0
    return None if found else "ansible is installed without the collection community.general"


WHY_NOT = missing()
pytestmark = [pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT)), pytest.mark.slow, pytest.mark.limit(300)]

PROGRAMS = (f"[program:web]\n{SLEEPER}[program:idle]\n{SLEEPER}autostart=false\n"
            f"[program:a]\n{SLEEPER}[program:b]\n{SLEEPER}autostart=false\n[group:g]\nprograms=a,b\n"
            "[program:broken]\ncommand=/no/such/file\nstartretries=0\nautostart=false\n")
LATER = PROGRAMS + f"[program:new]\n{SLEEPER}autostart=false\n"


def folders(box):
    return {"ANSIBLE_LOCAL_TEMP": box.path("ansible"), "ANSIBLE_REMOTE_TEMP": box.path("remote")}


def play(crossing, tasks, login=None):
    """[(what the task says, "changed", "ok" or "failed", ...)] of tasks given as (name, state, more)."""
    box = crossing.box
    source = {"config": crossing.daemon.path} if login is None else \
        {"server_url": f"http://127.0.0.1:{box.port}", **login}
    listed = [{"name": f"{name} {state}", "ignore_errors": True,
               MODULE: {"supervisorctl_path": crossing.program, "name": name, "state": state, **source, **more}}
              for name, state, more in tasks]
    path = box.write("play.yml", json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": listed}]))
    done = box.execute("ansible-playbook", "-i", "localhost,", "-c", "local", path, timeout=280, env={
        **folders(box), "ANSIBLE_STDOUT_CALLBACK": "json",
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3", "ANSIBLE_LOCALHOST_WARNING": "false"})
    assert done.code == 0, done
    seen = []
    for task in json.loads(done.out)["plays"][0]["tasks"]:
        result = task["hosts"]["localhost"]
        outcome = "failed" if result.get("failed") else "changed" if result["changed"] else "ok"
        texts = [re.sub(r"file: .*", "file: F", result.get(key, "")) for key in ("msg", "stdout")]
        seen.append([task["task"]["name"], outcome, sorted(result.get("affected", [])), result.get("rc"), *texts])
    return seen


def outcomes(seen):
    return [row[1] for row in seen]


def settle(daemon):
    daemon.wait_state("web", "RUNNING")
    daemon.wait_state("g:a", "RUNNING")


def test_states_and_their_repetition(quartet):
    tasks = [("web", "started", {}), ("idle", "started", {}), ("idle", "started", {}), ("idle", "stopped", {}),
             ("idle", "stopped", {}), ("g:", "started", {}), ("g:", "started", {}), ("g:", "stopped", {}),
             ("g:", "stopped", {}), ("g:b", "started", {}), ("web", "signalled", {"signal": "CONT"}),
             ("g:b", "signalled", {"signal": "CONT"}), ("idle", "signalled", {"signal": "CONT"}), ("web", "restarted", {}),
             ("broken", "started", {}),
             ("nosuch", "started", {}), ("nosuch", "absent", {})]

    def session(crossing):
        settle(crossing.daemon)
        return play(crossing, tasks)
    seen = quartet.same(session, PROGRAMS)
    assert " ".join(outcomes(seen)) == ("ok changed ok changed ok changed ok changed ok changed changed "
                                        "changed ok changed failed failed ok")


def test_coming_and_going(quartet):
    tasks = [("new", "present", {}), ("new", "present", {}), ("new", "started", {}), ("new", "absent", {}),
             ("new", "stopped", {}), ("new", "absent", {}), ("new", "absent", {}), ("nosuch", "present", {}),
             ("web", "signalled", {"signal": "NOSUCH"})]

    def session(crossing):
        settle(crossing.daemon)
        crossing.daemon.reconfigure(LATER, inet="username=me\npassword=secret")
        return play(crossing, tasks, {"username": "me", "password": "secret"})
    seen = quartet.same(session, PROGRAMS, inet="username=me\npassword=secret")
    assert outcomes(seen) == ["changed", "ok", "changed", "failed", "changed", "changed", "ok", "failed", "failed"]


def test_everything_by_a_wrong_password_or_address(quartet):
    def session(crossing):
        settle(crossing.daemon)
        wrong, right = ({"username": "me", "password": word} for word in ("wrong", "secret"))
        return [play(crossing, [("web", "started", {}), ("web", "restarted", {})], wrong),
                play(crossing, [("all", "stopped", {}), ("all", "started", {})], right)]
    programs = f"[program:web]\n{SLEEPER}[program:a]\n{SLEEPER}[group:g]\nprograms=a\n"
    seen = quartet.same(session, programs, inet="username=me\npassword=secret")
    assert [outcomes(part) for part in seen] == [["failed", "failed"], ["changed", "changed"]]


def test_a_single_command(pair):
    """`ansible localhost -m ...`, by Debian's control program, which is the one it finds itself."""
    pair.start(f"[program:web]\n{SLEEPER}").each(lambda daemon: daemon.wait_state("web", "RUNNING"))
    crossings = [crossing for crossing in across(pair) if crossing.program == REFERENCE.supervisorctl]

    def run(crossing):
        box = crossing.box
        return box.execute("ansible", "localhost", "-m", MODULE, "-c", "local", "-a",
                           f"name=web state=stopped config={crossing.daemon.path}", timeout=60,
                           env=folders(box)).out
    assert "CHANGED" in compare(crossings, [run(crossing) for crossing in crossings])
