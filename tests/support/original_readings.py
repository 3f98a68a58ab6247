"""What the original's own code reads from configuration files, in the vocabulary of config_dump.

Standard input: a JSON list of {"file": path, "ctl": bool}. Standard output: the list of readings, either the values or
{"error": text}. Runs in the original's interpreter, once for many files; it starts no process.
"""
import io
import json
import os
import sys

from supervisor import events, options
from supervisor.datatypes import Automatic, Syslog

PLAIN = ("name command directory priority autostart startsecs startretries stopsignal stopwaitsecs stopasgroup "
         "killasgroup redirect_stderr uid umask serverurl").split()
RESTART = {"RestartWhenExitUnexpected": "unexpected", "RestartUnconditionally": True}
EVENTS = {kind: name for name, kind in vars(events.EventTypes).items() if isinstance(kind, type)}


class Refused(Exception):
    pass


def process(config):
    seen = {name: getattr(config, name) for name in PLAIN}
    restart = config.autorestart
    seen["autorestart"] = RESTART.get(getattr(restart, "__name__", ""), restart)
    seen["exitcodes"] = list(config.exitcodes)
    seen["environment"] = dict(config.environment)
    seen["stopsignal"] = int(config.stopsignal)
    for channel in ("stdout", "stderr"):
        for name in ("logfile", "logfile_maxbytes", "logfile_backups", "capture_maxbytes", "events_enabled", "syslog"):
            value = getattr(config, f"{channel}_{name}")
            seen[f"{channel}_{name}"] = "AUTO" if value is Automatic else None if value is Syslog else value
    return seen


def socket_of(config):
    return {"url": config.url, "mode": getattr(config, "mode", None), "owner": list(getattr(config, "owner", None) or []),
            "backlog": config.get_backlog()}


def group(config):
    seen = {"name": config.name, "priority": config.priority,
            "process_configs": [process(each) for each in config.process_configs]}
    if hasattr(config, "pool_events"):
        seen.update(buffer_size=config.buffer_size, pool_events=sorted(EVENTS[kind] for kind in config.pool_events))
    if hasattr(config, "socket_config"):
        seen["sockets"] = [socket_of(config.socket_config)] * len(config.process_configs)
    return seen


def server(config, names):
    seen = {name: config[name] for name in names}
    seen.update(section=config["section"], username=config["username"] or "", password=config["password"] or "")
    return seen


def daemon(path):
    reader = options.ServerOptions()
    reader.usage = refuse
    reader.realize(["-c", path])
    root = reader.configroot.supervisord
    seen = {name: getattr(reader, name) for name in
            ("minfds minprocs directory user umask logfile logfile_maxbytes logfile_backups loglevel pidfile identifier "
             "nodaemon silent childlogdir nocleanup strip_ansi").split()}
    for name in ("nodaemon", "silent", "nocleanup", "strip_ansi"):
        seen[name] = bool(seen[name])
    seen["environment"] = dict(root.environment)
    inet = [each for each in root.server_configs if "port" in each]
    unix = [each for each in root.server_configs if "file" in each]
    return {"supervisord": seen, "groups": [group(each) for each in reader.process_group_configs],
            "inet_servers": [server(each, ("host", "port")) for each in inet],
            "unix_servers": [server(dict(each, chown=list(each["chown"])), ("file", "chmod", "chown")) for each in unix],
            "rpcinterfaces": [name for name, _, _ in root.rpcinterface_factories],
            "warnings": list(dict.fromkeys(reader.parse_warnings)), "infos": list(reader.parse_infos)}


def control(path):
    reader = options.ClientOptions()
    reader.usage = refuse
    reader.realize(["-c", path], doc="x")
    return {name: getattr(reader, name) for name in ("serverurl", "username", "password", "prompt", "history_file")}


def refuse(message):
    raise Refused(str(message))


def reading(case):
    os.chdir(os.path.dirname(case["file"]))
    try:
        return (control if case["ctl"] else daemon)(case["file"])
    except Refused as refusal:
        return {"error": str(refusal)}
    except Exception as error:  # what would end the original with a traceback
        return {"traceback": f"{type(error).__name__}: {error}"}


def main():
    options.ServerOptions.stderr = io.StringIO()
    print(json.dumps([reading(case) for case in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
