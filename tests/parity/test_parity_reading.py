"""Configuration files as the original's own code reads them: thousands of small ones, value by value."""
import re

import pytest

from support.programs import has_reference
from support.readings import Readings

pytestmark = pytest.mark.skipif(not has_reference(), reason="Debian's supervisor is not installed")

HEAD = "[supervisord]\n"
PROGRAM = HEAD + "[program:x]\ncommand=cat\n"

GRAMMAR = [PROGRAM + text for text in (
    # comments
    "directory=/a ; c", "directory=/a #c", "directory=/a\t;c", "directory=a#b;c", "directory=a#b #c ;d", "directory=a;b ;c #d",
    "directory=a ;b #c ;d", "directory=;a", "directory= #a", "directory=sh \"a ; b\"", "directory=a\n  ; b\n  c",
    "directory=a\n# b\n  c", "directory=a\n;b\n\n  c", "directory=a\n  # b", "# directory=a", "  ; directory=a", ";directory=a",
    "directory=a#", "directory=a #", "directory=a ;;; b", "directory=a;b;c #d;e", "directory=a # b # c", "rem directory=a",
    # blank lines and continuations
    "directory=a\n\n  b", "directory=a\n\n\n  b\n\n", "directory=a\n   \n  b", "directory=\n  a\n  b", "directory=a\n  b\n c\n    d",
    "  directory=a\n  b=c", "  directory=a\n    b=c", "directory=a\n\tb", "directory=a\n  [program:y]\n  command=cat",
    "directory=a\n  umask=022", "directory=a\n[program:y]\n  command=cat", " directory=a\n  user=b\n umask=022",
    "directory=a\r\n  b\r\numask=022", "directory=a\x0bb", "directory=a\x0cb\n", "directory=a\x1cb", "directory=a\u2028b",
    "directory=a\u0085b", "directory=\u00a0a\u3000", "directory=a\rumask=022", "directory=é ü",
    # sections
    "[program:y]\ncommand=dog\n[program:x]\ndirectory=/b", "[ program:z]\ncommand=c", "[program:z ]\ncommand=c",
    "[Program:z]\ncommand=c", "[program:z] rest\ncommand=c", "[program:z]]\ncommand=c", "[program:z\ncommand=c", "[]\n",
    "[DEFAULT]\ndirectory=/d\numask=027", "[DEFAULT]\nstartsecs=7\n[program:x]\nstartsecs=8", "[default]\ndirectory=/d",
    "[nosuch]\nkey=%(nosuch)s", "nosuch=%(nosuch)s", "[program:]\ncommand=cat", "[program:z]x]\ncommand=cat", "  [program:z]\ncommand=c",
    "[program:y];c\ncommand=cat", "[program:y] ;c\ncommand=cat", "[program]\ncommand=cat", "[group]\nprograms=x", "[programs:x]",
    # options
    "COMMAND=dog", "Command : dog", "command dog", "directory=a=b:c", "directory:a=b", "directory = : a", "directory==a",
    "directory=", "directory=a\ndirectory=b", "=x", ":x", " = x", "directory", "junk\ndirectory=a\njunk two\n=three",
    "directory=\"/tmp\"", "directory='/tmp'", "directory  =  a  ", "dir ectory=a", "'", "\"\\\t\x01\xe9", "junk\\",
    "junk'\"", "[x", "]", "a\tb", "a\x7fb", "\u00e9", "directory: =a", "==", "=", ":", "-", "directory=a\n junk",
)] + ["", "\n\n", "# c\n", "junk\n[supervisord]\n", "  junk", "key=value\n", "\ufeff[supervisord]\n", "[program:x]\ncommand=cat\n",
      "[supervisord]", "[supervisord]\n[supervisord]\nidentifier=a\n[supervisord]\nidentifier=b", "[Supervisord]\n",
      "[supervisord]\nidentifier=a\n\n\n  b\n", "; c\n\n[supervisord] ; c\n", "[DEFAULT]\nidentifier=d\n[supervisord]\n",
      "[DEFAULT]\ncommand=cat\n[supervisord]\n[program:a]\n[program:b]\n", "=x\n", "'\n[supervisord]", "[supervisord\n",
      "[supervisord]\r\nidentifier=a\r\n", "[supervisord]\ridentifier=a\r", "\x00[supervisord]\n", "[supervisord]\nidentifier=\x00\n"]

SUPERVISORD = ("minfds minprocs directory user umask logfile logfile_maxbytes logfile_backups loglevel pidfile identifier "
               "nodaemon silent nocleanup strip_ansi childlogdir environment").split()
OUTSIDE = ("priority autostart autorestart startsecs startretries stopsignal stopwaitsecs stopasgroup killasgroup exitcodes "
           "redirect_stderr numprocs numprocs_start stdout_capture_maxbytes stderr_capture_maxbytes stdout_events_enabled "
           "stderr_events_enabled serverurl user umask").split()
INSIDE = ("environment directory stdout_logfile stderr_logfile stdout_logfile_backups stderr_logfile_backups "
          "stdout_logfile_maxbytes stderr_logfile_maxbytes stdout_syslog stderr_syslog command process_name").split()
POOL = "priority buffer_size result_handler events".split()
FCGI = "socket socket_mode socket_owner socket_backlog".split()

# (text before, text behind) an option, and the options that may stand there
PLACES = [
    (HEAD, "", SUPERVISORD),
    (HEAD + "environment=G=\"g\"\n[program:x]\ncommand=cat\n", "environment=L=\"%(process_num)d\",M=m\n", OUTSIDE + INSIDE),
    (HEAD + "[group:g]\nprograms=x\n[program:x]\ncommand=cat\n", "", OUTSIDE + INSIDE),
    (HEAD + "[program:x]\ncommand=cat\n[group:g]\nprograms=x\n", "", ["programs", "priority"]),
    (HEAD + "[eventlistener:e]\ncommand=cat\nevents=TICK\n", "", OUTSIDE + INSIDE + POOL),
    (HEAD + "[fcgi-program:f]\ncommand=cat\nsocket=unix:///tmp/nosuch\n", "", OUTSIDE + INSIDE + FCGI),
    (HEAD + "[unix_http_server]\nfile=/tmp/nosuch\nusername=u\npassword=p\n", "",
     ["file", "chmod", "chown", "username", "password"]),
    (HEAD + "[inet_http_server]\nport=1\nusername=u\npassword=p\n", "", ["port", "username", "password"]),
    (HEAD + "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n", "",
     ["supervisor.rpcinterface_factory", "other"]),
    (HEAD + "[include]\n", "", ["files"]),
]


def everywhere(values, chosen=lambda option: True):
    """Each of the values for each of the chosen options at each of its places."""
    return [before + ("" if option == "environment" else behind) + f"{option}={value}\n"
            for before, behind, options in PLACES for option in options if chosen(option) for value in values]


# Without those of [supervisord] environment=, which 4.2.5 expands twice.
NAMES = [text for text in everywhere(["%(nosuch)s", "%(ENV_HOME", "50%off", "%(ENV_HOME)q", "%"])
         if not text.startswith(HEAD + "environment=%") and not text.startswith(HEAD + "environment=5")]

INTEGERS = ["", "0", "1", "-1", "+3", " 7 ", "1_000", "1__0", "_1", "0x1", "1.5", "x", "1 0", "010", "%%"]
BOOLEANS = ["yes", "TRUE", "On", "1", "no", "False", "OFF", "0", "", "2", "maybe", "t", "y", "none"]
SIZES = ["", "0", "1", "10kb", "10 KB", "1Mb", "2gB", "1K", "1B", "-5", "-1kb", "kb", "1.5MB", "1 m b", "1_0kb", "1kbkb", "x"]
OCTALS = ["", "0", "022", "0o22", "0O22", "9", "777", "0x1", "1_0", "abc", " 7 ", "08"]
CODES = ["", "0", "0,2", " 0 , 255 ", "256", "-1", "0,", ",0", "a", "1 2", "0x1", "1,,2", "+1", "007", "1_0"]
SIGNALS = ["TERM", "term", "SIGTERM", "sigHup", "9", " 9 ", "99", "-1", "", "FOO", "SIG", "64", "34", "35", "32", "31", "RTMIN",
           "SIGRTMAX", "RTMIN+1", "CLD", "POLL", "1.0", "0x9", "SIGSIGTERM", "SIG_", "1_5"]
RESTARTS = ["true", "FALSE", "on", "0", "1", "Unexpected", "UNEXPECTED", "maybe", "", "2"]
LEVELS = ["critical", "ERROR", "Warn", "info", "debug", "trace", "blather", "warning", "", "1", "crit", "10", " info "]
USERS = ["root", "0", "nobody", "65534", "nosuchuser", "99999", "", "-1", "root:root", " root ", "0x0"]
OWNERS = ["root", "0", "root:root", "nobody:nogroup", "0:0", "nosuchuser", "root:nosuchgroup", "root:", ":root", "", "root:99999",
          "99999", "a:b:c"]
FILES = ["NONE", "none", "None", "off", "OFF", "AUTO", "auto", "syslog", "SYSLOG", "", "x", "./x", "/tmp/x", "/nosuch/x", "~/x",
         "~root/x", "~nosuchuser/x", "/tmp/", "@/x y", "none ", "/tmp/%%%%x", "/tmp/%%x", "~", "/", "nosuch/x", "/tmp//x/../y"]
DIRECTORIES = ["/tmp", "/nosuch", "", "~", "~root", "~nosuchuser", ".", "@", "/tmp/", "/etc/passwd", "\"/tmp\""]
NAMED = ["y", " y ", "a b", "a:b", "a/b", "", "é", "a\tb", "%(program_name)s_x", "%(program_name)s:x", "%(process_num)03d", "a.b", "[a]",
         "%(program_name)r", "%(process_num)s%(numprocs)s", "a\\b", "%(host_node_name).0s"]
COMMANDS = ["", "cat", "cat %%h", "cat 'x", "%(program_name)s", "%(process_num)02d/%(numprocs)d %(here)s", "%(group_name)s",
            "%(ENV_HOME)s", "%(program_name).1s", "%(process_num)5d|", "%(process_num)-5d|", "%(process_num)+d", "%(process_num)x",
            "%(process_num)e", "%(program_name)d", "%(program_name)5s", "%(process_num)i%(process_num)u", "%(process_num)c",
            "%(program_name)a", "%(process_num)#o", "%(process_num)#x %(process_num)X", "%()s", "%(a(b)c)s", "%(here)s%", "%5%", "%-5%",
            "%(program_name)", "%(program_name", "%z", "%(x)z", "%.%", "% (here)s", "%%(here)s", "%%%(here)s", "%(HERE)s",
            "%(ENV_HOME)s %(nosuch)s %(nosuch2)s", "%(host_node_name)s"]
ADDRESSES = ["1", "9001", ":9001", "*:9001", "localhost:9001", "LocalHost:80", "127.0.0.1:1", "0", "65535", "65536", "70000", "h:70000",
             "h:0", "h:-1", "-1", "abc", "h:abc", "", ":", "h:", "*:", "*", "a:b:9", "[::1]:80", "h: 9", " 9 ", "1.5", "h:1_0", "+9"]
SOCKETS = ["unix:///tmp/s", "unix://tmp/s", "unix://", "unix:/tmp/s", "tcp://localhost:9000", "tcp://Host:9", "tcp://:9", "tcp://h",
           "tcp://h:", "tcp://h:0", "tcp://h:65536", "tcp://h:x", "tcp://a b:9", "tcp://a:b:9", "tcp://*:9", "foo", "", "UNIX:///tmp/s",
           "TCP://h:9", "unix:///tmp/../tmp/s", "unix://%(here)s/s", "unix:///tmp/%(program_name)s", "unix://~/s", "unix:///tmp/a b",
           "tcp://[::1]:9", "tcp:///x", "http://h:9", " tcp://h:9 "]
TYPES = {
    "numbers": (INTEGERS, ["minfds", "minprocs", "logfile_backups", "priority", "startsecs", "startretries", "stopwaitsecs",
                           "numprocs_start", "stdout_logfile_backups", "buffer_size", "socket_backlog"]),
    "booleans": (BOOLEANS, ["nodaemon", "silent", "nocleanup", "strip_ansi", "autostart", "stopasgroup", "killasgroup",
                            "redirect_stderr", "stdout_events_enabled", "stderr_syslog"]),
    "sizes": (SIZES, ["logfile_maxbytes", "stdout_logfile_maxbytes", "stderr_logfile_maxbytes", "stdout_capture_maxbytes"]),
    "octal numbers": (OCTALS, ["umask", "chmod", "socket_mode"]),
    "exit codes": (CODES, ["exitcodes"]),
    "signals": (SIGNALS, ["stopsignal"]),
    "restarts": (RESTARTS, ["autorestart"]),
    "levels": (LEVELS, ["loglevel"]),
    "users": (USERS, ["user"]),
    "owners": (OWNERS, ["chown", "socket_owner"]),
    "files": (FILES, ["logfile", "pidfile", "stdout_logfile", "stderr_logfile", "file"]),
    "directories": (DIRECTORIES, ["directory", "childlogdir"]),
    "names": (NAMED, ["process_name"]),
    "commands": (COMMANDS, ["command", "identifier", "serverurl"]),
    "addresses": (ADDRESSES, ["port"]),
    "sockets": (SOCKETS, ["socket"]),
    "lists": (["", ",", "x", "x y", " x ", "y", "X", "tick", "tick_5, TICK_5,tick", "EVENT", "TICK,foo"],
              ["programs", "events"]),
    "passwords": (["", "p", "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d", "p%%q", "p%q", "a b", "\"p\"", "p#q", "p ;q"],
                  ["username", "password"]),
    "plugins": (["supervisor.rpcinterface:make_main_rpcinterface", "foo:bar", "supervisor.rpcinterface:nosuch", "x=1"],
                ["supervisor.rpcinterface_factory", "other"]),
    "handlers": (["supervisor.dispatchers:default_handler", "foo.bar:baz", "supervisor.dispatchers:nosuch"], ["result_handler"]),
}

# Behind [supervisord] and a line end.
SECTIONS = """
[program:x]
===
[program:x]
command=a
[program:y]
===
[program:a b]
command=a
===
[program:a:b]
command=a
===
[program:a/b]
command=a
===
[program: a ]
command=%(program_name)s
===
[program:]
command=a
===
[program:x]
command=a
numprocs=2
===
[program:x]
command=a %(process_num)d of %(numprocs)d
numprocs=12
numprocs_start=-1
process_name=%(program_name)s_%(process_num)02d
===
[program:x]
command=a
numprocs=0
===
[program:x]
command=a
numprocs=-3
process_name=y
===
[program:x]
command=a
stopasgroup=true
===
[program:x]
command=a
stopasgroup=true
killasgroup=false
===
[program:x]
command=a
killasgroup=true
===
[program:x]
command=a
redirect_stderr=true
stderr_logfile=/tmp/x
===
[program:x]
command=a
redirect_stderr=true
stderr_logfile=NONE
===
[program:x]
command=a
redirect_stderr=true
stderr_logfile=syslog
===
[program:x]
command=a
stdout_logfile=syslog
stderr_logfile=Syslog
stdout_syslog=false
===
[program:x]
command=a
stdout_logfile_maxbytes=0
stderr_logfile_maxbytes=0
===
[program:x]
command=a
redirect_stderr=true
stdout_logfile_maxbytes=0
stderr_logfile_maxbytes=0
===
[program:x]
command=a
stdout_logfile=/tmp/x
stdout_logfile_maxbytes=0
===
[program:x]
command=a
serverurl=AUTO
[program:y]
command=a
serverurl=Auto
[program:z]
command=a
serverurl=http://h:1
===
environment=A=1,B=2
[program:x]
command=%(ENV_A)s%(ENV_B)s%(ENV_C)s
directory=/%(ENV_C)s
process_name=%(ENV_C)s
stdout_logfile=/tmp/%(ENV_C)s
environment=C="%(ENV_A)s",B=3
===
environment=HOME="/tmp"
identifier=%(ENV_HOME)s
[program:x]
command=%(ENV_HOME)s
===
[program:x]
command=a
environment=A="1",
 B='2',
 C=3
===
[program:x]
command=a
environment=A="%(process_num)d %(numprocs)d %(program_name)s %(group_name)s %(host_node_name)s %(here)s"
===
[program:x]
command=a
environment=A="%(ENV_A)s"
===
[group:g]
===
[group:g]
programs=
===
[group:g]
programs=x,zz
[program:x]
command=a
===
[group:g]
programs=zz
===
[group:g]
programs=x,
[program:x]
command=a
===
[group:g]
programs=,x
[program:x]
command=a
===
[group:g]
programs=x
[program:x]
command=a
[fcgi-program:x]
command=a
socket=unix:///tmp/s
===
[group:g]
programs=x,y
priority=5
[program:x]
command=%(group_name)s
priority=7
[program:y]
command=a
priority=7
[program:z]
command=a
priority=6
===
[group:g]
programs=y,x
[program:x]
command=a
[program:y]
command=a
===
[group:g]
programs=x
[group:h]
programs=x
[program:x]
command=%(group_name)s
===
[group:a b]
===
[group:a:b]
===
[group: g ]
===
[group:g]
programs=x
[program:x]
===
[group:g]
programs=e
[eventlistener:e]
command=a
events=TICK
===
[program:b]
command=a
[program:a]
command=a
[program:c]
command=a
priority=1
[group:d]
priority=1
[eventlistener:e]
command=a
events=TICK
[eventlistener:f]
command=a
events=TICK
priority=1000
===
[eventlistener:e]
command=a
===
[eventlistener:e]
command=a
events=
===
[eventlistener:e]
command=a
events=FOO
===
[eventlistener:e]
command=a
events=tick_5,PROCESS_state
===
[eventlistener:e]
events=TICK
===
[eventlistener:e]
command=a
events=TICK
redirect_stderr=true
===
[eventlistener:e]
command=a
events=TICK
buffer_size=0
===
[eventlistener:a b]
command=a
events=TICK
===
[eventlistener:e]
command=a
events=TICK
stdout_capture_maxbytes=10
stderr_capture_maxbytes=10
===
[eventlistener:e]
command=a
events=TICK
numprocs=2
process_name=%(process_num)d
priority=3
===
[fcgi-program:f]
command=a
===
[fcgi-program:f]
socket=unix:///tmp/s
===
[fcgi-program:f]
command=a
socket=tcp://h:9
socket_mode=0700
===
[fcgi-program:f]
command=a
socket=tcp://h:9
socket_owner=root
===
[fcgi-program:f]
command=a
socket=unix:///tmp/s
user=nobody
===
[fcgi-program:f]
command=a
socket=unix:///tmp/s
user=root
===
[fcgi-program:f]
command=a
socket=unix:///tmp/s
user=nobody
socket_owner=root
socket_mode=0777
socket_backlog=5
===
[fcgi-program:f]
command=a
socket=unix:///tmp/s
user=nosuchuser
===
[fcgi-program:f]
command=a
socket=unix:///tmp/s
numprocs=2
process_name=%(process_num)d
===
[fcgi-program:a b]
command=a
socket=unix:///tmp/s
===
[unix_http_server]
===
[unix_http_server]
file=
===
[unix_http_server]
file=%(here)s/s
chmod=0770
chown=root:root
===
[unix_http_server:a]
file=/tmp/a
[unix_http_server:b]
file=~/b/../c
[unix_http_serverx]
file=x
===
[unix_http_server]
file=s
username=u
===
[unix_http_server]
file=s
password=p
===
[unix_http_server]
file=s
username=
password=
===
[unix_http_server]
file=s
chmod=9
===
[unix_http_server]
file=s
chown=nosuchuser
===
[inet_http_server]
===
[inet_http_server]
port=
===
[inet_http_server]
port=1
password=p
===
[inet_http_server]
port=%(here)s
===
[inet_http_server:b]
port=h:2
[inet_http_server:a]
port=1
username=u
password=p
===
[unix_http_server]
[inet_http_server]
===
[rpcinterface:s]
===
[rpcinterface:a]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
other=%(here)s
===
[rpcinterface:b]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[rpcinterface:a]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
retries=1
===
[rpcinterface:s]
supervisor.rpcinterface_factory=foo:bar
[group:g]
programs=x
===
minfds=x
minprocs=y
===
loglevel=x
minfds=y
===
[inet_http_server]
[unix_http_server]
[fcgi-program:f]
[eventlistener:e]
[program:x]
[group:g]
programs=y
[rpcinterface:r]
===
[inet_http_server]
[unix_http_server]
[fcgi-program:f]
[eventlistener:e]
[program:x]
[group:g]
programs=y
===
[inet_http_server]
[unix_http_server]
[fcgi-program:f]
[eventlistener:e]
[program:x]
===
[inet_http_server]
[unix_http_server]
[fcgi-program:f]
[eventlistener:e]
===
[inet_http_server]
[unix_http_server]
[fcgi-program:f]
===
[unix_http_server]
[inet_http_server]
===
identifier=
environment=
===
logfile=syslog
===
logfile=Syslog
pidfile=NONE
===
logfile=AUTO
===
user=0
===
user=99999
===
environment=A="1",B=2;C=3
[program:x]
command=a
environment=B=4
"""

INCLUDES = [
    {"main.conf": HEAD + "[include]\n"},
    {"main.conf": HEAD + "[include]\nfiles=\n"},
    {"main.conf": HEAD + "[include]\nfiles=none/*.conf other\n"},
    {"main.conf": HEAD + "[include]\nfiles=a/*.conf\n", "a/2.conf": "[program:b]\ncommand=%(here)s\n",
     "a/1.conf": "[program:a]\ncommand=1\n", "a/.3.conf": "[program:c]\ncommand=3\n", "a/4.txt": "junk"},
    {"main.conf": HEAD + "[include]\nfiles=b/1.conf a/*.conf\n  b/2.conf\n", "a/1.conf": "[program:x]\ncommand=1\n",
     "b/1.conf": "[program:x]\ncommand=2\nstartsecs=9\n", "b/2.conf": "[program:x]\ncommand=3\n"},
    {"main.conf": PROGRAM + "directory=%(here)s\n[include]\nfiles=%(here)s/a/b/*\n", "a/b/1": "[program:x]\numask=022\n"
     "[program:y]\ncommand=%(here)s\ndirectory=%(here)s/%(here)s\n"},
    {"main.conf": HEAD + "[include]\nfiles=a/[12].conf a/?x a/**/c\n", "a/1.conf": "[program:a]\ncommand=a\n",
     "a/3.conf": "[program:b]\ncommand=b\n", "a/yx": "[program:c]\ncommand=c\n", "a/d/c": "[program:d]\ncommand=d\n",
     "a/d/e/c": "[program:e]\ncommand=e\n", "a/c": "[program:f]\ncommand=f\n"},
    {"main.conf": HEAD + "[include]\nfiles=a\n", "a": "[include]\nfiles=b\n[program:x]\ncommand=a\n", "b": "[program:y]\ncommand=b\n"},
    {"main.conf": HEAD + "[include]\nfiles=a\n", "a": "key=value\n"},
    {"main.conf": HEAD + "[include]\nfiles=a\n", "a": "[program:x]\ncommand=a\njunk\n"},
    {"main.conf": HEAD + "[include]\nfiles=a\n", "a": "[program:x]\n"},
    {"main.conf": HEAD + "[program:x]\ncommand=a\n[include]\nfiles=a\n", "a": "[program:x]\nstartsecs=x\n"},
    {"main.conf": HEAD + "identifier=a\n[include]\nfiles=a\n", "a": "[supervisord]\nidentifier=b\nenvironment=A=1\n"},
    {"main.conf": "[include]\nfiles=a\n", "a": "[supervisord]\nidentifier=b\n"},
    {"main.conf": HEAD + "[include]\nfiles=%(ENV_HOME)s/x %(host_node_name)s\n"},
    {"main.conf": HEAD + "[include]\nfiles=@/a @/a \"a\"\n", "a": "[program:x]\ncommand=a\n"},
    {"main.conf": HEAD + "[include]\nfiles=a\n", "a": "[DEFAULT]\nstartsecs=7\n[program:x]\ncommand=a\n"},
    {"main.conf": HEAD + "[include]\nfiles=a\n[program:x]\ncommand=%%(here)s\n", "a": "[program:y]\ncommand=%%(here)s\n"},
    {"main.conf": HEAD + "[include]\nfiles=../*/a\n", "a": "[program:x]\ncommand=%(here)s\n"},
]

CONTROL = [text for option in ("serverurl", "username", "password", "prompt", "history_file") for text in (
    f"[supervisorctl]\n{option}={value}\n" for value in
    ("", "x", "http://h:1", "unix:///tmp/s", "unix://s", "unix:///tmp/../s", "unix://~/s", "%(here)s/x", "%(ENV_HOME)s", "%(nosuch)s",
     "50%off", "a%%b", "~/x", "~nosuchuser/x", "é"))] + [
    "", "[supervisord]\n", "[supervisorctl]\n[supervisorctl]\nprompt=y\n", "[DEFAULT]\nprompt=d\n[supervisorctl]\n",
    "[supervisorctl]\nprompt=a ; b\n", "[supervisorctl]\n[supervisord]\nminfds=x\n", "[supervisorctl]\n[include]\nfiles=nosuch\n"]


def words(reading):
    """The texts of both where newer versions differ on purpose, brought to the same form."""
    if "error" in reading:
        text = reading["error"]
        text = re.sub(r"\('(Bad socket format|Unix socket path) %s( is not an absolute path)?', (?:'([^']*)'|\"([^\"]*)\")\)",
                      r"\1 \3\4\2", text)
        # What may be a secret is not shown.
        text = re.sub(r"^Format string .* for '([\w.:-]*password|[\w.:-]*environment)'", r"Format string '***' for '\1'", text, flags=re.S)
        text = re.sub(r"(key/value pairs in value '[^=]*=)[^']+'", r"\1***'", text)
        text = re.sub(r"( cannot be resolved within \[[^]]*\]): .*", r"\1", text, flags=re.S)
        return {"error": text}
    for group in reading.get("groups", ()):
        for sock in group.get("sockets", ()):
            if sock["url"].startswith("unix:") and sock["mode"] is None:
                sock["mode"] = 0o700
    return reading


def same(tmp_path, cases, **options):
    read = Readings(str(tmp_path), cases, env={"A": "inherited"}, **options)
    different = read.different(words)
    assert not different, f"{len(different)} of {len(cases)}\n" + "\n".join(different[:40])


def refused(reading):
    return "error" in reading


def test_the_grammar(tmp_path):
    same(tmp_path, GRAMMAR)


@pytest.mark.limit(180)
@pytest.mark.parametrize("part", range(4))
def test_the_names_of_expansions_at_every_option(tmp_path, part):
    same(tmp_path, NAMES[part::4])


@pytest.mark.limit(180)
@pytest.mark.parametrize("kind", TYPES)
def test_values_of_every_type(tmp_path, kind):
    values, options = TYPES[kind]
    same(tmp_path, everywhere(values, lambda option: option in options))


def test_sections(tmp_path):
    same(tmp_path, [HEAD + text for text in SECTIONS.strip("\n").split("\n===\n")])


def test_includes(tmp_path):
    same(tmp_path, INCLUDES)


def test_variables_of_the_environment_set_no_option(tmp_path):
    variables = {prefix + option.upper(): "x" for prefix in ("", "SUPERVISOR_", "SUPERVISORD_", "SUPERVISORD_OPT_")
                 for option in SUPERVISORD + OUTSIDE if (prefix, option) != ("", "user")}
    read = Readings(str(tmp_path), [PROGRAM], env=variables)
    assert not read.different() and "error" not in read.ours[0], read.ours
    assert read.ours[0]["supervisord"]["minfds"] == 1024


def test_the_section_of_supervisorctl(tmp_path):
    same(tmp_path, CONTROL, ctl=True)


@pytest.mark.beyond("number-limits")
def test_numbers_have_limits(tmp_path):
    read = Readings(str(tmp_path), [
        HEAD + "minfds=\u0663\n", HEAD + "minfds=99999999999999999999\n", HEAD + "umask=-1\n", PROGRAM + "startsecs=\u0663\n",
        PROGRAM + "numprocs=100001\nprocess_name=%(process_num)d\nstartretries=x\n",
        HEAD + "[unix_http_server]\nfile=/tmp/s\nchmod=-1\n"])
    assert all(refused(reading) for reading in read.ours), read.ours
    assert [refused(reading) for reading in read.originals] == [False, False, False, False, True, False]


@pytest.mark.beyond("duplicate-names")
def test_names_that_come_twice_are_told(tmp_path):
    read = Readings(str(tmp_path), [
        PROGRAM + "numprocs=2\nprocess_name=same%(process_num).0s\n", PROGRAM + "[group:g]\nprograms=x,x\n",
        PROGRAM + "[group:x]\nprograms=\n", PROGRAM + "[eventlistener:x]\ncommand=cat\nevents=TICK\n"])
    assert [len(reading["warnings"]) for reading in read.originals] == [0] * 4
    assert [[re.sub("'.*?'", "N", text) for text in reading["warnings"]] for reading in read.ours] == [
        ["Process name N is used more than once in group N, the last one is kept"]] * 2 + [
        ["Group name N is used more than once, only the first by priority is kept"]] * 2
