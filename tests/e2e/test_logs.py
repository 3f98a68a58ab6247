"""Logs of children and of the daemon: where the bytes go, that none is lost, rotation, reading, clearing, following."""
import os
import re
import signal
import subprocess

import pytest

from support import procfs
from support.waiting import SCALE, eventually, timed


def printer(box, name="x", out="", err="", stay=True):
    """A program that writes exactly these bytes and then stays or leaves."""
    return box.python(name, f"import os, time\nos.write(1, {out.encode()!r})\nos.write(2, {err.encode()!r})\n"
                            + ("time.sleep(1000)\n" if stay else ""))


def test_output_goes_to_the_two_files_unchanged(box):
    box.daemon(f"[program:x]\ncommand={printer(box, out='out é' + chr(10) + 'no newline', err='err')}\n"
               f"stdout_logfile={box}/out\nstderr_logfile={box}/err\n")
    eventually(lambda: box.read("out") == "out é\nno newline" and box.read("err") == "err", what="both files")


def test_binary_output_is_not_touched(box):
    data = bytes(range(256)) * 10
    box.write("data", data)
    box.daemon(f"[program:x]\ncommand=cat {box}/data\nstartsecs=0\nautorestart=false\nstdout_logfile={box}/out\n")
    eventually(lambda: box.bytes("out") == data, what="the bytes")


def test_redirected_stderr_joins_stdout_in_order(box):
    program = box.script("x", "for i in 1 2 3; do echo o$i; echo e$i >&2; done; exec sleep 60")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nredirect_stderr=true\nstdout_logfile={box}/out\n")
    assert box.wait_lines("out", 6) == ["o1", "e1", "o2", "e2", "o3", "e3"]
    assert daemon.info("x")["stderr_logfile"] == ""


def test_automatic_logs_have_supervisors_names_and_are_cleaned_at_the_next_start(box):
    daemon = box.daemon(f"[program:x]\ncommand={printer(box, out='hello')}\n", supervisord="identifier=me")
    info = daemon.info("x")
    assert re.fullmatch(rf"{box}/x-stdout---me-[a-z0-9_]{{8}}\.log", info["stdout_logfile"])
    assert re.fullmatch(rf"{box}/x-stderr---me-[a-z0-9_]{{8}}\.log", info["stderr_logfile"])
    assert info["logfile"] == info["stdout_logfile"]
    assert os.stat(info["stdout_logfile"]).st_mode & 0o777 == 0o600
    eventually(lambda: open(info["stdout_logfile"]).read() == "hello", what="the output")
    box.write("x-stdout---other-abcdefgh.log", "of another daemon")
    daemon.stop()
    assert os.path.exists(info["stdout_logfile"])
    daemon.start()
    assert not os.path.exists(info["stdout_logfile"])
    assert box.exists("x-stdout---other-abcdefgh.log")


def test_nocleanup_keeps_old_automatic_logs(box):
    box.write("x-stdout---supervisor-abcdefgh.log", "old")
    box.daemon("", supervisord="nocleanup=true")
    assert box.exists("x-stdout---supervisor-abcdefgh.log")


def test_none_means_no_log_and_nobody_waits(box):
    program = box.script("x", f"i=0; while [ $i -lt 3000 ]; do echo line $i of many; i=$((i+1)); done; touch {box}/done; "
                              "exec sleep 60")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile=NONE\nstderr_logfile=none\n")
    eventually(lambda: box.exists("done"), what="the program through its output")
    info = daemon.info("x")
    assert (info["logfile"], info["stdout_logfile"], info["stderr_logfile"]) == ("", "", "")
    assert daemon.call("readProcessStdoutLog", "x", 0, 0)[:2] == ("fault", 20)
    assert daemon.call("tailProcessStdoutLog", "x", 0, 100) == ("value", ["", 0, False])


@pytest.mark.parametrize("size, backups, names", [(1000, 2, {"out", "out.1", "out.2"}), (1000, 0, {"out"})])
def test_rotation_keeps_the_newest_in_order(box, size, backups, names):
    program = box.python("x", "import os, time\nfor i in range(1000):\n  os.write(1, b'%099d\\n' % i)\n"
                              f"  if i % 5 == 4: time.sleep(0.001)\nopen('{box}/through', 'w')\ntime.sleep(1000)\n")
    box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/out\nstdout_logfile_maxbytes={size}\n"
               f"stdout_logfile_backups={backups}\n", supervisord="loglevel=info")

    def numbers():
        return [int(line) for name in ("out.2", "out.1", "out") for line in box.bytes(name).split()]

    def newest():
        # Everything may just have been rotated away where there are no backups.
        found = numbers()
        return found == list(range(1000 - len(found), 1000)) and (found or backups == 0)
    eventually(lambda: box.exists("through"), what="the program through its output")
    eventually(newest, what=lambda: f"the newest lines in order, are {numbers()}")
    assert {name for name in os.listdir(box.folder) if name.startswith("out")} == names
    if backups:
        assert os.stat(box.path("out.1")).st_size >= size and os.stat(box.path("out.2")).st_size >= size


def test_one_chunk_may_pass_the_limit_and_then_the_file_is_rotated(box):
    daemon = box.daemon(f"[program:x]\ncommand={box.path('x')}\nautostart=false\nstdout_logfile={box}/out\n"
                        "stdout_logfile_maxbytes=10\n")
    box.python("x", "import os, sys\nfor line in sys.stdin:\n  os.write(1, line.strip().encode())\n")
    daemon.rpc.startProcess("x")
    for text, now, before in [("12345", "12345", ""), ("67890", "", "1234567890"), ("abcdefghijklmnop", "", "abcdefghijklmnop")]:
        daemon.rpc.sendProcessStdin("x", text + "\n")
        eventually(lambda: (box.read("out"), box.read("out.1")) == (now, before), what=f"rotation behind {text}")
    assert box.read("out.2") == "1234567890"


def test_the_main_log_is_rotated_too(box):
    daemon = box.daemon("", supervisord="logfile_maxbytes=2000\nlogfile_backups=2\nloglevel=trace")
    for _ in range(40):
        daemon.wire().request("GET", "/nosuch/page")
    eventually(lambda: box.exists("sd.log.2"), what="two backups")
    assert not box.exists("sd.log.3")
    for name in ("sd.log.1", "sd.log.2"):
        assert 2000 <= len(box.bytes(name)) < 4000


def test_a_log_may_be_standard_output(box):
    daemon = box.daemon(f"[program:x]\ncommand={printer(box, out='through' + chr(10))}\nstdout_logfile=/dev/stdout\n"
                        "stdout_logfile_maxbytes=0\n", start=False, arguments=["-s"])
    process = box.start([box.suite.supervisord, "-n", "-s", "-c", daemon.path])
    os.set_blocking(process.stdout.fileno(), False)
    seen = b""

    def arrived():
        nonlocal seen
        seen += process.stdout.read() or b""
        return seen == b"through\n"
    eventually(arrived, what=lambda: f"the output, got {seen!r}")


def test_the_main_log_may_be_standard_output(box):
    text = box.config("", supervisord="logfile_maxbytes=0").replace(f"logfile={box}/sd.log", "logfile=/dev/stdout")
    process = box.start([box.suite.supervisord, "-n", "-s", "-c", box.write("sd.conf", text)])
    line = b""
    while b"supervisord started with pid" not in line:
        line = process.stdout.readline()
        assert line


def test_the_last_words_of_a_chatty_child_are_all_kept(box):
    """More than a pipe holds, written in one go by a process that ends at once."""
    program = box.python("x", "import os, fcntl\nfcntl.fcntl(1, 1031, 1 << 20)\n"
                              "data = b''.join(b'%07d\\n' % i for i in range(100000))\n"
                              "while data: data = data[os.write(1, data):]\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstartsecs=0\nautorestart=false\nstdout_logfile={box}/out\n"
                        "stdout_logfile_maxbytes=0\n", supervisord="loglevel=info")
    daemon.wait_state("x", "EXITED")
    eventually(lambda: len(box.bytes("out")) == 800000, what="all bytes") if daemon.suite.is_reference else None
    assert box.bytes("out") == b"".join(b"%07d\n" % i for i in range(100000))


def test_output_is_in_the_log_before_the_exit_is_known(box):
    program = box.script("x", "echo last words; exit 3")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstartsecs=0\nautorestart=false\nstdout_logfile={box}/out\n")
    daemon.wait_state("x", "EXITED")
    assert box.read("out") == "last words\n"


def test_each_start_appends(box):
    daemon = box.daemon(f"[program:x]\ncommand={printer(box, out='once' + chr(10))}\nstdout_logfile={box}/out\n")
    box.wait_lines("out", 1)
    daemon.ctl("restart", "x")
    assert box.wait_lines("out", 2) == ["once", "once"]


def test_usr2_reopens_the_logs_that_were_moved_away(box):
    program = box.script("x", "while :; do echo line; sleep 0.05; done")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/out\n")
    box.wait_lines("out", 2)
    os.rename(box.path("out"), box.path("out.moved"))
    os.rename(box.path("sd.log"), box.path("sd.log.moved"))
    daemon.signal(signal.SIGUSR2)
    box.wait_lines("out", 2)
    eventually(lambda: box.exists("sd.log"), what="a new main log")
    eventually(lambda: "received SIGUSR2 indicating log reopen request" in box.read("sd.log.moved") + box.read("sd.log"),
               what="the message")
    daemon.wait_state("x", "RUNNING")
    size = len(box.bytes("out.moved"))
    box.wait_lines("out", 6)
    assert len(box.bytes("out.moved")) == size


def test_truncation_from_outside_is_followed(box):
    """logrotate's copytruncate: the file becomes empty under us, and writing goes on at its end."""
    program = box.script("x", "while :; do echo line; sleep 0.05; done")
    box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/out\n")
    box.wait_lines("out", 5)
    os.truncate(box.path("out"), 0)
    box.wait_lines("out", 2)
    assert b"\0" not in box.bytes("out")


def test_clear_empties_the_log_of_a_running_process(box):
    daemon = box.daemon(f"[program:x]\ncommand={printer(box, out='text')}\nstdout_logfile={box}/out\n")
    eventually(lambda: box.read("out") == "text", what="output")
    assert daemon.ctl("clear", "x").out == "x: cleared\n"
    assert box.exists("out") and box.read("out") == ""


@pytest.mark.beyond("clear-stopped")
def test_clear_empties_the_log_of_a_stopped_process(box):
    daemon = box.daemon(f"[program:x]\ncommand={printer(box, out='text')}\nstdout_logfile={box}/out\n")
    eventually(lambda: box.read("out") == "text", what="output")
    daemon.rpc.stopProcess("x")
    assert daemon.ctl("clear", "x").out == "x: cleared\n"
    assert box.read("out") == ""


TEN = "0123456789"


@pytest.mark.parametrize("offset, length, result", [
    (0, 10, [TEN, 10, False]), (0, 5, ["56789", 10, True]), (0, 20, [TEN, 10, False]), (5, 5, ["56789", 10, False]),
    (5, 3, ["789", 10, True]), (5, 20, [TEN, 10, False]), (10, 5, ["", 10, False]), (15, 5, ["", 10, False]),
    (0, 0, ["", 10, True]), (-5, 5, ["56789", 10, True]), (-5, 20, [TEN, 10, False]), (0, -1, ["", 10, True]),
    (9, 1, ["9", 10, False])])
def test_tail_of_a_log(ten_bytes, offset, length, result):
    assert ten_bytes.call("tailProcessStdoutLog", "x", offset, length) == ("value", result)


@pytest.mark.parametrize("offset, length, result", [
    (0, 0, ("value", TEN)), (3, 0, ("value", TEN[3:])), (3, 4, ("value", "3456")), (-3, 0, ("value", "789")),
    (-30, 0, ("value", TEN)), (20, 5, ("value", "")), (-3, 1, ("fault", 3, "BAD_ARGUMENTS: log")),
    (0, -1, ("fault", 3, "BAD_ARGUMENTS: log"))])
def test_reading_a_log(ten_bytes, offset, length, result):
    seen = ten_bytes.call("readProcessStdoutLog", "x", offset, length)
    assert seen[:2] == result[:2]


@pytest.fixture(scope="module")
def ten_bytes(suite):
    from support.box import Box
    box = Box(suite)
    box.python("x", f"import os, time\nos.write(1, b'{TEN}')\ntime.sleep(1000)\n")
    daemon = box.daemon(f"[program:x]\ncommand={box}/x\nstdout_logfile={box}/out\n")
    eventually(lambda: box.read("out") == TEN, what="ten bytes")
    yield daemon
    box.close()


def test_tail_and_maintail_by_the_control_program(box):
    daemon = box.daemon(f"[program:x]\ncommand={printer(box, out='é' + 'a' * 2000 + 'end', err='error')}\n"
                        f"stdout_logfile={box}/out\nstderr_logfile={box}/err\n")
    eventually(lambda: box.read("out").endswith("end") and box.read("err"), what="output")
    assert daemon.ctl("tail", "x").out == "a" * 1597 + "end\n"
    assert daemon.ctl("tail", "-5", "x").out == "aaend\n"
    assert daemon.ctl("tail", "x", "stderr").out == "error\n"
    assert daemon.ctl("tail", "-100000", "x").out == "é" + "a" * 2000 + "end\n"
    assert daemon.ctl("maintail", "-20").out[-1] == "\n"
    assert len(daemon.ctl("maintail", "-20").out) == 21
    for words, text in [(("tail",), "Error: too few arguments"), (("tail", "-x", "x"), "Error: bad argument -x"),
                        (("tail", "x", "foo"), "Error: bad channel 'foo'"),
                        (("tail", "nosuch"), "nosuch: ERROR (no such process name)"),
                        (("maintail", "foo"), "Error: bad argument foo")]:
        done = daemon.ctl(*words)
        assert done.code == 1 and done.out.startswith(text), done


@pytest.mark.parametrize("words", [("tail", "-f", "x"), ("maintail", "-f")])
def test_following_a_log(box, words):
    daemon = box.daemon(f"[program:x]\ncommand={box.script('x', 'cat')}\nstdout_logfile={box}/out\n")
    daemon.wait_state("x", "RUNNING")
    process = box.start([box.suite.supervisorctl, "-c", daemon.path, *words], stdout=open(box.path("follow"), "wb"))
    for number in range(5):
        daemon.rpc.sendProcessStdin("x", f"line é {number}\n")
        eventually(lambda: f"line é {number}\n" in box.read("follow"), what=f"line {number}")
    assert box.read("follow").startswith("==> Press Ctrl-C to exit <==\n")
    process.send_signal(signal.SIGINT)
    assert process.wait(20 * SCALE) == 0


def test_a_follower_that_is_killed_disturbs_nobody(box):
    daemon = box.daemon(f"[program:x]\ncommand={box.script('x', 'while :; do echo line; sleep 0.01; done')}\n"
                        f"stdout_logfile={box}/out\n")
    daemon.wait_state("x", "RUNNING")
    for _ in range(3):
        process = box.start([box.suite.supervisorctl, "-c", daemon.path, "tail", "-f", "x"],
                            stdout=open(box.path("follow"), "wb"))
        eventually(lambda: "line" in box.read("follow"), what="output")
        process.kill()
        process.wait()
    size = len(box.bytes("out"))
    eventually(lambda: len(box.bytes("out")) > size + 50, what="more output")
    assert daemon.state("x") == "RUNNING"


def follow(wire, target="/logtail/x"):
    wire.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
    head = wire.head()
    assert head.status == 200
    assert head.headers["content-type"] == "text/plain;charset=utf-8"
    assert head.headers["transfer-encoding"] == "chunked" and "last-modified" in head.headers


def test_the_stream_of_a_log_begins_with_its_end_and_follows_growth(box):
    daemon = box.daemon(f"[program:x]\ncommand=sleep 60\nstdout_logfile={box}/out\n")
    daemon.wait_state("x", "RUNNING")
    box.write("out", "a" * 2000 + "end\n")
    with daemon.wire() as wire:
        follow(wire)
        assert wire.chunk() == b"a" * 1020 + b"end\n"
        for text in ("more é\n", "and more\n"):
            with open(box.path("out"), "a", encoding="utf-8") as file:
                file.write(text)
            assert wire.chunk() == text.encode()


def test_the_stream_of_a_log_follows_rotation(box):
    daemon = box.daemon(f"[program:x]\ncommand=sleep 60\nstdout_logfile={box}/out\n")
    daemon.wait_state("x", "RUNNING")
    box.write("out", "old file\n")
    with daemon.wire() as wire:
        follow(wire, "/logtail/x/stdout")
        assert wire.chunk() == b"old file\n"
        box.write("next", "new file\n")
        os.rename(box.path("next"), box.path("out"))
        assert wire.chunk() == b"new file\n"


@pytest.mark.beyond("stream-truncation")
def test_the_stream_of_a_log_survives_truncation(box):
    daemon = box.daemon(f"[program:x]\ncommand=sleep 60\nstdout_logfile={box}/out\n")
    daemon.wait_state("x", "RUNNING")
    box.write("out", "long text\n")
    with daemon.wire() as wire:
        follow(wire)
        assert wire.chunk() == b"long text\n"
        os.truncate(box.path("out"), 0)
        assert wire.chunk() == b"==> File truncated <==\n"
        with open(box.path("out"), "a", encoding="utf-8") as file:
            file.write("next\n")
        assert wire.chunk() == b"next\n"


def test_undecodable_output_does_not_harm(box):
    program = box.python("x", "import os, time\nos.write(1, b'\\x88\\n')\ntime.sleep(1000)\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/out\n")
    eventually(lambda: box.bytes("out") == b"\x88\n", what="the byte")
    daemon.wait_log(r"Undecodable: b'\\x88\\n'")


@pytest.mark.beyond("undecodable")
def test_undecodable_output_can_be_read(box):
    program = box.python("x", "import os, time\nos.write(1, b'a\\x88b\\x01c')\ntime.sleep(1000)\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/out\n")
    eventually(lambda: box.bytes("out"), what="the bytes")
    kind, (text, size, overflow) = daemon.call("tailProcessStdoutLog", "x", 0, 100)
    assert (kind, size, overflow) == ("value", 5, False)
    assert text.startswith("a�b") and text.endswith("c")


def test_escape_sequences_are_stripped_on_request(box):
    program = printer(box, out="\x1b[31mred\x1b[0m plain\x1b[2K\n")
    box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/out\n", supervisord="strip_ansi=true")
    assert box.wait_lines("out", 1) == ["red plain"]


def test_standard_input_reaches_the_program_as_utf8(box):
    daemon = box.daemon(f"[program:x]\ncommand=/bin/cat\nstdout_logfile={box}/out\n")
    daemon.wait_state("x", "RUNNING")
    assert daemon.call("sendProcessStdin", "x", "süß\n") == ("value", True)
    assert box.wait_lines("out", 1) == ["süß"]
    big = "0123456789abcde\n" * 40000
    daemon.rpc.sendProcessStdin("x", big)
    eventually(lambda: box.read("out") == "süß\n" + big, 20, "all of a large input")
    daemon.rpc.stopProcess("x")
    assert daemon.call("sendProcessStdin", "x", "more") == ("fault", 70, "NOT_RUNNING: x")


def test_debug_level_copies_output_into_the_main_log(box):
    daemon = box.daemon(f"[program:x]\ncommand={printer(box, out='said' + chr(10))}\n")
    daemon.wait_log(r"DEBG 'x' stdout output:\nsaid\n")


@pytest.mark.slow
@pytest.mark.beyond("output-flood")
def test_a_flood_of_output_does_not_delay_answers(box):
    program = box.python("x", "import os\nline = b'x' * 65535 + b'\\n'\nwhile True: os.write(1, line)\n")
    daemon = box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/out\nstdout_logfile_maxbytes=20MB\n"
                        "stdout_logfile_backups=1\n", supervisord="loglevel=info")
    daemon.wait_state("x", "RUNNING")
    took = sorted(timed(daemon.rpc.getAllProcessInfo) for _ in range(30))
    daemon.rpc.stopProcess("x")
    # Other load on the machine can make some of them late.
    assert took[len(took) * 2 // 3] < 0.5 * SCALE, took


@pytest.mark.root
@pytest.mark.slow
def test_a_full_disk_stops_nobody(box):
    os.mkdir(box.path("small"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", box.path("small")], check=False,
                             capture_output=True)
    if mounted.returncode:
        pytest.skip("no mounting here")
    try:
        program = box.script("x", f"i=0; while [ $i -lt 3000 ]; do echo this is line $i of a flood of lines that fills "
                                  f"the disk; i=$((i+1)); done; touch {box}/through; exec sleep 60")
        daemon = box.daemon(f"[program:x]\ncommand={program}\nstdout_logfile={box}/small/out\n")
        eventually(lambda: box.exists("through"), what="the program through its output")
        assert daemon.state("x") in ("STARTING", "RUNNING")
        assert procfs.alive(daemon.pid_of("x"))
    finally:
        box.close()
        subprocess.run(["umount", "-l", box.path("small")], check=False, capture_output=True)
