"""Where another implementation is likely to go wrong."""
import re

import pytest

from support.waiting import eventually

SLEEPER = "command=sleep 600\n"



def shown(daemon):
    return [daemon.ctl(word) for word in ("status", "avail", "reread", "update", "status")]


@pytest.mark.parametrize("programs", [
    f"[program:p]\n{SLEEPER}autostart=false\n[group:a]\nprograms=p\n[group:b]\nprograms=p\npriority=5\n",
    f"[program:p]\n{SLEEPER}numprocs=0\nprocess_name=%(process_num)d\n[program:q]\n{SLEEPER}autostart=false\n",
    f"[program:p]\n{SLEEPER}numprocs=0\nprocess_name=%(process_num)d\n[group:g]\nprograms=p\n",
    f"[program:p]\n{SLEEPER}autostart=false\n[group:p]\nprograms=p\n",
    "[group:g]\nprograms=\n", "[group:g]\n", "[group:g]\nprograms=,\n", "[group:g]\nprograms=nosuch\n",
    f"[program:p]\n{SLEEPER}autostart=false\n[group:g]\nprograms=p,\n",
    f"[program:p]\n{SLEEPER}autostart=false\n[program:p]\npriority=7\n", f"[program:p ]\n{SLEEPER}autostart=false\n[program: q]\n{SLEEPER}autostart=false\n",
], ids=["shared", "none", "none in a group", "same name", "empty", "no programs", "comma", "nosuch", "comma behind",
        "twice in the file", "blanks"])
def test_groups_and_numbers(pair, programs):
    pair.start(programs, start=False)

    def run(daemon):
        daemon.start(wait=False)
        eventually(lambda: daemon.process.poll() is not None or daemon.call("getState")[0] == "value", what="a start or an end")
        if daemon.process.poll() is not None:
            return daemon.wait_exit(), daemon.output().splitlines()[:1]
        return shown(daemon), [{**info, "autorestart": 0} for info in daemon.rpc.getAllConfigInfo()]
    pair.same(run)


def test_sections_merged_through_an_include(pair):
    """What is read later wins, option by option, in the place of the first."""
    pair.write("inc/1.conf", "[program:x]\npriority=7\nstartsecs=3\n[program:new]\ncommand=cat\nautostart=false\n[group:g]\nprograms=y\n"
                             "[program:y]\ncommand=cat\nautostart=false\n")
    pair.write("inc/2.conf", "[program:x]\nstartsecs=5\n")
    pair.start(f"[include]\nfiles=inc/*.conf\n[program:x]\n{SLEEPER}autostart=false\nstartsecs=1\nstopsignal=INT\n")

    def look(daemon):
        return [{**info, "autorestart": 0} for info in daemon.rpc.getAllConfigInfo()], shown(daemon)
    infos, _ = pair.same(look)
    assert [(info["name"], info["process_prio"], info["startsecs"], info["stopsignal"]) for info in infos][1] == ("x", 7, 5, 2)


@pytest.mark.slow
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_how_often_a_program_is_tried(pair, retries):
    pair.script("bad", "exit 3")
    pair.start(f"[program:x]\ncommand=@/bad\nstartsecs=10\nstartretries={retries}\n")

    def look(daemon):
        daemon.wait_state("x", "FATAL", timeout=30)
        return daemon.log().count("spawned: 'x'"), daemon.log().count("gave up: x entered FATAL state, too many start retries too quickly")
    assert pair.same(look) == [retries + 1, 1]


def test_logs_that_were_named_by_the_daemon(pair):
    """A reread sees no change in them and they stay; a program that changes gets new ones."""
    pair.start(f"[program:x]\n{SLEEPER}[program:y]\n{SLEEPER}")

    def look(daemon):
        def paths():
            return {name: daemon.info(name)["stdout_logfile"] for name in ("x", "y")}
        daemon.wait_state("x", "RUNNING")
        daemon.wait_state("y", "RUNNING")
        first = paths()
        seen = [daemon.ctl("reread"), daemon.ctl("update"), paths() == first]
        daemon.rpc.stopProcess("x")
        daemon.rpc.startProcess("x")
        seen.append(paths() == first)
        daemon.reconfigure(f"[program:x]\n{SLEEPER}startsecs=2\n[program:y]\n{SLEEPER}")
        seen += [daemon.ctl("reread"), paths() == first, daemon.ctl("update")]
        second = paths()
        return seen + [second["y"] == first["y"], second["x"] == first["x"],
                       bool(re.fullmatch(re.escape(daemon.box.folder) + r"/x-stdout---supervisor-\w{8}\.log", second["x"]))]
    seen = pair.same(look)
    assert seen[0]["out"] == "No config updates to processes\n" and seen[1]["out"] == ""
    assert seen[4]["out"] == "x: changed\n" and seen[-3:] == [True, False, True]


def test_a_port_that_is_taken(pair):
    pair.start(f"[program:x]\n{SLEEPER}", inet="")

    def second(daemon):
        daemon.wait_state("x", "RUNNING")
        box = daemon.box
        text = box.config(f"[program:x]\n{SLEEPER}", inet="").replace(f"{box}/s", f"{box}/s2").replace("sd.log", "sd2.log").replace("sd.pid", "sd2.pid")
        done = box.execute(daemon.suite.supervisord, "-n", "-c", box.write("second.conf", text))
        return done.code, done.err.splitlines()[0], daemon.call("getState"), daemon.state("x")
    seen = pair.same(second)
    assert seen[0] == 2 and seen[1].startswith("Error: Another program is already listening on a port")
