"""supervisord's command line: flags, messages, exit codes, and what a broken configuration is answered with."""
import os
import re

import pytest


def run(box, *arguments, **options):
    return box.execute(box.suite.supervisord, *arguments, **options)


def refused(box, done):
    """The text of a fatal message; checks its exact frame. Ours may add indented lines: the place and a hint."""
    match = re.fullmatch(r"Error: (.*)\nFor help, use (\S+) -h\n(  .*\n)*", done.err, re.S)
    assert match and done.code == 2 and done.out == "", done
    assert match[2] == box.suite.supervisord
    return match[1]


@pytest.mark.parametrize("arguments, message", [
    (["-x"], "option -x not recognized"),
    (["--bogus"], "option --bogus not recognized"),
    (["--no"], "option --no not a unique prefix"),
    (["-c"], "option -c requires argument"),
    (["--configuration"], "option --configuration requires argument"),
    (["--nodaemon=1"], "option --nodaemon must not have an argument"),
    (["foo"], "positional arguments are not supported: ['foo']"),
    (["foo", "b'r"], "positional arguments are not supported: ['foo', \"b'r\"]"),
    (["-n", "--nodaemon"], "conflicting command line option '--nodaemon'"),
    (["-n", "-n"], "conflicting command line option '-n'"),
    (["-e", "zz"], "invalid value for -e 'zz': bad logging level name 'zz'"),
    (["--loglevel=zz"], "invalid value for --loglevel 'zz': bad logging level name 'zz'"),
    (["-m", "9"], "invalid value for -m '9': 9 can not be converted to an octal type"),
    (["-z", "many"], "invalid value for -z 'many': invalid literal for int() with base 10: 'many'"),
    (["-y", "1K"], "invalid value for -y '1K': invalid literal for int() with base 10: '1k'"),
    (["-a", "x"], "invalid value for -a 'x': invalid literal for int() with base 10: 'x'"),
    (["-d", "/nonexistent"], "invalid value for -d '/nonexistent': /nonexistent is not an existing directory"),
    (["-q", "/nonexistent"], "invalid value for -q '/nonexistent': /nonexistent is not an existing directory"),
    (["-l", "/nonexistent/x"], "invalid value for -l '/nonexistent/x': The directory named as part of the path "
                               "/nonexistent/x does not exist"),
    (["-j", "/nonexistent/x"], "invalid value for -j '/nonexistent/x': The directory named as part of the path "
                               "/nonexistent/x does not exist"),
    (["-c", "/nonexistent.conf"], "could not find config file /nonexistent.conf"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_mistakes_on_the_command_line_are_named(box, arguments, message):
    assert refused(box, run(box, *arguments)) == message


@pytest.mark.parametrize("flag", ["-v", "--version", "--vers"])
def test_version_is_one_line(box, flag):
    done = run(box, flag)
    assert done.code == 0 and re.fullmatch(r"\S.*\n", done.out) and done.err == ""


@pytest.mark.parametrize("flag", ["-h", "-?", "--help"])
def test_help_names_every_flag(box, flag):
    done = run(box, flag)
    assert done.code == 0 and done.err == ""
    assert done.out.startswith("supervisord -- run a set of applications as daemons.")
    assert f"Usage: {box.suite.supervisord} [options]" in done.out or "Usage: " in done.out
    for both in ("-c/--configuration", "-n/--nodaemon", "-s/--silent", "-v/--version", "-u/--user", "-m/--umask",
                 "-d/--directory", "-l/--logfile", "-y/--logfile_maxbytes", "-z/--logfile_backups", "-e/--loglevel",
                 "-j/--pidfile", "-i/--identifier", "-q/--childlogdir", "-k/--nocleanup", "-a/--minfds",
                 "-t/--strip_ansi", "--minprocs"):
        assert f"\n{both} " in done.out, both


def test_without_any_configuration_the_search_list_is_shown(box):
    program = box.path("bin/supervisord")
    os.makedirs(box.path("bin"))
    os.symlink(box.suite.supervisord, program)
    if any(os.path.exists(p) for p in ("/etc/supervisord.conf", "/etc/supervisor/supervisord.conf")):
        pytest.skip("this machine has a supervisord.conf in /etc")
    done = box.execute(program, "-n")
    assert done.code == 2
    paths = [f"{box}/etc/supervisord.conf", f"{box}/supervisord.conf", "supervisord.conf", "etc/supervisord.conf",
             "/etc/supervisord.conf", "/etc/supervisor/supervisord.conf"]
    assert (f"Error: No config file found at default paths ({', '.join(paths)}); use the -c option to specify a "
            f"config file at a different path\nFor help, use {program} -h\n") in done.err


BROKEN = {
    "no supervisord section": ("[program:x]\ncommand=cat\n", ".ini file does not include supervisord section"),
    "empty file": ("", ".ini file does not include supervisord section"),
    "text before the first section": (
        "hello\n[supervisord]\n",
        "File contains no section headers.\nfile: '{file}', line: 1\n'hello\\n'"),
    "not a line at all": (
        "[supervisord]\nnodelimiter\n=x\n",
        "Source contains parsing errors: '{file}'\n\t[line  2]: 'nodelimiter\\n'\n\t[line  3]: '=x\\n'"),
    "bad level": ("[supervisord]\nloglevel=warning\n", "bad logging level name 'warning'"),
    "bad boolean": ("[supervisord]\nnodaemon=maybe\n", "not a valid boolean value: 'maybe'"),
    "unknown name": (
        "[supervisord]\nlogfile=%(nosuch)s\n",
        r"re:Format string '%\(nosuch\)s' for 'supervisord.logfile' contains names \('nosuch'\) which cannot be "
        r"expanded. Available names: ENV_.*, here"),
    "incomplete format": (
        "[supervisord]\nidentifier=%\n",
        "Format string '%' for 'supervisord.identifier' is badly formatted: incomplete format"),
    "no command": (
        "[supervisord]\n[program:x]\n",
        "program section program:x does not specify a command in section 'program:x' (file: '{file}')"),
    "numprocs without a number in the name": (
        "[supervisord]\n[program:x]\ncommand=cat\nnumprocs=2\n",
        "%(process_num) must be present within process_name when numprocs > 1 in section 'program:x' "
        "(file: '{file}')"),
    "contradiction": (
        "[supervisord]\n[program:x]\ncommand=cat\nstopasgroup=true\nkillasgroup=false\n",
        "Cannot set stopasgroup=true and killasgroup=false in section 'program:x' (file: '{file}')"),
    "bad signal": (
        "[supervisord]\n[program:x]\ncommand=cat\nstopsignal=FOO\n",
        "value 'FOO' is not a valid signal name in section 'program:x' (file: '{file}')"),
    "bad exit codes": (
        "[supervisord]\n[program:x]\ncommand=cat\nexitcodes=1,x\n",
        "not a valid list of exit codes: '1,x' in section 'program:x' (file: '{file}')"),
    "bad name": (
        "[supervisord]\n[program:a b]\ncommand=cat\n",
        "Invalid name: 'a b' because of character: ' '"),
    "bad autorestart": (
        "[supervisord]\n[program:x]\ncommand=cat\nautorestart=maybe\n",
        "invalid 'autorestart' value 'maybe' in section 'program:x' (file: '{file}')"),
    "bad environment": (
        "[supervisord]\n[program:x]\ncommand=cat\nenvironment=A=\n",
        "Unexpected end of key/value pairs in value 'A=' in section 'program:x' (file: '{file}')"),
    "unknown member": (
        "[supervisord]\n[group:g]\nprograms=nosuch\n",
        "[group:g] names unknown program or fcgi-program nosuch"),
    "listener without events": (
        "[supervisord]\n[eventlistener:e]\ncommand=cat\n",
        '[eventlistener:e] section requires an "events" line'),
    "listener of an unknown event": (
        "[supervisord]\n[eventlistener:e]\ncommand=cat\nevents=FOO\n",
        "Unknown event type FOO in [eventlistener:e] events"),
    "include without files": ("[supervisord]\n[include]\n", ".ini file has [include] section, but no files setting"),
    "server without a file": ("[supervisord]\n[unix_http_server]\n", "section [unix_http_server] has no file value"),
    "server without a port": ("[supervisord]\n[inet_http_server]\n", "section [inet_http_server] has no port value"),
    "half a login": (
        "[supervisord]\n[inet_http_server]\nport=9001\nusername=u\n",
        "Section [inet_http_server] contains incomplete authentication: If a username or a password is specified, "
        "both the username and password must be specified"),
    "fcgi without a socket": (
        "[supervisord]\n[fcgi-program:f]\ncommand=cat\n", '[fcgi-program:f] section requires a "socket" line'),
    "unknown user": ("[supervisord]\nuser=nosuchuser\n", "Invalid user name nosuchuser"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_configuration_is_refused_with_its_reason(box, case):
    text, message = BROKEN[case]
    path = box.write("sd.conf", text)
    said = refused(box, run(box, "-n", "-c", path))
    message = message.replace("{file}", path)
    if message.startswith("re:"):
        assert re.fullmatch(message[3:], said), said
    else:
        assert said == message


@pytest.mark.beyond("mistake-place")
def test_a_mistake_is_told_with_its_line(box):
    path = box.write("sd.conf", "[supervisord]\n\n[program:x]\ncommand=cat\nstartsecs=soon\n")
    done = run(box, "-n", "-c", path)
    assert done.err.splitlines()[2:3] == [f"  file {path}, line 5"], done


def test_a_mistake_in_an_included_file_names_that_file(box):
    included = box.write("conf.d/x.conf", "[program:x]\ncommand=cat\nstartsecs=soon\n")
    path = box.write("sd.conf", "[supervisord]\n[include]\nfiles=conf.d/*.conf\n")
    assert refused(box, run(box, "-n", "-c", path)) == (
        f"invalid literal for int() with base 10: 'soon' in section 'program:x' (file: '{included}')")


def test_the_command_line_wins_over_the_file(box):
    daemon = box.daemon(supervisord="identifier=file\nlogfile_backups=1", arguments=["-i", "line", "-l", box.path("l")])
    assert daemon.rpc.getIdentification() == "line"
    assert "supervisord started with pid" in box.read("l")
    assert not box.exists("sd.log")


def test_flags_can_be_bundled_and_long_ones_shortened(box):
    daemon = box.daemon(foreground=False, arguments=["-nsk", "--ident=short", "--loglev", "info"], start=False)
    daemon.foreground = True
    daemon.arguments = ["-sk", "--ident=short", "--loglev", "info"]
    daemon.start()
    assert daemon.rpc.getIdentification() == "short"
    assert daemon.output() == ""


def test_in_the_foreground_the_log_is_echoed_unless_silent(box, new_box):
    daemon = box.daemon()
    daemon.wait_log("supervisord started with pid")
    assert daemon.output() == daemon.log()
    quiet = new_box().daemon(arguments=["-s"])
    quiet.wait_log("supervisord started with pid")
    assert quiet.output() == ""


@pytest.mark.parametrize("level, lowest", [("critical", "CRIT"), ("warn", "WARN"), ("info", "INFO"), ("debug", "DEBG")])
def test_the_log_level_is_the_least_that_is_written(box, level, lowest):
    order = ["DEBG", "INFO", "WARN", "ERRO", "CRIT"]
    daemon = box.daemon("[include]\nfiles=none/*.conf\n[program:x]\ncommand=sleep 60\n",
                        supervisord=f"loglevel={level}")
    daemon.wait_state("x", "RUNNING")
    daemon.ctl("stop", "x")
    seen = {name for name, _ in daemon.messages()}
    assert seen and seen <= set(order[order.index(lowest):]), seen


@pytest.mark.beyond("check")
def test_check_accepts_a_good_configuration_and_starts_nothing(box):
    path = box.write("sd.conf", box.config(f"[program:x]\ncommand=touch {box}/started\n"))
    done = run(box, "--check", "-c", path)
    assert done.code == 0 and done.err == "", done
    assert not box.exists("started") and not box.exists("sd.log") and not box.exists("s")


@pytest.mark.beyond("check")
def test_check_names_every_mistake_with_file_and_line(box):
    path = box.write("sd.conf", "[supervisord]\nloglevel=warning\n[program:x]\ncommand=cat\nstartsecs=soon\n")
    done = run(box, "--check", "-c", path)
    said = done.out + done.err
    assert done.code == 2, done
    assert "bad logging level name 'warning'" in said and "invalid literal for int() with base 10: 'soon'" in said
    assert f"{path}:2" in said and f"{path}:5" in said


@pytest.mark.beyond("check")
def test_check_points_at_unknown_names(box):
    path = box.write("sd.conf", "[supervisord]\n[program:x]\ncommand=cat\nautorestrat=true\n")
    done = run(box, "--check", "-c", path)
    assert "autorestrat" in done.out + done.err and "autorestart" in done.out + done.err, done
