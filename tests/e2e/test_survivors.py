"""The keeper itself is killed: the manager leaves, the programs run on, and the next supervisord knows them."""
import os
import re
import signal
import stat
import time

import pytest

from support import procfs
from support.upgrades import upgrade
from support.waiting import eventually, promptly, timed

pytestmark = pytest.mark.beyond("adopt")

PROGRAMS = ("[program:x]\ncommand=sleep 600\n"
            "[program:many]\ncommand=sleep 600\nnumprocs=2\nprocess_name=%(process_num)d\n")
NAMES = ("x", "many:0", "many:1")
ADOPT = "adopt=true"
FILE = "sd.pid.programs"


def wait_running(daemon, *names):
    return {name: daemon.wait_state(name, "RUNNING")["pid"] for name in names}


def kill_keeper(daemon):
    """Waits until the manager is gone, too."""
    manager = daemon.manager
    daemon.signal(signal.SIGKILL)
    daemon.process.wait()
    eventually(lambda: not procfs.alive(manager), what="the manager gone")


def survived(box, programs=PROGRAMS, names=NAMES, **config):
    """The pids of programs whose daemon was killed."""
    daemon = box.daemon(programs, **config)
    pids = wait_running(daemon, *names)
    kill_keeper(daemon)
    return pids


def end(pid):
    """Kills a process that has no parent to tell."""
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not procfs.alive(pid), what=f"{pid} gone")


def reports(daemon):
    """What was logged of survivors, by name: (pid, what becomes of it)."""
    found = {}
    for level, text in daemon.messages():
        match = re.fullmatch(r"program '(\S+)' \(pid (\d+)\) survived the supervisord that had started it: (.*)", text)
        if match:
            assert level == "WARN"
            found[match[1]] = (int(match[2]), match[3])
    return found


# --- the manager


@pytest.mark.parametrize("at_work", [False, True])
def test_the_manager_leaves_at_once_and_the_programs_stay(box, at_work):
    pids = []

    def leaving():
        daemon = box.daemon(PROGRAMS)
        pids.extend(wait_running(daemon, *NAMES).values())
        manager = daemon.manager
        if at_work:
            os.kill(manager, signal.SIGSTOP)
        daemon.signal(signal.SIGKILL)
        return timed(lambda: eventually(lambda: not procfs.alive(manager), what="the manager gone"))
    promptly(leaving, 0.5)
    assert all(procfs.alive(pid) for pid in pids)


@pytest.mark.root
def test_a_manager_that_became_another_user_leaves_at_once_too(box):
    os.chmod(box.folder, 0o777)
    daemon = box.daemon(PROGRAMS, supervisord="user=nobody")
    manager = daemon.manager
    os.kill(manager, signal.SIGSTOP)
    daemon.signal(signal.SIGKILL)
    eventually(lambda: not procfs.alive(manager), what="the manager gone")


# --- without adopt


def test_the_next_start_tells_who_survived(box):
    pids = survived(box)
    daemon = box.daemon(PROGRAMS)
    new = wait_running(daemon, *NAMES)
    told = {name: (pid, "not adopted, it runs on unwatched (adopt=true in [supervisord] would take it over)")
            for name, pid in pids.items()}
    assert reports(daemon) == told
    assert not set(new.values()) & set(pids.values())
    assert all(procfs.alive(pid) for pid in pids.values())
    lines = [text for _, text in daemon.messages()]
    assert max(i for i, t in enumerate(lines) if "survived" in t) < lines.index(f"spawned: 'x' with pid {new['x']}")


def test_an_orderly_end_leaves_nothing_to_tell(box):
    daemon = box.daemon(PROGRAMS)
    wait_running(daemon, *NAMES)
    assert stat.S_IMODE(os.stat(box.path(FILE)).st_mode) == 0o600
    assert daemon.stop() == 0
    assert not [name for name in os.listdir(box.folder) if "programs" in name]
    daemon = box.daemon(PROGRAMS)
    wait_running(daemon, *NAMES)
    assert reports(daemon) == {}


def test_whoever_has_ended_meanwhile_is_not_told(box):
    pids = survived(box)
    end(pids["x"])
    assert set(reports(box.daemon(PROGRAMS))) == {"many:0", "many:1"}


def test_programs_that_came_with_an_update_or_after_a_crash_are_known(box):
    daemon = box.daemon("[program:gone]\ncommand=sleep 600\n[program:x]\ncommand=sleep 600\n")
    wait_running(daemon, "gone", "x")
    daemon.reconfigure("[program:x]\ncommand=sleep 600\n[program:late]\ncommand=sleep 600\n"
                       "[program:after]\ncommand=sleep 600\nautostart=false\n")
    assert daemon.ctl("update").code == 0
    wait_running(daemon, "late")
    os.kill(daemon.manager, signal.SIGKILL)
    daemon.wait_log("its successor has taken over")
    daemon.wait_up()
    daemon.rpc.startProcess("after")
    pids = wait_running(daemon, "x", "late", "after")
    kill_keeper(daemon)
    again = box.daemon(PROGRAMS)
    assert {name: pid for name, (pid, _) in reports(again).items()} == pids


# --- adopting


def test_adopted_programs_go_on(box):
    daemon = box.daemon(PROGRAMS + "[program:hand]\ncommand=sleep 600\nautostart=false\n")
    daemon.rpc.startProcess("hand")
    pids = wait_running(daemon, *NAMES, "hand")
    starts = {name: daemon.info(name)["start"] for name in pids}
    time.sleep(1.1)
    kill_keeper(daemon)
    daemon = box.daemon(PROGRAMS + "[program:hand]\ncommand=sleep 600\nautostart=false\n", supervisord=ADOPT)
    assert {name: daemon.pid_of(name) for name in pids} == pids
    assert reports(daemon) == {name: (pid, "adopted") for name, pid in pids.items()}
    assert all(daemon.state(name) == "RUNNING" for name in pids)
    assert all(abs(daemon.info(name)["start"] - starts[name]) <= 1 for name in pids)
    assert daemon.log().count("spawned: 'x'") == 1


def test_an_adopted_program_is_stopped_like_any_other(box):
    box.script("child", "trap '' TERM; while :; do sleep 0.1; done")
    programs = (PROGRAMS + f"[program:deaf]\ncommand={box}/child\nstopwaitsecs=1\n"
                f"[program:group]\ncommand=sh -c 'sleep 600 & echo $! > {box}/pid; wait'\nstopasgroup=true\n")
    pids = survived(box, programs, (*NAMES, "deaf", "group"))
    grandchild = int(box.wait_lines("pid")[0])
    daemon = box.daemon(programs, supervisord=ADOPT)
    for name in ("x", "group", "deaf"):
        assert daemon.rpc.stopProcess(name) is True
        assert daemon.state(name) == "STOPPED"
        assert not procfs.alive(pids[name])
    assert not procfs.alive(grandchild)
    assert ("WARN", "stopped: x (exit status unknown)") in daemon.messages()
    assert ("WARN", f"killing 'deaf' ({pids['deaf']}) with SIGKILL") in daemon.messages()
    daemon.rpc.startProcess("x")
    daemon.wait_state("x", "RUNNING")
    assert daemon.rpc.signalProcess("many:0", "KILL") is True
    daemon.wait_new_pid("many:0", pids["many:0"])
    assert daemon.stop() == 0
    assert not procfs.alive(pids["many:1"])


def test_the_end_of_an_adopted_program_is_seen_at_once(box):
    programs = PROGRAMS + "[program:once]\ncommand=sleep 600\nautorestart=false\n"
    pids = survived(box, programs, (*NAMES, "once"))
    daemon = box.daemon(programs, supervisord=ADOPT)
    names = iter(NAMES)

    def noticed():
        name = next(names)
        end(pids[name])
        return timed(lambda: daemon.wait_new_pid(name, pids[name]))
    promptly(noticed, 0.5, attempts=len(NAMES))
    assert ("WARN", "exited: x (exit status unknown; not expected)") in daemon.messages()
    end(pids["once"])
    info = daemon.wait_state("once", "EXITED")
    assert (info["exitstatus"], info["pid"]) == (-1, 0)
    new = daemon.wait_state("x", "RUNNING")["pid"]
    end(new)
    daemon.wait_new_pid("x", new)
    assert ("WARN", "exited: x (terminated by SIGKILL; not expected)") in daemon.messages()


def test_adopted_programs_outlive_managers_and_upgrades(box):
    pids = survived(box)
    daemon = box.daemon(PROGRAMS, supervisord=ADOPT)
    os.kill(daemon.manager, signal.SIGKILL)
    daemon.wait_log("its successor has taken over")
    daemon.wait_up()
    upgrade(daemon)
    upgrade(daemon, "--keeper")
    assert {name: daemon.pid_of(name) for name in NAMES} == pids
    end(pids["x"])
    daemon.wait_new_pid("x", pids["x"])
    assert daemon.rpc.stopProcess("many:0") is True
    assert not procfs.alive(pids["many:0"])


def test_programs_are_adopted_again_and_again(box):
    pids = survived(box)
    for _ in range(2):
        daemon = box.daemon(PROGRAMS, supervisord=ADOPT)
        assert {name: daemon.pid_of(name) for name in NAMES} == pids
        kill_keeper(daemon)


def test_what_does_not_fit_any_more_is_told_and_not_adopted(box):
    programs = ("[program:gone]\ncommand=sleep 600\n[program:other]\ncommand=sleep 601\n"
                f"[eventlistener:ear]\ncommand=sh -c 'echo READY; exec sleep 600'\nevents=TICK_3600\n"
                f"[fcgi-program:web]\ncommand=sleep 600\nsocket=unix://{box}/web\n")
    pids = survived(box, programs, ("gone", "other", "ear", "web"))
    daemon = box.daemon(programs.replace("program:gone", "program:new").replace("601", "602"), supervisord=ADOPT)
    new = wait_running(daemon, "new", "other", "ear", "web")
    assert reports(daemon) == {
        "gone": (pids["gone"], "not adopted, since no program of that name is configured"),
        "other": (pids["other"], "not adopted, since its command is another one now"),
        "ear": (pids["ear"], "not adopted, since an event listener is of no use without its pipes"),
        "web": (pids["web"], "not adopted, since its FastCGI socket is lost"),
    }
    assert not set(new.values()) & set(pids.values())
    assert all(procfs.alive(pid) for pid in pids.values())


# --- a file that lies


def rewrite(box, change):
    path = box.path(FILE)
    with open(path, encoding="ascii") as file:
        text = file.read()
    with open(path, "w", encoding="ascii") as file:
        file.write(change(text))


def other_start_time(text):
    return re.sub(r"(?m)^( *\d+ +)(\d+) ", lambda m: f"{m[1]}{int(m[2]) + 1:>20} ", text)


def other_boot(text):
    return text.replace("-", "0", 1)


def other_namespace(text):
    return re.sub(r"pid:\[\d+\]", "pid:[1]", text)


@pytest.mark.parametrize("change", [
    other_start_time, other_boot, other_namespace,
    lambda text: "",
    lambda text: text.partition("\n")[0],
    lambda text: text.partition("\n")[0] + "\n         1                    1 0000000000000000 x x\n",
    lambda text: text.replace(" x x\n", " x\n").replace(" many ", " man%y "),
    lambda text: "\0" * 100_000,
], ids=["start time", "boot", "namespace", "empty", "cut", "init", "names", "zeros"])
def test_a_file_of_another_time_or_damaged_is_harmless(box, change):
    pids = survived(box)
    rewrite(box, change)
    daemon = box.daemon(PROGRAMS, supervisord=ADOPT)
    new = wait_running(daemon, *NAMES)
    assert reports(daemon) == {} and not set(new.values()) & set(pids.values())
    assert daemon.stop() == 0
    assert all(procfs.alive(pid) for pid in pids.values())


def link_elsewhere(path):
    os.rename(path, path + ".real")
    os.symlink(path + ".real", path)


def second_name(path):
    os.link(path, path + ".second")


def writable(path):
    os.chmod(path, 0o620)


def fifo(path):
    os.remove(path)
    os.mkfifo(path)


def of_another_user(path):
    os.chown(path, 65534, 65534)


@pytest.mark.parametrize("change", [
    link_elsewhere, second_name, writable, fifo, pytest.param(of_another_user, marks=pytest.mark.root)])
def test_a_file_that_others_may_have_written_is_not_believed(box, change):
    pids = survived(box)
    change(box.path(FILE))
    daemon = box.daemon(PROGRAMS, supervisord=ADOPT)
    new = wait_running(daemon, *NAMES)
    assert reports(daemon) == {} and not set(new.values()) & set(pids.values())
    assert "programs of an earlier supervisord may be running: " in daemon.log()
    kill_keeper(daemon)
    # From now on it is ours.
    daemon = box.daemon(PROGRAMS, supervisord=ADOPT)
    assert {name: pid for name, (pid, _) in reports(daemon).items()} == new


def test_without_a_place_for_the_file_all_else_works(box):
    os.mkdir(box.path(FILE))
    box.write(FILE + "/x", "")
    daemon = box.daemon(PROGRAMS, supervisord=ADOPT)
    wait_running(daemon, *NAMES)
    assert "cannot know its programs: " in daemon.log()
    assert daemon.stop() == 0


# --- so that it does not come to that


@pytest.mark.root
def test_a_keeper_that_may_not_keep_itself_from_the_oom_killer_says_nothing_and_works(box):
    def anybody_and_likelier():
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("321")
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    def score(pid):
        with open(f"/proc/{pid}/oom_score_adj", encoding="ascii") as file:
            return int(file.read())
    os.chmod(box.folder, 0o777)
    daemon = box.daemon(PROGRAMS, preexec=anybody_and_likelier)
    pids = wait_running(daemon, *NAMES)
    assert {score(pid) for pid in (daemon.pid, daemon.manager, *pids.values())} == {321}
    assert "oom" not in (daemon.log() + daemon.output()).lower()
