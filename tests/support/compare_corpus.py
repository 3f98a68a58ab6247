#!/usr/bin/python3
"""Compares our reading of configuration files with that of Supervisor's own code.

    compare_corpus.py [--reference DIR] [-v] CONFIG_DUMP DUMP_REFERENCE FILE...

CONFIG_DUMP is the built program config_dump; DUMP_REFERENCE a script that prints the reference's reading of
`--one FILE --relaxed` as JSON. Both run with a small environment in which every %(ENV_X)s of the file is `x`.
--reference puts DIR, a tree of Supervisor, before the installed one. Exit code 1: there are differences.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

DEFAULT_HANDLER = 'supervisor.dispatchers:default_handler'
RESTART = {'RestartWhenExitUnexpected': 'unexpected', 'RestartUnconditionally': True, False: False}


def environment_for(text):
    env = {'PATH': '/usr/bin:/bin', 'LANG': 'C.UTF-8', 'PYTHONDONTWRITEBYTECODE': '1'}
    env.update({name: 'x' for name in re.findall(r'%\(ENV_([^)]+)\)', text)})
    return env


def process(p):
    p = {k: v for k, v in p.items() if k != 'class'}
    p['autorestart'] = RESTART[p['autorestart']]
    p['stopsignal'] = int(getattr(signal, p['stopsignal'])) if isinstance(p['stopsignal'], str) else p['stopsignal']
    for channel in ('stdout_logfile', 'stderr_logfile'):
        p[channel] = {'Automatic': 'AUTO', '': None}.get(p[channel], p[channel])
    return p


def group(g):
    out = {'name': g['name'], 'priority': g['priority'],
           'process_configs': [process(p) for p in g['process_configs']]}
    if 'pool_events' in g:
        out['buffer_size'] = g['buffer_size']
        out['pool_events'] = sorted(g['pool_events'])
    if 'socket_config' in g:
        s = g['socket_config']
        one = {'url': s['url'], 'mode': s.get('mode'), 'owner': s.get('owner'), 'backlog': s['backlog']}
        out['sockets'] = [one] * len(g['process_configs'])
    return out


def server(s):
    s = {k: v for k, v in s.items() if k not in ('name', 'family')}
    s['username'] = s['username'] or ''
    s['password'] = s['password'] or ''
    return s


def unique(texts):
    return list(dict.fromkeys(texts))


def reference_reading(r, cwd):
    if r['status'] != 'ok':
        return {'error': re.sub(r'^Error: ', '', r['error'])}
    # The relaxed reference takes any result handler, which only Python code can be.
    for g in r['groups']:
        handler = g.get('result_handler', DEFAULT_HANDLER)
        if handler != DEFAULT_HANDLER:
            return {'error': '%s cannot be resolved within [eventlistener:%s]: No module named %r'
                             % (handler, g['name'], handler.split(':')[0].split('.')[0])}
    s = {k: v for k, v in r['supervisord'].items() if k != 'profile_options'}
    for name in ('logfile', 'pidfile'):
        if s[name] != 'syslog':
            s[name] = os.path.normpath(os.path.join(cwd, s[name]))
    return {
        'supervisord': s,
        'groups': [group(g) for g in r['groups']],
        'inet_servers': [server(c) for c in r['servers'] if c['family'] == 'AF_INET'],
        'unix_servers': [server(c) for c in r['servers'] if c['family'] == 'AF_UNIX'],
        'rpcinterfaces': [i[0] for i in r['rpcinterfaces']],
        'warnings': unique(r['warnings']),
        'infos': r['infos'],
    }


def our_reading(o):
    if 'problems' in o:
        return {'error': o['problems'][0]['message']}
    for g in o['groups']:
        if 'pool_events' in g:
            g['pool_events'].sort()
        for s in g.get('sockets', []):
            if s:
                s['backlog'] = s['backlog'] or None
                if s['url'].startswith('unix:') and s['mode'] is None:
                    s['mode'] = 0o700
    return o


def differences(a, b, path=''):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            yield from differences(a.get(key, '<absent>'), b.get(key, '<absent>'), path + '/' + key)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            yield from differences(x, y, '%s[%d]' % (path, i))
    elif a != b:
        yield path, a, b


def compare(args, name):
    with open(name, encoding='utf-8', errors='replace', newline='') as f:
        text = f.read()
    env = environment_for(text)
    if args.reference:
        env['PYTHONPATH'] = args.reference
    cwd = os.path.dirname(os.path.abspath(args.dump_reference))
    wrapper = None
    target = os.path.abspath(name)
    if not re.search(r'(?m)^\[supervisord\]', text):
        wrapper = tempfile.NamedTemporaryFile('w', suffix='.ini')
        wrapper.write('[supervisord]\n[include]\nfiles=%s\n' % target)
        wrapper.flush()
    ours = subprocess.run([args.config_dump, '--relaxed', wrapper.name if wrapper else target],
                          env=env, cwd=cwd, capture_output=True)
    theirs = subprocess.run(['/usr/bin/python3', '-W', 'ignore', args.dump_reference, '--one', target, '--relaxed'],
                            env=env, cwd=cwd, capture_output=True)
    a = reference_reading(json.loads(theirs.stdout), cwd)
    b = our_reading(json.loads(ours.stdout))
    if wrapper:
        b = json.loads(json.dumps(b).replace(wrapper.name, '<WRAPPER>'))
    return list(differences(a, b))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--reference')
    parser.add_argument('-v', '--verbose', action='store_true')
    parser.add_argument('config_dump', type=os.path.abspath)
    parser.add_argument('dump_reference', type=os.path.abspath)
    parser.add_argument('files', nargs='+')
    args = parser.parse_args()
    bad = 0
    for name in args.files:
        found = compare(args, name)
        bad += bool(found)
        if found or args.verbose:
            print('%s: %s' % (name, 'differs' if found else 'same'))
        for path, reference, ours in found:
            print('   %s\n      reference: %r\n      ours:      %r' % (path, reference, ours))
    print('%d of %d files differ' % (bad, len(args.files)))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
