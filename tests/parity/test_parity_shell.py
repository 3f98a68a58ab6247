"""The interactive shell on a terminal: prompts, completion, history, keys."""
import os
import re

import pexpect
import pytest

from support.parity import both, explain
from support.programs import Done
from support.waiting import SCALE, eventually

IDLE = "command=sleep 600\nautostart=false\n"


class Shell:
    def __init__(self, daemon, *arguments, config=True):
        self.child = pexpect.spawn(daemon.suite.supervisorctl, [*(["-c", daemon.path] if config else []), *arguments],
                                   env={**daemon.box.env, "TERM": "dumb", "PYTHONUNBUFFERED": "1"}, cwd=daemon.box.folder,
                                   timeout=20 * SCALE, encoding="utf-8", dimensions=(50, 200))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.close(force=True)

    def until(self, text):
        self.child.expect_exact(text)
        return self.child.before

    def end(self):
        """What is still written, and the exit status."""
        self.child.expect(pexpect.EOF)
        self.child.wait()
        return self.child.before, self.child.exitstatus


@pytest.fixture(scope="module")
def daemons(module_pair):
    return module_pair.start(f"[program:alone]\n{IDLE}[program:alone-2]\n{IDLE}[program:a]\n{IDLE}[program:b]\n{IDLE}"
                             f"[group:g]\nprograms=a,b\n[program:né]\n{IDLE}", ctl="history_file=@/typed")


@pytest.fixture
def same(daemons):
    def same(function):
        results = both(function, *daemons.daemons)
        assert results[0] == results[1], explain(*results)
        return results[0]
    return same


OFFERED = ["", "s", "st", "help ", "help re", "foo", "foo ", "avail ", "version x", "add ", "remove a", "update g", "update g:", "start ",
           "stop g:", "stop a", "tail alone:", "status g:a ", "signal HUP ", "signal H", "clear alone", "fg ", "pid g", "restart zz", "maintail ",
           "open ", "reload ", "shutdown ", "quit ", "  st", "start g:a g"]


def test_what_the_tabulator_offers(same):
    """Every word that can stand there; how they are laid out is the terminal's affair."""
    def session(daemon):
        seen = {}
        with Shell(daemon) as shell:
            shell.until("supervisor> ")
            for line in OFFERED:
                shell.child.send(line + "\t\t\t\x15help EOF\r")
                shown = shell.until("*** No help on EOF").replace("\a", "")
                shell.until("supervisor> ")
                seen[line] = sorted({word for row in shown.split("\n") if "supervisor>" not in row and "\b" not in row for word in row.split()}
                                    - {*line.split(), "g:"})  # "g:" is what was filled in
        return seen
    seen = same(session)
    assert seen["start "] == ["alone", "alone-2", "g:*", "g:a", "g:b", "né"] and seen["tail alone:"] == ["alone:*", "alone:alone"]
    assert seen["update g"] == ["alone", "alone-2", "né"] and len(seen[""]) > 20  # "g " was filled in, and then comes another


@pytest.mark.parametrize("typed, text", [("sta\tt\t g:b\r", "g:b"), ("status alone-\t\r", "alone-2"), ("status g:\ta\r", "g:a"),
                                         ("stat\t n\t\r", "né")])
def test_a_word_that_is_completed(same, typed, text):
    def session(daemon):
        with Shell(daemon) as shell:
            shell.until("supervisor> ")
            shell.child.send(typed)
            shell.child.expect(r"\n(\S+) +STOPPED   Not started\r\n")
            return shell.child.match[1]
    assert same(session) == text


@pytest.mark.parametrize("keys, said", [("\x04", "\r\n"), ("\x03", "\r\n"), ("quit\r", ""), ("exit\r", ""), ("EOF\r", "")])
def test_ways_to_leave(same, keys, said):
    def session(daemon):
        with Shell(daemon) as shell:
            shell.until("supervisor> ")
            shell.child.send(keys)
            rest, status = shell.end()
            return rest.replace(keys.replace("\r", "\r\n"), "").replace("^C", "").replace("^D", "").strip(" \b"), status
    rest, status = same(session)
    assert status == 0 and "\n" in rest


def test_the_prompt_and_the_status_before_it(daemons):
    def session(daemon):
        text = daemon.box.read("sd.conf")
        path = daemon.box.write("prompt.conf", text.replace("[supervisorctl]", "[supervisorctl]\nprompt=my shell"))
        with Shell(daemon, "-c", path, config=False) as shell:
            first = shell.until("my shell> ")
            shell.child.send("help version\r")
            return first, "Show the version" in shell.until("my shell> ")
    results = both(session, *daemons.daemons)
    assert results[0] == results[1]
    assert results[0][0].count("STOPPED   Not started") == 5


def test_what_was_typed_is_kept(daemons):
    """Written at the end, read at the start."""
    def session(daemon):
        for line in ("help version", "status g:a"):
            with Shell(daemon) as shell:
                shell.until("supervisor> ")
                shell.child.send(line + "\r")
                shell.until("supervisor> ")
                shell.child.send("quit\r")
                shell.end()
        typed = [line for line in daemon.box.lines("typed") if not line.startswith("_HiSt")]
        with Shell(daemon) as shell:
            shell.until("supervisor> ")
            shell.child.send("\x10\x10\r")  # up, up
            shell.child.expect(r"\ng:a +STOPPED")
        return typed[-4:]
    assert both(session, *daemons.daemons) == [["help version", "quit", "status g:a", "quit"]] * 2


@pytest.mark.parametrize("path", ["@/none/typed", "@/folder"])
def test_a_history_that_cannot_be_kept(daemons, path):
    def session(daemon):
        os.makedirs(daemon.box.path("folder"), exist_ok=True)
        text = daemon.box.read("sd.conf")
        other = daemon.box.write("other.conf", re.sub("history_file=.*", "history_file=" + path.replace("@", daemon.box.folder), text))
        with Shell(daemon, "-c", other, config=False) as shell:
            shell.until("supervisor> ")
            shell.child.send("quit\r")
            rest, status = shell.end()
            return rest.replace("quit", "").split(), status
    assert both(session, *daemons.daemons) == [([], 0)] * 2


def test_a_person_is_asked_for_a_password(pair):
    """Again and again until it is right; what is typed for a password is not shown."""
    pair.start(f"[program:x]\n{IDLE}", unix="username=me\npassword=secret", start=False)

    def session(daemon):
        daemon.credentials = ("me", "secret")
        daemon.start()
        seen = []
        with Shell(daemon) as shell:
            for password in ("wrong", "secret"):
                seen.append(shell.until("Username:"))
                shell.child.send("me\r")
                seen.append(shell.until("Password:"))
                shell.child.send(password + "\r")
            seen.append(shell.until("supervisor> "))
            shell.child.send("pid x\r")
            seen.append(shell.until("supervisor> "))
        with Shell(daemon, "-i", "status") as shell:
            shell.until("Username:")
            shell.child.send("me\r")
            shell.until("Password:")
            shell.child.send("secret\r")
            seen += [*shell.end()]
        return [text.replace("pid x", "") if isinstance(text, str) else text for text in seen]

    def loosely(seen):
        return [re.sub(r"[\r\n\b ]+", "\n", text) if isinstance(text, str) else text for text in seen]
    seen = pair.same(session, loosely)
    assert "secret" not in str(seen) and "Server\nrequires\nauthentication" in seen[0]


def test_the_foreground_from_the_shell(pair):
    """Lines go to the program, its words come back, Ctrl-C leads back to the shell."""
    pair.script("talk", "while read line; do echo said $line; echo oops $line >&2; done")
    pair.start("[program:talk]\ncommand=@/talk\nstdout_logfile=@/talk.out\nstderr_logfile=@/talk.err\n")

    def session(daemon):
        daemon.wait_state("talk", "RUNNING")
        with Shell(daemon) as shell:
            shell.until("supervisor> ")
            shell.child.send("fg talk\r")
            shell.until("==> Press Ctrl-C to exit <==")
            shell.child.send("hello wörld\r")
            eventually(lambda: "wörld" in daemon.box.read("talk.err"), what="the line")
            shell.child.expect("(said|oops) hello wörld\r\n")
            shell.child.expect("(said|oops) hello wörld\r\n")
            shell.child.sendintr()
            shell.until("Exiting foreground")
            shell.until("supervisor> ")
            shell.child.send("status talk\r")
            shell.child.expect(r"talk +RUNNING")
        return daemon.box.read("talk.out"), daemon.box.read("talk.err")
    assert pair.same(session) == ["said hello wörld\n", "oops hello wörld\n"]


def test_the_foreground_ends_with_the_program(pair):
    """The original looks only after the next line that is typed, and then often waits for a thread of its own."""
    pair.script("once", "read line; echo got $line")
    pair.start("[program:once]\ncommand=@/once\nautorestart=false\n")

    def session(daemon):
        daemon.wait_state("once", "RUNNING")
        with Shell(daemon, "fg", "once") as shell:
            shell.until("Press Ctrl-C")
            shell.child.send("words\r")
            daemon.wait_state("once", "EXITED")
            try:
                shell.child.expect_exact("Process got killed", timeout=4 * SCALE)
            except pexpect.TIMEOUT:
                return "nothing is said"
            shell.until("Exiting foreground")
            return shell.end()[1]
    pair.differs("foreground-end", session, lambda seen: seen in ("nothing is said", 0), lambda seen: seen == 0)


@pytest.mark.beyond("foreground-end")
def test_the_foreground_ends_with_the_input(box):
    """Also when there is none, before the logs have answered."""
    daemon = box.daemon("[program:x]\ncommand=sleep 600\n")
    daemon.wait_state("x", "RUNNING")
    for _ in range(5):
        assert daemon.ctl("fg", "x") == Done(0, "==> Press Ctrl-C to exit <==\nExiting foreground\n", "")
