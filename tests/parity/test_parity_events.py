"""Events and their listeners: the same events with the same bodies, the same reactions to what listeners say."""
import re
import signal

import pytest

from support.listeners import events as events_of
from support.listeners import listener, wait_events
from support.speaker import say, speaker
from support.waiting import eventually

SLEEPER = "command=sleep 600\n"
OFF = f"{SLEEPER}autostart=false\n"

# One pool for each, so that every branch of the tree of types is subscribed to at some height.
POOLS = {"all": "EVENT", "state": "PROCESS_STATE", "edges": "PROCESS_STATE_STARTING,PROCESS_STATE_STOPPED,PROCESS_STATE_EXITED",
         "trouble": "PROCESS_STATE_BACKOFF,PROCESS_STATE_FATAL", "logs": "PROCESS_LOG", "err": "PROCESS_LOG_STDERR",
         "said": "PROCESS_COMMUNICATION", "errsaid": "PROCESS_COMMUNICATION_STDERR", "remote": "REMOTE_COMMUNICATION",
         "daemon": "SUPERVISOR_STATE_CHANGE", "added": "PROCESS_GROUP_ADDED", "groups": "PROCESS_GROUP"}


def events(daemon, name):
    return events_of(daemon.box, name)


def is_subscribed(name, event):
    return any(kind == "EVENT" or event.startswith(kind) for kind in POOLS[name].split(","))


def pool(name, subscription, number, more="buffer_size=1000\n"):
    """Of a priority of its own, because a rejection in one pool reaches all of its priority in the original."""
    return f"[eventlistener:{name}]\ncommand=@/{name}\nevents={subscription}\npriority={number}\n{more}"


@pytest.mark.slow
def test_what_each_subscription_is_sent(pair):
    for box in pair.boxes:
        speaker(box)
        for name in POOLS:
            listener(box, name)
    pair.script("fail", "exit 3").script("done", "read code; exit $code")
    pools = "".join(pool(name, subscription, number) for number, (name, subscription) in enumerate(POOLS.items(), -50))
    talker = ("[program:x]\ncommand=@/speaker @/x.said\nautostart=false\nstdout_events_enabled=true\nstderr_events_enabled=true\n"
              "stdout_capture_maxbytes=1KB\nstderr_capture_maxbytes=1KB\n")
    pair.start(f"{pools}{talker}[program:fail]\ncommand=@/fail\nautostart=false\nstartsecs=10\nstartretries=1\n"
               "[program:again]\ncommand=@/fail\nautostart=false\nstartsecs=10\nstartretries=9\n"
               "[program:done]\ncommand=@/done\nautostart=false\nautorestart=false\n"
               f"[program:gone]\n{OFF}[program:a]\n{OFF}[program:é]\n{OFF}[group:g]\nprograms=a,é\n", supervisord="identifier=mé")

    def session(daemon):
        for name in POOLS:
            daemon.wait_state(name, "RUNNING")
        rpc = daemon.rpc
        rpc.startProcess("x")
        say(daemon, b"plain text, longer than a token of capture mode\n", b"\xff and more that is no text at all\n")
        say(daemon, b"an error, longer than a token of capture mode\n", channel=2)
        for channel in (1, 2):
            say(daemon, b"<!--XSUPERVISOR:BEGIN-->captur\xc3\xa9d" + b"." * 30 + b"<!--XSUPERVISOR:END-->" + b"-" * 40,
                channel=channel)
        rpc.stopProcess("x")
        for code in (0, 7):
            rpc.startProcess("done")
            rpc.sendProcessStdin("done", f"{code}\n")
            daemon.wait_state("done", "EXITED")
        daemon.call("startProcess", "fail", False)
        daemon.wait_state("fail", "FATAL")
        daemon.call("startProcess", "again", False)
        daemon.wait_log("exited: again", count=3)  # and three seconds until the next try
        daemon.wait_state("again", "BACKOFF")
        rpc.stopProcess("again")
        rpc.startProcess("g:é")
        rpc.removeProcessGroup("gone")
        rpc.addProcessGroup("gone")
        for kind, data in (("typ", "daté\nsecond line"), ("", ""), ("é", "\t")):
            rpc.sendRemoteCommEvent(kind, data)
        rpc.sendRemoteCommEvent("last", "")
        eventually(lambda: any(body == "type:last\n" for _, body in events(daemon, "all")), 30, "the last event")
        every = {int(header["serial"]): header["eventname"] for header, _ in events(daemon, "all")}
        begin = next(serial for serial, event in every.items() if event == "SUPERVISOR_STATE_CHANGE_RUNNING")  # all pools are there
        for name in POOLS:
            wanted = {serial for serial, event in every.items() if serial >= begin and is_subscribed(name, event)}
            eventually(lambda: wanted <= {int(header["serial"]) for header, _ in events(daemon, name)}, what=f"all events of {name}")
        seen, by_serial = {}, {}
        for name in POOLS:
            found = events(daemon, name)
            assert [int(header["poolserial"]) for header, _ in found] == list(range(len(found)))
            for header, body in found:
                assert header["raw"] == (f"ver:3.0 server:mé serial:{header['serial']} pool:{name} poolserial:"
                                         f"{header['poolserial']} eventname:{header['eventname']} len:{len(body)}\n")
                assert by_serial.setdefault(int(header["serial"]), (header["eventname"], body)) == (header["eventname"], body)
            seen[name] = [[header["eventname"], re.sub(r"pid:0$", "no pid", re.sub(r"when:\d+", "when:N", body))] for header, body in found]
        assert sorted(by_serial) == list(range(len(by_serial)))

        def of(bodies, program):
            return [item for item in bodies if re.match(rf"(processname|groupname):{program}\b", item[1])]
        programs = ("x", "done", "fail", "again", "gone", "é", "a", "g")
        return [{name: {program: of(bodies, program) for program in programs} for name, bodies in seen.items()},
                {name: [item for item in bodies if "_COMM" in item[0] or "SUPERVISOR" in item[0]] for name, bodies in seen.items()},
                {name: [item for item in bodies if "GROUP" in item[0]] for name, bodies in seen.items()}]
    found = pair.same(session)
    # From BACKOFF a process is STOPPED without a pid.
    assert ["PROCESS_STATE_STOPPED", "processname:again groupname:again from_state:BACKOFF no pid"] in found[0]["state"]["again"]
    assert sum("Undecodable: b'" in body for _, body in found[0]["logs"]["x"]) == 1
    assert all(any(found[0][name].values()) or found[1][name] for name in POOLS)


SAID = {
    # What is said before any event.
    "hello": "'hello'", "beginning": "'READ'", "nolf": "'READY'", "other": "'READYx'", "twice": "'READY\\nREADY\\n'",
    "more": "'READY\\nx'", "empty": "'\\n'", "lines": "'\\n\\n\\n\\n\\n\\n'", "lower": "'ready\\n'", "crlf": "'READY\\r\\n'",
}
ANSWERS = {
    "ok": "RESULT 2\\nOK", "okready": "RESULT 2\\nOKREADY\\n", "fail": "RESULT 4\\nFAIL", "short": "RESULT 1\\nO",
    "newline": "RESULT 3\\nOK\\n", "lower": "RESULT 2\\nok", "long": "RESULT 6\\nOKOKOK", "word": "RESULT many\\nOK",
    "bare": "FOO\\n", "nothing": "\\n", "only": "RESULT\\n", "blank": "RESULT \\n", "seven": "1234567 2\\nOK",
    "plus": "RESULT +2\\nOK", "blanks": "RESULT   2 \\nOK", "crlf": "RESULT 2\\r\\nOK", "float": "RESULT 2.0\\nOK",
    "two": "RESULT 2 2\\nOK", "hex": "RESULT 0x2\\nOK", "zeros": "RESULT 002\\nOK", "bytes": "\\377\\376 2\\nOK",
    "junk": "RESULT 2\\nOKjunk!", "ready": "READY\\n", "partly": "RESULT 4\\nFA", "unended": "RESULT 2", "zero": "RESULT 0\\nREADY\\n",
    "under": "RESULT 0_2\\nOK", "undecodable": "\\377x\\n", "quote": "it's \\\"bad\\\"\\n", "percent": "%%s %%(x)s bad\\n",
}


def listener_lines(daemon, name):
    """What the log says about a listener and its pool, which have one name."""
    found = []
    for level, text in daemon.messages():
        if re.search(rf"(^|\b(pool|listener) ){name}\b(:|,| \(| event|$)", text) and "stopped monitoring" not in text:
            found.append(f"{level} {text}")
    return found


@pytest.mark.slow
def test_what_listeners_may_say_at_first(pair):
    names = {f"l{name}": text for name, text in SAID.items()}
    for name, text in names.items():
        pair.script(name, f"printf {text}; exec sleep 600")
    pair.start("".join(pool(name, "REMOTE_COMMUNICATION", number) for number, name in enumerate(names, -50)))

    def session(daemon):
        for name in names:
            daemon.wait_state(name, "RUNNING")
        for name, text in names.items():
            daemon.wait_log(f"'{name}' stdout output")
        daemon.rpc.sendRemoteCommEvent("a", "b")
        eventually(lambda: "ltwice: READY -> UNKNOWN" in daemon.log() and "llines: " in daemon.log(), what="all reactions")
        for _ in range(2):
            daemon.rpc.getState()  # what the event brought about has happened before it is answered
        return {name: listener_lines(daemon, name) for name in names}
    seen = pair.same(session)
    assert any("has entered the UNKNOWN state" in line for line in seen["llower"])
    assert not any("->" in line for line in seen["lnolf"])


@pytest.mark.slow
@pytest.mark.parametrize("third", range(3))
def test_what_listeners_may_answer(pair, third):
    names = {f"l{name}": text for name, text in list(ANSWERS.items())[third::3]}
    for name, text in names.items():
        pair.script(name, f"echo READY; read line; head -c 8 > /dev/null; printf \"{text}\"; exec sleep 600")
    pair.start("".join(pool(name, "REMOTE_COMMUNICATION", number) for number, name in enumerate(names, -50)))

    def session(daemon):
        for name in names:
            daemon.wait_state(name, "RUNNING")
            daemon.wait_log(f"{name}: ACKNOWLEDGED -> READY")
        daemon.rpc.sendRemoteCommEvent("a", "b")
        for name in names:
            daemon.wait_log(f"'{name}' stdout output", count=2)
        # What was read is judged in the same turn.
        daemon.rpc.getState()
        return {name: listener_lines(daemon, name) for name in names}
    seen = pair.same(session)
    assert all("DEBG event 0 sent to listener " + name in seen[name] for name in names)


def test_an_answer_of_no_bytes(pair):
    pair.script("l", "echo READY; read line; head -c 8 > /dev/null; echo RESULT 0; exec sleep 600")
    pair.start(pool("l", "REMOTE_COMMUNICATION", 1))

    def session(daemon):
        daemon.wait_state("l", "RUNNING")
        daemon.wait_log("l: ACKNOWLEDGED -> READY")
        daemon.rpc.sendRemoteCommEvent("a", "b")
        daemon.wait_log("'l' stdout output", count=2)
        daemon.rpc.getState()
        return "l: event was rejected" in daemon.log()
    pair.differs("result-zero", session, lambda rejected: not rejected, lambda rejected: rejected)


def test_the_first_ready_listener_gets_the_event(pair):
    """By priority, which all of a pool share, and then by name as text."""
    pair.script("l", "echo READY; exec sleep 600")
    pair.start(pool("l", "REMOTE_COMMUNICATION", 1, "numprocs=12\nprocess_name=%(process_num)d\nbuffer_size=100\n"))

    def session(daemon):
        for number in range(12):
            daemon.wait_state(f"l:{number}", "RUNNING")
        daemon.wait_log("ACKNOWLEDGED -> READY", count=12)
        for number in range(13):
            daemon.rpc.sendRemoteCommEvent("n", str(number))
        daemon.wait_log("event 11 sent to listener")
        return re.findall(r"event (\d+) sent to listener (\w+)", daemon.log())
    assert len(pair.same(session)) == 12


def test_events_wait_until_a_listener_is_running(pair):
    pair.script("l", "echo READY; exec sleep 600")
    pair.start(pool("l", "REMOTE_COMMUNICATION", 1, "startsecs=2\n"))

    def session(daemon):
        daemon.wait_log("l: ACKNOWLEDGED -> READY")
        daemon.rpc.sendRemoteCommEvent("a", "b")
        daemon.wait_log("event 0 sent")
        return [line for line in listener_lines(daemon, "l") + [text for _, text in daemon.messages() if "success: l" in text]
                if "output" not in line], daemon.log().index("success: l") < daemon.log().index("event 0 sent")
    assert pair.same(session)[1]


def test_a_listener_that_closed_its_input(pair):
    pair.script("l", "exec <&-; echo READY; exec sleep 600")
    pair.start(pool("l", "REMOTE_COMMUNICATION", 1))

    def session(daemon):
        daemon.wait_state("l", "RUNNING")
        daemon.wait_log("l: ACKNOWLEDGED -> READY")
        daemon.rpc.sendRemoteCommEvent("a", "b")
        daemon.wait_log("rebuffering event 0")
        # How often it is tried again is each one's own affair.
        return list(dict.fromkeys(listener_lines(daemon, "l"))), daemon.state("l")
    assert any("epipe occurred while sending event 0 to listener l, listener state unchanged" in line
               for line in pair.same(session)[0])


def test_a_full_buffer(pair):
    """New events push the oldest out, and so does one that comes back because its listener died."""
    pair.script("l", "echo READY; read line; while ! [ -e $(dirname $0)/go ]; do sleep 0.02; done; exit 0")
    pair.start(pool("l", "REMOTE_COMMUNICATION", 1, "buffer_size=2\nautorestart=false\n")
               + pool("one", "REMOTE_COMMUNICATION", 2, "buffer_size=1\nautostart=false\n"))

    def session(daemon):
        daemon.wait_state("l", "RUNNING")
        for number in range(5):
            daemon.rpc.sendRemoteCommEvent("n", str(number))
        daemon.wait_log("event 0 sent to listener l")
        daemon.box.write("go", "")
        daemon.wait_state("l", "EXITED")
        daemon.wait_log("rebuffering event 0")
        return listener_lines(daemon, "l"), listener_lines(daemon, "one")
    of_two, of_one = pair.same(session)
    assert "ERRO pool l event buffer overflowed, discarding event 1" in of_two and len(of_one) == 4


def test_a_rejected_event_comes_again_at_once(pair):
    for box in pair.boxes:
        listener(box, "l", result="RESULT 4\\nFAIL", more="""
    if 'b' in body and open('l.events').read().count('type:a') == 4:
        sys.stdout.write('RESULT 2\\nOK'); sys.stdout.flush()
        continue""")
    pair.start(pool("l", "REMOTE_COMMUNICATION", 1, "directory=@\n"))

    def session(daemon):
        daemon.wait_state("l", "RUNNING")
        daemon.rpc.sendRemoteCommEvent("a", "b")
        daemon.wait_log("l: event was processed")
        daemon.wait_log("l: ACKNOWLEDGED -> READY", count=5)
        return [header["raw"] for header, _ in events(daemon, "l")], listener_lines(daemon, "l")
    headers, _ = pair.same(session)
    assert len(headers) == 4 and len(set(headers)) == 1


def test_a_start_as_a_small_buffer_sees_it(pair):
    """With the default of ten events the first ones are lost before the listener runs."""
    for box in pair.boxes:
        listener(box, "l")
    pair.start(pool("l", "PROCESS_GROUP,SUPERVISOR_STATE_CHANGE", -1, "")
               + "".join(f"[program:p{number:02}]\n{OFF}priority={50 - number}\n" for number in range(12)))

    def session(daemon):
        daemon.wait_state("l", "RUNNING")
        wait_events(daemon.box, 10, name="l")
        return [[h["serial"], h["poolserial"], h["eventname"], b] for h, b in events(daemon, "l")], [
            text for _, text in daemon.messages() if "overflowed" in text]
    found, lost = pair.same(session)
    assert len(found) == 10 and len(lost) == 4 and found[-1][2] == "SUPERVISOR_STATE_CHANGE_RUNNING"


def test_the_end_of_the_daemon_reaches_a_listener_that_is_busy(pair):
    """It gets the event when it is ready again, as long as other programs take their time to stop."""
    pair.script("slow", "trap 'while ! [ -e $(dirname $0)/stop ]; do sleep 0.02; done; exit 0' TERM\necho up\n"
                        "while :; do sleep 0.05; done")
    for box in pair.boxes:
        listener(box, "l", more=f"""
    import os, time
    while 'type:a' in body and not os.path.exists('{box}/go'): time.sleep(0.01)""")
    pair.start(pool("l", "REMOTE_COMMUNICATION,SUPERVISOR_STATE_CHANGE_STOPPING,PROCESS_STATE_STOPPING", -1)
               + "[program:slow]\ncommand=@/slow\nstopwaitsecs=60\nstdout_logfile=@/slow.out\n")

    def session(daemon):
        for name in ("l", "slow"):
            daemon.wait_state(name, "RUNNING")
        daemon.box.wait_lines("slow.out")
        daemon.rpc.sendRemoteCommEvent("a", "b")
        wait_events(daemon.box, 1, name="l")
        daemon.signal(signal.SIGTERM)
        daemon.wait_log("killing slow")
        daemon.box.write("go", "")
        wait_events(daemon.box, 3, name="l")
        daemon.box.write("stop", "")
        daemon.wait_exit()
        return [[h["eventname"], re.sub(r"pid:\d+", "pid:N", b)] for h, b in events(daemon, "l")]
    assert pair.same(session)[1:] == [["SUPERVISOR_STATE_CHANGE_STOPPING", ""],
                                      ["PROCESS_STATE_STOPPING", "processname:slow groupname:slow from_state:RUNNING pid:N"]]


def test_ticks(pair):
    for box in pair.boxes:
        listener(box, "l")
    pair.start(pool("l", "TICK_5", -1))

    def session(daemon):
        wait_events(daemon.box, 1, name="l")
        header, body = events(daemon, "l")[0]
        return header["eventname"], re.sub(r"\d+", "N", body), int(body.removeprefix("when:")) % 5
    assert pair.same(session) == ["TICK_5", "when:N", 0]


def test_overlapping_subscriptions(pair):
    for box in pair.boxes:
        listener(box, "l")
    pair.start(pool("l", "REMOTE_COMMUNICATION,EVENT", -1))

    def session(daemon):
        daemon.wait_state("l", "RUNNING")
        for number in range(2):
            daemon.rpc.sendRemoteCommEvent("n", str(number))
        eventually(lambda: any(body == "type:n\n1" for _, body in events(daemon, "l")), what="the second")
        return [body for header, body in events(daemon, "l") if header["eventname"].startswith("REMOTE")][:3]
    pair.differs("events-once", session, lambda seen: seen == ["type:n\n0", "type:n\n0", "type:n\n1"],
                 lambda seen: seen == ["type:n\n0", "type:n\n1"])


def test_a_rejection_and_the_other_pools(pair):
    """Pools of one priority; `l` is content with its first answer, `bad` rejects a few times."""
    for box in pair.boxes:
        listener(box, "l")
        listener(box, "bad", result="RESULT 4\\nFAIL", more="""
    if open('bad.events').read().count('type:a') > 3:
        sys.stdout.write('RESULT 2\\nOK'); sys.stdout.flush()
        continue""")
    pair.start(pool("l", "REMOTE_COMMUNICATION", 5) + pool("bad", "REMOTE_COMMUNICATION", 5, "directory=@\n"))

    def session(daemon):
        for name in ("l", "bad"):
            daemon.wait_state(name, "RUNNING")
        daemon.rpc.sendRemoteCommEvent("a", "b")
        daemon.wait_log("bad: event was processed")
        daemon.rpc.sendRemoteCommEvent("last", "")
        eventually(lambda: any("last" in body for _, body in events(daemon, "l")), what="the last")
        return sum(body == "type:a\nb" for _, body in events(daemon, "l"))
    pair.differs("reject-own-pool", session, lambda count: count > 1, lambda count: count == 1)
