"""Configuration files: the same mistakes with the same words, the same values from the same text."""
import re

import pytest

BROKEN = """
[nosuch]
===
key = value
[supervisord]
===
[supervisord]
key
key2
[x]
=
===
[supervisord]
[program:x]
===
[supervisord]
[program:x]
command=cat
numprocs=many
===
[supervisord]
[program:x]
command=cat
priority=1.5
===
[supervisord]
[program:x]
command=cat
autostart=perhaps
===
[supervisord]
[program:x]
command=cat
startsecs=
===
[supervisord]
[program:x]
command=cat
exitcodes=256
===
[supervisord]
[program:x]
command=cat
stopsignal=NOSIG
===
[supervisord]
[program:x]
command=cat
stopsignal=99
===
[supervisord]
[program:x]
command=cat
umask=9
===
[supervisord]
[program:x]
command=cat
user=nosuchuser
===
[supervisord]
[program:x]
command=cat
user=99999
===
[supervisord]
[program:x]
command=cat
stdout_logfile=/nonexistent/dir/x
===
[supervisord]
[program:x]
command=cat
stdout_logfile_maxbytes=1K
===
[supervisord]
[program:x]
command=cat
stderr_logfile_backups=x
===
[supervisord]
[program:x]
command=cat
environment=A
===
[supervisord]
[program:x]
command=cat
environment=A=
===
[supervisord]
[program:x]
command=cat
environment=A?B
===
[supervisord]
[program:x]
command=cat %(nosuch)s
===
[supervisord]
[program:x]
command=cat %(ENV_NOSUCH)s
===
[supervisord]
[program:x]
command=cat %
===
[supervisord]
[program:x]
command=cat 50%q
===
[supervisord]
[program:x]
command=cat
process_name=a:b
===
[supervisord]
[program:a/b]
command=cat
===
[supervisord]
[program:x]
command=cat
numprocs=2
===
[supervisord]
[program:x]
command=cat
stopasgroup=yes
killasgroup=no
===
[supervisord]
[group:g]
programs=nosuch
===
[supervisord]
[program:a]
command=cat
[group:g]
programs=a,zz
===
[supervisord]
[program:a]
command=cat
[fcgi-program:a]
command=cat
socket=unix:///tmp/nosuch
[group:g]
programs=a
===
[supervisord]
[group:g]
programs=
priority=high
===
[supervisord]
[eventlistener:e]
command=cat
===
[supervisord]
[eventlistener:e]
command=cat
events=PROCESS_STATE,FOO
===
[supervisord]
[eventlistener:e]
command=cat
events=TICK_5
buffer_size=0
===
[supervisord]
[eventlistener:e]
command=cat
events=TICK_5
redirect_stderr=true
===
[supervisord]
[fcgi-program:f]
command=cat
===
[supervisord]
[fcgi-program:f]
command=cat
socket=tcp://localhost:9
socket_mode=0700
===
[supervisord]
[fcgi-program:f]
command=cat
socket=unix:///tmp/nosuch
socket_mode=99
===
[supervisord]
[fcgi-program:f]
command=cat
socket=unix:///tmp/nosuch
socket_backlog=0
===
[supervisord]
[fcgi-program:f]
command=cat
socket=unix:///tmp/nosuch
socket_owner=nosuchuser
===
[supervisord]
[unix_http_server]
===
[supervisord]
[unix_http_server]
file=/tmp/nosuch
chmod=9
===
[supervisord]
[unix_http_server]
file=/tmp/nosuch
chown=nosuchuser
===
[supervisord]
[inet_http_server]
===
[supervisord]
[inet_http_server]
port=abc
===
[supervisord]
[inet_http_server]
port=h:abc
===
[supervisord]
[inet_http_server]
port=70000
===
[supervisord]
[inet_http_server]
port=9001
password=x
===
[supervisord]
[rpcinterface:x]
===
[supervisord]
[include]
===
[supervisord]
minfds=x
===
[supervisord]
minprocs=x
===
[supervisord]
directory=/nonexistent
===
[supervisord]
umask=8
===
[supervisord]
logfile=/nonexistent/x
===
[supervisord]
logfile_maxbytes=x
===
[supervisord]
loglevel=warning
===
[supervisord]
pidfile=/nonexistent/x
===
[supervisord]
childlogdir=/nonexistent
===
[supervisord]
nodaemon=2
===
[supervisord]
environment=A
===
[supervisord]
identifier=%(here
===
[supervisord]
identifier=%(nosuch)s
===
[supervisord]
user=nosuchuser
===
[supervisord]
[program:x]
command=cat
  [program:y]
[program:y]
startsecs=1
===
[supervisord]
[program:x]
command=cat
[program:x]
startsecs=zz
===
[DEFAULT]
startsecs=zz
[supervisord]
[program:x]
command=cat
"""


@pytest.mark.parametrize("text", [text.strip("\n") + "\n" for text in BROKEN.split("===\n")],
                         ids=lambda text: " ".join(text.split())[:60])
def test_a_mistake_is_told_alike(pair, text):
    pair.write("sd.conf", text)
    def without_place(done):
        return {**done, "err": re.sub(r"(For help, use DAEMON -h\n)(  .*\n)+", r"\1", done["err"])}
    seen = pair.same_in_box(lambda box: box.execute(box.suite.supervisord, "-n", "-c", box.path("sd.conf")), without_place)
    assert seen["code"] == 2 and seen["err"].startswith("Error: ")


def test_a_mistake_is_told_alike_to_who_asks_for_a_reread(pair):
    """The same words behind CANT_REREAD, whatever the mistake, but for lines that are no options: ours keeps them secret."""
    pair.start("[program:x]\ncommand=cat\n")

    def tell(daemon):
        seen = {}
        for text in BROKEN.split("===\n"):
            if text != "[supervisord]\nuser=nosuchuser\n":  # at the start alone the original looks for that user
                daemon.box.write("sd.conf", text)
                seen[text] = daemon.call("reloadConfig")
        return seen

    def without_lines(seen):
        return {text: [*answer[:2], re.sub(r"(\[line +\d+\]: |, line: \d+\n)'.*'", r"\1LINE", answer[2])] for text, answer in seen.items()}
    seen = pair.same(tell, without_lines)
    assert {(answer[0], answer[1]) for answer in seen.values()} == {("fault", 92)}
    assert all(answer[2].startswith("CANT_REREAD: ") for answer in seen.values())


OPTIONS = """
command=cat ; comment
command=cat #comment
command=sh -c "a ; b"
command=cat a#b a;b
command: cat
COMMAND = cat
command=cat\\n   continued\\n   [not:a-section]
command="/bin/cat"  'x y'
command=cat %%h:%%p
command=cat %(program_name)s %(group_name)s %(here)s %(process_num)d %(numprocs)d %(host_node_name)s %(ENV_HOME)s
command=cat %(process_num)03d %(program_name).1s
autostart=no
autostart=FALSE
autostart=0
autostart=off
startsecs=0
startsecs= 1_000
startsecs=-1
startretries=0
exitcodes=0, 2 ,255
exitcodes=
stopsignal=usr1
stopsignal=SIGQUIT
stopsignal=9
stopsignal=34
stopwaitsecs=5
stopasgroup=true
killasgroup=on
priority=1
redirect_stderr=true
redirect_stderr=true\\nstderr_logfile=@/e
stdout_logfile=none
stdout_logfile=NONE\\nstderr_logfile=off
stdout_logfile=AUTO
stdout_logfile=@/%(program_name)s.log
stdout_logfile=@/a%%%%b.log
stdout_logfile=
stdout_logfile=syslog
stdout_logfile_maxbytes=1MB
stdout_logfile_maxbytes=10 kb
stdout_logfile_maxbytes=0
stdout_logfile_backups=3
stdout_capture_maxbytes=1KB
stderr_capture_maxbytes=1
stdout_events_enabled=true
stdout_syslog=true
stderr_syslog=true
directory=/tmp
directory="/tmp"
umask=022
user=root
serverurl=http://x/
serverurl=auto
process_name=%(program_name)s_p
numprocs=3\\nprocess_name=%(process_num)02d\\nnumprocs_start=5
numprocs=0
nosuchoption=1
"""


@pytest.mark.parametrize("number", range(0, len(OPTIONS.strip().splitlines()), 11))
def test_values_are_understood_alike(pair, number):
    """Several programs at a time, as getAllConfigInfo shows them."""
    lines = OPTIONS.strip().splitlines()[number:number + 11]
    programs = ""
    for index, line in enumerate(lines):
        command = "" if line.lower().startswith("command") else "command=cat\n"
        programs += f"[program:p{number + index:02}]\n{command}autostart=false\n".replace(
            "autostart=false\n", "" if line.startswith("autostart") else "autostart=false\n") + line.replace(
                "\\n", "\n") + "\n"
    pair.start(programs)

    def without_autorestart(infos):
        return [{key: value for key, value in info.items() if key != "autorestart"} for info in infos]
    pair.same(lambda daemon: daemon.rpc.getAllConfigInfo(), without_autorestart)
    pair.same(lambda daemon: [(i["group"], i["name"], i["stdout_logfile"], i["stderr_logfile"])
                              for i in daemon.rpc.getAllProcessInfo()])


def test_the_order_of_groups_and_members(pair):
    pair.start("".join(f"[program:{name}]\ncommand=sleep 600\nautostart=false\npriority={priority}\n"
                       for name, priority in (("d", 1), ("c", 5), ("b", 5), ("a", 999)))
               + "[group:z]\nprograms=a,d\npriority=3\n[group:empty]\nprograms=\n"
               "[program:shared]\ncommand=cat\nautostart=false\n[group:one]\nprograms=shared\n[group:two]\nprograms=shared\n")
    pair.same(lambda daemon: [(i["group"], i["name"], i["group_prio"], i["process_prio"])
                              for i in daemon.rpc.getAllConfigInfo()])
    pair.same(lambda daemon: daemon.rpc.reloadConfig())


def test_environment_of_children(pair):
    pair.script("env", "env | sort > @/tmp; mv @/tmp @/seen; exec sleep 600")
    pair.start("[program:x]\ncommand=@/env\nenvironment=A=\"1\",B='2',C=3,D=\"a,b\",E=http://x:80/y,F=%(ENV_G)s,"
               "H=\"%(here)s\",I=\"50%%\"\n",
               supervisord="environment=G=\"daemon\",A=\"overridden\"", env={"K": "kept %", "A": "inherited"})

    def seen(daemon):
        daemon.wait_state("x", "RUNNING")
        return [line for line in daemon.box.read("seen").splitlines()
                if not line.startswith(("TEST_BOX=", "_=", "SHLVL=", "PWD=", "OLDPWD="))]
    pair.same(seen)


def refused_and_accepted(pair, identifier, text):
    """Runs both with --version of nothing: the original starts and is ended, ours refuses."""
    pair.start(text, start=False)

    def run(daemon):
        daemon.start(wait=False)
        try:
            daemon.wait_up()
        except AssertionError:
            return {"code": daemon.wait_exit(), "said": daemon.output()}
        daemon.stop()
        return {"code": 0, "said": ""}
    pair.differs(identifier, run, lambda seen: seen["code"] == 0,
                 lambda seen: seen["code"] == 2 and "Error: " in seen["said"])


def test_a_bare_percent_s_does_not_spill_the_environment(pair):
    refused_and_accepted(pair, "percent-s", "[program:x]\ncommand=date +%s\nautostart=false\n")


@pytest.mark.parametrize("name", ["0", "SIG_BLOCK"])
def test_what_is_no_signal_is_refused(pair, name):
    refused_and_accepted(pair, "signal-zero", f"[program:x]\ncommand=cat\nautostart=false\nstopsignal={name}\n")


def test_an_unreadable_include_is_warned_about(pair):
    for box in pair.boxes:
        box.write("conf.d/x.conf/file", "")  # a folder of that name
    pair.start("[include]\nfiles=conf.d/*.conf\n")
    pair.differs("include-unreadable", lambda daemon: [t for level, t in daemon.messages() if level == "WARN"
                                                       and "x.conf" in t],
                 lambda seen: seen == [], lambda seen: len(seen) == 1)
