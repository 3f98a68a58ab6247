"""Many configurations at once, read by the original's code and by ours, and the comparison of what came of it.

A case is the text of a configuration, or {file name: text} with the main file first; @ stands for the case's folder.
"""
import json
import os
import subprocess
from pathlib import Path

from .box import ENVIRONMENT
from .parity import explain
from .programs import OURS, ROOT

_SCRIPT = Path(__file__).with_name("original_readings.py")


def _config_dump():
    beside = os.path.join(os.path.dirname(OURS.supervisord), "config_dump")
    return beside if os.path.exists(beside) else ROOT / "build" / "release" / "bin" / "config_dump"


class Readings:
    """The cases in `folder`, each in one of its own, read by both with the environment `env` added to a bare one."""

    def __init__(self, folder, cases, *, ctl=False, env=None):
        self.cases = cases
        self.ctl = ctl
        self.env = {**ENVIRONMENT, "HOME": "/nonexistent", "TMPDIR": "/tmp", **(env or {})}
        self.paths = [self._write(os.path.join(folder, str(number)), case) for number, case in enumerate(cases)]
        self.originals = [self._normalised(*each) for each in zip(self._original(), self.paths)]
        self.ours = [self._normalised(self._read(path), path) for path in self.paths]

    @staticmethod
    def _write(folder, case):
        files = {"main.conf": case} if isinstance(case, str) else case
        for name, text in files.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(text.replace("@", folder).encode("utf-8", "surrogateescape"))
        return os.path.join(folder, next(iter(files)))

    def _original(self):
        asked = json.dumps([{"file": path, "ctl": self.ctl} for path in self.paths])
        done = subprocess.run(["/usr/bin/python3", "-IB", "-W", "ignore", str(_SCRIPT)], input=asked, env=self.env,
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def _read(self, path):
        done = subprocess.run([str(_config_dump()), *(["--ctl"] if self.ctl else []), path], env=self.env,
                              cwd=os.path.dirname(path), capture_output=True, text=True, errors="surrogateescape",
                              check=False)
        assert done.returncode in (0, 2), (path, done)
        seen = json.loads(done.stdout)
        return {"error": seen["problems"][0]["message"]} if "problems" in seen else seen

    @staticmethod
    def _normalised(reading, path):
        reading = json.loads(json.dumps(reading).replace(os.path.dirname(path), "FOLDER"))
        for group in reading.get("groups", ()):
            if "pool_events" in group:
                group["pool_events"].sort()
            for sock in group.get("sockets", ()):
                sock["backlog"] = sock["backlog"] or None
                sock["owner"] = sock["owner"] or []
        reading.pop("plugin_sections", None)
        return reading

    def different(self, prepare=lambda reading: reading):
        """The cases that are read differently, as text; `prepare` is applied to both readings."""
        said = []
        for case, original, ours in zip(self.cases, self.originals, self.ours):
            original, ours = prepare(original), prepare(ours)
            if original != ours:
                said.append(f"--- {case}\n{explain(original, ours)}")
        return said
