"""Samples, and the table made of them."""
import json
import os
import platform
import statistics
import sys
import time


def percentile(samples, share):
    samples = sorted(samples)
    return samples[min(len(samples) - 1, int(share * len(samples)))]


def _short(value):
    if value == 0:
        return "0"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


class Results:
    def __init__(self):
        self._samples = {}  # (line, unit) -> {contender: [samples]}
        self._texts = {}  # (line, unit) -> {contender: text instead of samples}
        self._contenders = {}
        self.notes = []
        self.failures = 0
        self._begun = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        self._loads = [os.getloadavg()[0]]

    def contender(self, name, version):
        self._contenders[name] = version

    def add(self, line, unit, contender, samples):
        """Samples of one line of the table."""
        samples = samples if isinstance(samples, list) else [samples]
        self._samples.setdefault((line, unit), {}).setdefault(contender.name, []).extend(samples)

    def add_latencies(self, line, unit, contender, samples):
        """Two lines: the middle, and what one in a hundred exceeds."""
        self.add(line + ", p50", unit, contender, samples)
        self._samples.setdefault((line + ", p99", unit), {})[contender.name] = [percentile(samples, 0.99)]

    def skip(self, line, unit, contender, why):
        self._samples.setdefault((line, unit), {})
        self._texts.setdefault((line, unit), {})[contender.name] = why

    def note(self, text):
        self.notes.append(text)
        print("! " + text, file=sys.stderr, flush=True)

    def progress(self, text):
        self._loads.append(os.getloadavg()[0])
        print(f"  {text}, load {self._loads[-1]:.2f}", file=sys.stderr, flush=True)

    def guard(self, what, function):
        """Runs one measurement; when it fails the others go on. Whether it succeeded."""
        begin = time.monotonic()
        try:
            function()
        except (RuntimeError, OSError, ValueError) as failure:
            self.failures += 1
            self.note(f"{what}: {type(failure).__name__}: {failure}")
            return False
        self.progress(f"{what}: {time.monotonic() - begin:.1f} s")
        return True

    def _machine(self):
        return {"processor": processor(), "cores": os.cpu_count(), "kernel": platform.release(), "begun": self._begun,
                "load before": self._loads[0], "highest load": max(self._loads)}

    def markdown(self):
        machine = self._machine()
        names = list(self._contenders)
        text = [f"{machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}, {self._begun}; "
                f"load {machine['load before']:.2f} before, at most {machine['highest load']:.2f} meanwhile",
                "", "Median [min..max].", "", "| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
        for (line, unit), by_name in self._samples.items():
            cells = []
            for name in names:
                samples = by_name.get(name, [])
                cell = self._texts.get((line, unit), {}).get(name, "")
                if samples:
                    cell = _short(statistics.median(samples))
                    if len(samples) > 1 and min(samples) != max(samples):
                        cell += f" [{_short(min(samples))}..{_short(max(samples))}]"
                cells.append(cell)
            text.append(f"| {line} ({unit}) | " + " | ".join(cells) + " |")
        if self.notes:
            text += ["", *("- " + note for note in self.notes)]
        return "\n".join(text)

    def save(self, path):
        lines = [{"line": line, "unit": unit, "contender": name, "median": statistics.median(samples),
                  "min": min(samples), "max": max(samples), "samples": samples}
                 for (line, unit), by_name in self._samples.items() for name, samples in by_name.items() if samples]
        with open(path, "w") as file:
            json.dump({"machine": self._machine(), "contenders": self._contenders, "notes": self.notes, "lines": lines},
                      file, indent=1)
            file.write("\n")
