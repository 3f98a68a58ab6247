"""The same scenario on the original and on our programs, and the comparison of what came of it."""
import difflib
import pprint
import re
import threading

from .box import Box
from .compatibility import difference
from .programs import OURS, REFERENCE, Done

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"


def normalised(value, box):
    """`value` without what differs between any two runs: folders, pids, times, random names."""
    if isinstance(value, Done):
        return {"code": value.code, "out": normalised(value.out, box), "err": normalised(value.err, box)}
    if isinstance(value, dict):
        return {key: normalised(item, box) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [normalised(item, box) for item in value]
    if not isinstance(value, str):
        return value
    value = value.replace(box.folder, "BOX")
    value = re.sub(rf"\b{box.port}\b", "PORT", value)
    for suite in (REFERENCE, OURS, box.suite):
        value = value.replace(suite.supervisorctl, "CTL").replace(suite.supervisord, "DAEMON")
    for pattern, name in ((r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "TIME"),
                          (r"uptime (\d+ days?, )?\d+:\d\d:\d\d", "uptime U"),
                          (rf"\b({_MONTHS}) \d\d \d\d:\d\d [AP]M", "DATE"),
                          (r"\bpid[ :]\d+", "pid N"), (r"^4\.\d+\.\d+$", "VERSION"),
                          (r"(---\w+?)-[a-z0-9_]{8}\.log", r"\1-RANDOM.log"),
                          (r"\(\d{3,}\) with SIGKILL", "(N) with SIGKILL")):
        value = re.sub(pattern, name, value, flags=re.M)
    return value


def without_clock(value):
    """Infos of processes without times and pids; which of them are set stays to be seen."""
    if isinstance(value, list):
        return [without_clock(item) for item in value]
    if isinstance(value, dict):
        return {k: ("N" if k in ("now", "start", "stop", "pid") and v else v) for k, v in value.items()}
    return value


def lines(daemon, drop=()):
    """The main log without times and pids; lines that begin like one of `drop` left out."""
    seen = []
    for level, text in daemon.messages():
        text = re.sub(r"(pid[: ]|\()\d+", r"\1N", text.replace("(exit status ", "(exit status:"))
        if "closed, stopped monitoring" not in text and not text.startswith(("received SIGCHLD", "waiting for ", *drop)):
            seen.append(f"{level} {text}")
    return seen


def by_process(daemon, names, drop=()):
    """Log lines of each process by itself: the order between processes is chance."""
    every = lines(daemon, drop)
    return {name: [line for line in every if re.search(rf"\b{name}\b", line)] for name in names}


def both(function, *columns):
    """function(item) for each of `columns` at the same time; the results in order."""
    results, errors = [None] * len(columns), []

    def run(index, item):
        try:
            results[index] = function(item)
        except BaseException as error:
            errors.append(error)
    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(columns)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)  # in slices, so that the test's time limit can interrupt
    if errors:
        raise errors[0]
    return results


def explain(reference, ours):
    left, right = (pprint.pformat(value, width=110).splitlines() for value in (reference, ours))
    return "the original (-) and ours (+) differ:\n" + "\n".join(difflib.unified_diff(left, right, lineterm="", n=4))


class Pair:
    """Two boxes, one for the original and one for the programs under test."""

    def __init__(self, suite):
        self.boxes = [Box(REFERENCE), Box(suite)]
        self.daemons = None

    def start(self, programs="", **options):
        """Starts a daemon in each; in the texts @ stands for the box's folder."""
        def fill(value, box):
            return value.replace("@", box.folder) if isinstance(value, str) else value

        def run(box):
            return box.daemon(fill(programs, box), **{name: fill(value, box) for name, value in options.items()})
        self.daemons = both(run, *self.boxes)
        return self

    def write(self, name, content, mode=None):
        for box in self.boxes:
            box.write(name, content.replace("@", box.folder) if isinstance(content, str) else content, mode)
        return self

    def script(self, name, body):
        return self.write(name, "#!/bin/sh\n" + body, 0o755)

    def each(self, function):
        """function(daemon) on both sides at once."""
        return both(function, *self.daemons)

    def same(self, function, prepare=lambda value: value):
        """function(daemon) gives the same on both sides, after normalising."""
        return self._compare(both(function, *self.daemons), prepare)

    def same_in_box(self, function, prepare=lambda value: value):
        """Likewise with function(box), where no daemon is started beforehand."""
        return self._compare(both(function, *self.boxes), prepare)

    def _compare(self, results, prepare):
        reference, ours = (prepare(normalised(result, box)) for result, box in zip(results, self.boxes))
        assert ours == reference, explain(reference, ours)
        return reference

    def differs(self, identifier, function, reference=None, ours=None):
        """A deliberate difference, which the table must know. `reference` and `ours` are predicates of the outcomes."""
        self._check_difference(identifier, both(function, *self.daemons), reference, ours)

    def differs_in_box(self, identifier, function, reference=None, ours=None):
        """Likewise with function(box), where no daemon is started beforehand."""
        self._check_difference(identifier, both(function, *self.boxes), reference, ours)

    def _check_difference(self, identifier, results, reference, ours):
        difference(identifier)
        results = [normalised(result, box) for result, box in zip(results, self.boxes)]
        assert reference is None or reference(results[0]), f"the original: {results[0]!r}"
        if not self.boxes[1].suite.is_reference:
            assert ours is None or ours(results[1]), f"ours: {results[1]!r}"

    def close(self):
        for box in self.boxes:
            box.close()
