"""Event listeners for tests, and what they were sent."""
import json

from .waiting import eventually


def listener(box, name="listener", result="RESULT 2\\nOK", more=""):
    """A listener that writes every event as a line of JSON to the file `NAME.events`; `more` runs before it answers."""
    return box.python(name, f"""import json, sys
log = open('{box}/{name}.events', 'a', buffering=1)
while True:
    sys.stdout.write('READY\\n'); sys.stdout.flush()
    line = sys.stdin.readline()
    if not line: break
    header = dict(pair.split(':') for pair in line.split())
    body = sys.stdin.read(int(header['len']))
    header['raw'] = line
    log.write(json.dumps([header, body]) + '\\n')
    {more}
    sys.stdout.write('{result}'); sys.stdout.flush()
""")


def events(box, name="listener"):
    """[(header, body)] of everything it was sent."""
    return [json.loads(line) for line in box.whole_lines(f"{name}.events")]


def bodies(box, kind, name="listener"):
    return [body for header, body in events(box, name) if header["eventname"].startswith(kind)]


def wait_events(box, count, kind="", name="listener", timeout=20):
    eventually(lambda: len(bodies(box, kind, name)) >= count, timeout, lambda: f"{count} {kind} in {events(box, name)}")
    return bodies(box, kind, name)
