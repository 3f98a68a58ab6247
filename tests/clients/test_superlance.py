"""superlance's event listeners, unchanged. They are looked for in the folder SUPERLANCE_DIR or among the packages."""
import http.server
import os
import re
import subprocess
import threading

import pytest

from support.programs import has_reference
from support.smtp import MailServer
from support.waiting import eventually

PYTHON = "/usr/bin/python3"
FOLDER = os.environ.get("SUPERLANCE_DIR", "")


def missing():
    if not has_reference():
        return "superlance needs Debian's supervisor, which is not installed"
    found = subprocess.run([PYTHON, "-B", "-c", "import superlance.memmon"], capture_output=True, check=False,
                           env={"PYTHONPATH": FOLDER, "PATH": os.environ["PATH"]}).returncode == 0
    return None if found else "superlance is not installed and SUPERLANCE_DIR does not lead to it"


WHY_NOT = missing()
pytestmark = [pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT)), pytest.mark.slow]

SLEEPER = "command=sleep 600\n"
MAILER = "cat > @/mail.part; echo >> @/mail.part; mv @/mail.part @/mail.$$\n"


def listener(name, arguments, events):
    return (f"[eventlistener:{name}]\ncommand={PYTHON} -Bu -m superlance.{name} {arguments}\nevents={events}\n"
            f'environment=PYTHONPATH="{FOLDER}"\nstderr_logfile=@/{name}.err\n')


def mails(box):
    return [box.read(name) for name in sorted(os.listdir(box.folder)) if re.fullmatch(r"mail\.\d+", name)]


def wait_mails(daemon, count=1, timeout=20):
    def enough():
        return len(mails(daemon.box)) >= count and mails(daemon.box)
    return eventually(enough, timeout, what=lambda: f"{count} mails, have {mails(daemon.box)}\n{daemon.log()[-2000:]}")


def prepare(pair):
    for box in pair.boxes:
        box.script("mailer", MAILER.replace("@", box.folder))


def plain(text):
    text = re.sub(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}", "DATE", text)
    return re.sub(r"\(\d+ bytes RSS\)|RSS of (\S+) is \d+", r"RSS \1", text)


def test_crashmail(pair):
    prepare(pair)
    pair.start(listener("crashmail", "-a -s @/mailer -m ops@example.com -o [host]", "PROCESS_STATE_EXITED") +
               "[program:crash]\ncommand=/bin/sh -c 'sleep 1.5; exit 3'\nautorestart=false\nautostart=false\n"
               "[program:fine]\ncommand=/bin/sh -c 'sleep 1.5'\nautorestart=false\nautostart=false\n"
               "[group:g]\nprograms=crash\n")

    def session(daemon):
        daemon.wait_state("crashmail", "RUNNING")
        daemon.rpc.startProcess("fine")
        daemon.wait_state("fine", "EXITED")
        daemon.rpc.startProcess("g:crash")
        found = wait_mails(daemon)
        eventually(lambda: "Process crash" in daemon.box.read("crashmail.err"), what="its report")
        return [plain(mail) for mail in found], plain(daemon.box.read("crashmail.err")), daemon.state("crashmail")
    seen = pair.same(session)
    assert "Process crash in group g exited unexpectedly (pid N) from state RUNNING" in seen[0][0]


@pytest.mark.limit(90)
def test_memmon(pair):
    prepare(pair)
    pair.start(listener("memmon", "-p fat=1KB -g g=1KB -p slim=1GB -s @/mailer -m ops@example.com", "TICK_5") +
               f"[program:fat]\n{SLEEPER}[program:slim]\n{SLEEPER}[program:idle]\n{SLEEPER}autostart=false\n"
               f"[program:member]\n{SLEEPER}[group:g]\nprograms=member\n")

    def session(daemon):
        for name in ("memmon", "fat", "slim", "g:member"):
            daemon.wait_state(name, "RUNNING")
        old = {name: daemon.pid_of(name) for name in ("fat", "slim", "g:member", "idle")}
        found = wait_mails(daemon, 2, 30)
        daemon.wait_new_pid("g:member", old["g:member"])
        daemon.wait_new_pid("fat", old["fat"])
        assert (daemon.pid_of("slim"), daemon.pid_of("idle")) == (old["slim"], 0)
        # Each is restarted again at every tick.
        return sorted({plain(mail) for mail in found}), plain(daemon.box.read("memmon.err").split("Checking")[1])
    seen = pair.same(session)
    assert "restarted the process named fat:fat" in seen[0][0] and "g:member" in seen[0][1]


class Site(http.server.ThreadingHTTPServer):
    def __init__(self):
        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(page):
                page.send_response(self.status)
                page.end_headers()
                page.wfile.write(b"the page")
                self.asked += 1

            def log_message(page, *_):
                pass
        super().__init__(("127.0.0.1", 0), Page)
        self.status, self.asked = 200, 0
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def site():
    site = Site()
    yield site
    site.shutdown()
    site.server_close()


@pytest.mark.limit(90)
def test_httpok(pair, site):
    prepare(pair)
    url = f"http://127.0.0.1:{site.server_address[1]}/page"
    arguments = f"-p app -p g:member -p nosuch -p idle -t 5 -s @/mailer -m ops@example.com {url}"
    pair.start(listener("httpok", arguments, "TICK_5") +
               f"[program:app]\n{SLEEPER}[program:other]\n{SLEEPER}[program:idle]\n{SLEEPER}autostart=false\n"
               f"[program:member]\n{SLEEPER}[group:g]\nprograms=member\n")

    def settle(daemon):
        for name in ("httpok", "app", "other", "g:member"):
            daemon.wait_state(name, "RUNNING")
        return {name: daemon.pid_of(name) for name in ("app", "other", "g:member", "idle")}
    before = pair.each(settle)
    eventually(lambda: site.asked >= 2, 15, what="both ask for the page")
    assert before == pair.each(settle), "nothing is restarted while the page is fine"
    site.status = 503

    def session(daemon):
        old = before[pair.daemons.index(daemon)]
        found = wait_mails(daemon, 1, 30)
        assert daemon.wait_new_pid("app", old["app"]) and daemon.wait_new_pid("g:member", old["g:member"])
        assert (daemon.pid_of("other"), daemon.pid_of("idle")) == (old["other"], 0)
        return plain(found[0])
    assert "app restarted" in pair.same(session)


@pytest.mark.limit(90)
@pytest.mark.parametrize("name, event, victim, text", [
    ("fatalmailbatch", "PROCESS_STATE_FATAL", "bad", "failed to start too many times"),
    ("crashmailbatch", "PROCESS_STATE_EXITED", "dies", "died unexpectedly")])
def test_mails_in_batches(pair, name, event, victim, text):
    servers = [MailServer(), MailServer()]
    try:
        # In a script, because each side has a mail server of its own.
        for box, server in zip(pair.boxes, servers):
            box.script("batch", f"exec {PYTHON} -Bu -m superlance.{name} --toEmail=ops@example.com "
                                f"--fromEmail=me@example.com --tickEvent=TICK_5 --interval=0.05 "
                                f"--smtpHost={server.address}\n")
        pair.start(f"[eventlistener:batch]\ncommand=@/batch\nevents={event},TICK_5\n"
                   f"environment=PYTHONPATH=\"{FOLDER}\"\nstderr_logfile=@/batch.err\n"
                   "[program:bad]\ncommand=/bin/false\nstartsecs=30\nstartretries=0\nautostart=false\n"
                   "[program:dies]\ncommand=/bin/sh -c 'exit 3'\nstartsecs=0\nautorestart=false\nautostart=false\n")

        def session(daemon):
            server = servers[pair.daemons.index(daemon)]
            daemon.wait_state("batch", "RUNNING")
            daemon.call("startProcess", victim)
            mail = eventually(lambda: server.mails and server.mails[0], 30,
                              what=lambda: f"a mail: {daemon.box.read('batch.err')}\n{daemon.log()[-2000:]}")
            assert text in mail
            return re.sub(r"(Date|Message-ID): .*", r"\1", mail)
        pair.same(session)
    finally:
        for server in servers:
            server.close()
