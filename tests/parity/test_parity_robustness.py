"""What makes the original lose output or a channel, or leak what it was given, and leaves ours as it was."""
import os
import signal
import subprocess

from support import procfs
from support.speaker import say, speaker
from support.waiting import eventually

SLEEPER = "command=sleep 600\n"


def test_the_last_words_of_a_program(pair):
    """More than one reading takes, written while nobody reads, by a program that ends at once."""
    for box in pair.boxes:
        box.python("x", "import fcntl, os, sys\nfcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 20)\nsys.stdin.readline()\n"
                        "data = b'x' * 800000\nwhile data: data = data[os.write(1, data):]\n")
    pair.start("[program:x]\ncommand=@/x\nautorestart=false\nstdout_logfile=@/out\n")

    def session(daemon):
        pid = daemon.wait_state("x", "RUNNING")["pid"]
        asleep = [daemon.pid] if daemon.suite.is_reference else [daemon.pid, daemon.manager]
        with open(f"/proc/{pid}/fd/0", "wb", buffering=0) as words:
            for stopped in asleep:
                os.kill(stopped, signal.SIGSTOP)
            words.write(b"now\n")
        eventually(lambda: not procfs.alive(pid), what="the end of x")
        for stopped in reversed(asleep):
            os.kill(stopped, signal.SIGCONT)
        daemon.wait_state("x", "EXITED")
        return len(daemon.box.bytes("out"))
    pair.differs("last-words", session, lambda size: 0 < size < 800000, lambda size: size == 800000)


def closes_at(daemon, piece):
    """Does the daemon close x's output for an error when x writes this?"""
    said = daemon.log().count("'x' stdout output")
    say(daemon, piece)
    daemon.wait_log("closing channel|'x' stdout output", count=said + 1)
    daemon.rpc.getState()  # comes behind the rest of what was read
    return "closing channel" in daemon.log()


def test_a_log_that_cannot_be_rotated(pair):
    """It is there for programs to write into /dev/stdout or a named pipe; without maxbytes=0 that is easily forgotten."""
    def session(daemon):
        daemon.wait_state("x", "RUNNING")
        if closes_at(daemon, b"one\n"):
            return "closed"
        say(daemon, b"two\n")
        told = [text for level, text in daemon.messages() if level == "WARN" and "fifo" in text]
        return eventually(lambda: b"two" in data(daemon.box), what="two lines") and told

    def data(box):
        try:
            box.seen += os.read(box.fifo, 1000)
        except BlockingIOError:
            pass
        return box.seen

    for box in pair.boxes:
        speaker(box)
        os.mkfifo(box.path("fifo"))
        box.fifo, box.seen = os.open(box.path("fifo"), os.O_RDWR | os.O_NONBLOCK), b""
    try:
        pair.start("[program:x]\ncommand=@/speaker @/x.said\nstdout_logfile=@/fifo\n")
        pair.differs("special-log", session, lambda seen: seen == "closed", lambda seen: len(seen) == 1
                     and seen[0].endswith("stdout_logfile_maxbytes is ignored"))
        assert pair.boxes[1].suite.is_reference or pair.boxes[1].seen == b"one\ntwo\n"
    finally:
        for box in pair.boxes:
            os.close(box.fifo)


def test_many_captures_at_once(pair):
    for box in pair.boxes:
        speaker(box)
    pair.start("[program:x]\ncommand=@/speaker @/x.said\nstdout_logfile=@/out\nstdout_capture_maxbytes=100\n")
    tokens = b"<!--XSUPERVISOR:BEGIN-->a<!--XSUPERVISOR:END-->" * 600

    def session(daemon):
        daemon.wait_state("x", "RUNNING")
        if closes_at(daemon, tokens):
            return "closed"
        say(daemon, b"behind them, and longer than a token\n")
        return eventually(lambda: daemon.box.read("out"), what="what is behind them")
    pair.differs("many-captures", session, lambda seen: seen == "closed",
                 lambda seen: seen == "behind them, and longer than a token\n")


def test_an_answer_of_less_than_no_bytes(pair):
    pair.script("l", "echo READY; read line; head -c 8 > /dev/null; printf 'RESULT -1\\nREADY\\n'; exec sleep 600")
    pair.start("[eventlistener:l]\ncommand=@/l\nevents=REMOTE_COMMUNICATION\n")

    def session(daemon):
        daemon.wait_state("l", "RUNNING")
        daemon.wait_log("l: ACKNOWLEDGED -> READY")
        daemon.rpc.sendRemoteCommEvent("a", "b")
        log = daemon.wait_log("closing channel|l: BUSY -> UNKNOWN")
        return "closing channel" in log, "WARN l: bad result line: 'RESULT -1'" in log
    pair.differs("negative-result", session, lambda seen: seen == [True, False], lambda seen: seen == [False, True])


def test_a_descriptor_above_those_that_the_daemon_counts(pair):
    pair.script("x", "ls /proc/self/fd; exec sleep 600")
    high = 1100  # minfds is 1024
    os.dup2(0, high)

    def session(box):
        config = box.write("sd.conf", box.config(f"[program:x]\ncommand={box}/x\nstdout_logfile={box}/out\n"))
        box.start([box.suite.supervisord, "-n", "-c", config], stdout=subprocess.DEVNULL, pass_fds=(high,))
        return sorted(map(int, box.wait_lines("out", 4)))
    try:
        # Three of its own and the one that ls opens for the folder.
        pair.differs_in_box("inherited-descriptors", session, lambda seen: high in seen, lambda seen: seen == [0, 1, 2, 3])
    finally:
        os.close(high)


def test_a_user_of_the_daemon_that_nobody_knows(pair):
    pair.start(f"[program:x]\n{SLEEPER}")

    def session(daemon):
        daemon.reconfigure(f"[program:x]\n{SLEEPER}", supervisord="user=nosuchuser")
        seen = daemon.ctl("reread")
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("restart refused|Invalid user name") if not daemon.suite.is_reference else daemon.wait_exit()
        return seen.code, seen.out, daemon.process.poll()
    pair.differs("reread-user", session, lambda seen: seen == [0, "No config updates to processes\n", 2],
                 lambda seen: seen == [1, "ERROR: CANT_REREAD: Invalid user name nosuchuser\n", None])
