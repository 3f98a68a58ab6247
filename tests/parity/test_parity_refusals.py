"""What the system refuses, though as a rule it would not: the same words, where the original has any."""
import os
import re

import pytest

from support.faults import failing, refusing

SLEEPER = "command=sleep 600\n"


@pytest.mark.root
def test_a_group_of_the_daemon(pair):
    """Alone: as a rule, setgroups(2) fails before for the same reason."""
    for box in pair.boxes:
        os.chmod(box.folder, 0o777)
        box.write("sd.conf", box.config("", supervisord="user=nobody"))

    def look(box):
        return box.execute(box.suite.supervisord, "-n", "-c", box.path("sd.conf"), preexec=refusing({"setgid": "EPERM"}))
    seen = pair.same_in_box(look, lambda done: [done["code"], done["err"].splitlines()[0]])
    assert seen == [2, "Error: Could not set group id of effective user"]


@pytest.mark.root
def test_a_group_of_a_program(pair):
    pair.start(f"[program:x]\n{SLEEPER}user=nobody\nstdout_logfile=@/out\nredirect_stderr=true\nstartsecs=10\nstartretries=0\n",
               preexec=refusing({"setgid": "EPERM"}))

    def look(daemon):
        daemon.wait_state("x", "FATAL")
        return daemon.box.read("out")
    assert "Could not set group id of effective user" in pair.same(look)


def test_the_mode_of_a_fastcgi_socket(pair):
    """The original says it as the call fails, ours as the program's trouble."""
    pair.start()

    def look(daemon):
        daemon.reconfigure(f"[fcgi-program:f]\n{SLEEPER}socket=unix://{daemon.box}/f.sock\nsocket_mode=0777\nstartretries=0\n")
        daemon.rpc.reloadConfig()
        with failing(daemon.pid if daemon.suite.is_reference else daemon.manager, "chmod,fchmodat", "EPERM"):
            answer = daemon.call("addProcessGroup", "f")
            if answer[0] == "value":
                daemon.wait_state("f", "FATAL")
                return answer, daemon.info("f")["spawnerr"]
        return answer, re.findall("(?m)^ValueError: (.*)$", daemon.log())[-1]
    texts = []
    pair.differs("fcgi-socket", look, lambda seen: seen[0] == ["http", 500] and texts.append(seen[1]) is None,
                 lambda seen: seen[0] == ["value", True] and texts.append(seen[1]) is None)
    original, ours = (text.partition(": '")[0] for text in texts)
    assert original == ours
    assert "Could not change permissions of socket file: [Errno 1]" in ours
