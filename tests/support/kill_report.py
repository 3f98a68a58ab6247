"""What a run of manager_kills.py came to: figures, and everything that was not as it has to be."""
import os
import re
from collections import Counter

from . import log_kills, procfs
from .listeners import bodies, events
from .lives import life_of, lives
from .waiting import SCALE, eventually

LATE = 1.0  # seconds: longer, and something waited for more than the processor (times those who wait for one)


class Report:
    def __init__(self):
        self.problems = []
        self.downs = []    # [killed, answering again]
        self.deaths = []   # of programs that were stopped: name, pid, when that was asked for, when it was gone
        self.running = []  # (when "slow" was asked to start, when it was seen RUNNING)
        self.cut = 0
        self.names = []
        self.figures = {}

    def problem(self, text):
        self.problems.append(text)

    def __str__(self):
        lines = [f"{name}: {value}" for name, value in self.figures.items()]
        return "\n".join(lines + [f"PROBLEM {text}" for text in self.problems])

    def begin(self, daemon):
        self.before = self.resources(daemon)

    @staticmethod
    def resources(daemon):
        """What may not grow: descriptors of the keeper and of the manager besides three for each program."""
        programs = 3 * (len(procfs.children(daemon.pid)) - 1)
        return len(procfs.descriptors(daemon.pid)) - programs, len(procfs.descriptors(daemon.manager)) - programs

    def late(self, due, done):
        """Seconds after `due`, without those in which there was no manager."""
        down = sum(max(0, min(done, end) - max(due, begin)) for begin, end in self.downs)
        return done - due - down

    def on_time(self, what, due, done):
        late = self.late(due, done)
        self.figures["latest deed [s]"] = max(self.figures.get("latest deed [s]", 0), round(late, 3))
        if late > LATE * SCALE * max(1, os.getloadavg()[0] / os.cpu_count()):
            self.problem(f"{what}: {late:.2f} s late")
        if done < due - 0.05:
            self.problem(f"{what}: {due - done:.2f} s early")

    # --- after the run

    def judge(self, scene):
        box, daemon = scene.box, scene.daemon
        lengths = sorted(end - begin for begin, end in self.downs)
        self.figures.update({
            "kills": len(self.downs), "answers again after [ms], median": round(lengths[len(lengths) // 2] * 1000),
            "answers again after [ms], longest": round(lengths[-1] * 1000), "calls cut off": self.cut,
            **{f"answers, {kind}": count for kind, count in scene.answers.items()}})
        eventually(lambda: all(now <= before + 4 for now, before in zip(self.resources(daemon), self.before)), 10,
                   lambda: f"descriptors: {self.before} before, {self.resources(daemon)} now")
        self.judge_flood(scene)
        last = max(number for number, (_, answered) in enumerate(scene.marks) if answered)
        try:
            eventually(lambda: f"type:mark\n{last}" in bodies(box, "REMOTE", "ear"), 30)
        except AssertionError:
            self.problem(f"the listener hangs: remote event {last} does not come, the last is {bodies(box, '', 'ear')[-1]}")
        assert daemon.stop() == 0
        every = {name: lives(box, name) for name in self.names if box.exists(f"{name}.life")}
        self.judge_starts(scene, every)
        self.judge_stops(every)
        self.judge_events(scene, every)
        self.judge_log(daemon, every)

    def judge_starts(self, scene, every):
        starts = 0
        for name, found in every.items():
            starts += len(found)
            asked = scene.asked.get(name, [])
            for before, after in zip(found, found[1:]):
                ended = before.ended or next((died for of, pid, _, died in self.deaths if of == name and
                                              pid == before.pid and died > before.started), None)
                if ended is None or after.started < ended:
                    self.problem(f"{name} was started beside one that lives: {before}, {after}")
                    continue
                by_hand = [at for at in asked if ended - 0.05 <= at <= after.started]
                if re.match("cycle|aim", name) or (name.startswith("picky") and before.code not in (0, 2)):
                    self.on_time(f"restart of {name}", ended, after.started)
                elif not by_hand and name != "failing":
                    self.problem(f"{name} was started for no reason: {before}, {after}")
            if name.startswith("steady") and len(found) != 1:
                self.problem(f"{name} was restarted: {found}")
        self.judge_back_off(every["failing"], scene.asked.get("failing", []))
        for started, seen in self.running:
            self.on_time("slow RUNNING", started + 2, seen)
        self.figures["starts of programs"] = starts

    def judge_back_off(self, found, asked):
        tries = 1
        for before, after in zip(found, found[1:]):
            by_hand = [at for at in asked if before.ended <= at <= after.started]
            if tries == 3:
                if not by_hand:
                    self.problem("failing: a fourth start")
                tries = 1
                continue
            self.on_time(f"retry {tries} of failing", before.ended + tries, after.started)
            tries += 1

    def judge_stops(self, every):
        for name, pid, asked, died in self.deaths:
            life = life_of(every[name], pid, died)
            if len(life.terms) != 1:
                self.problem(f"{name} got TERM {len(life.terms)} times")
            if name == "stubborn" and life.terms:
                self.on_time("the kill of stubborn", max(asked, life.terms[0] - LATE) + 1, died)
        self.figures["stops"] = len(self.deaths)

    def judge_flood(self, scene):
        box, daemon = scene.box, scene.daemon
        daemon.rpc.signalProcess("flood", "TERM")
        eventually(lambda: box.exists("flood.count"), 30, what="the flood's end")
        daemon.wait_state("flood", "EXITED", timeout=30)
        account = log_kills.account(log_kills.logs(box, "flood"), int(box.read("flood.count")), "x" * (log_kills.LINE - 17))
        self.figures["output"] = account
        if not account.clean:
            self.problem(f"output: {account}")

    def judge_events(self, scene, every):
        given = events(scene.box, "ear")
        serials = [int(header["poolserial"]) for header, _ in given]
        if serials != list(range(len(serials))):
            wrong = next(n for n, serial in enumerate(serials) if serial != n)
            self.problem(f"events: number {serials[wrong]} comes as {wrong}th of {len(serials)}")
        self.figures["events"] = len(given)
        states, told = {}, {}
        for header, body in given:
            kind = header["eventname"].removeprefix("PROCESS_STATE_")
            if kind == header["eventname"]:
                continue
            fields = dict(pair.split(":") for pair in body.split())
            name = fields["processname"]
            if states.get(name, fields["from_state"]) != fields["from_state"]:
                self.problem(f"{name} comes from {fields['from_state']} and was {states[name]}")
            states[name] = kind
            told.setdefault((name, kind), []).append(int(fields.get("pid", 0)))
        for name, found in every.items():
            # The last one may have been stopped, at the end of it all, before it wrote anything, or the listener.
            if abs(len(told[name, "STARTING"]) - len(found)) > 1:
                self.problem(f"{name}: {len(found)} starts, and events of {len(told[name, 'STARTING'])}")
            pids = [life.pid for life in found if life.code is not None]
            if re.match("cycle|picky|told|aim", name) and told.get((name, "EXITED"), []) not in (pids, pids[:-1]):
                self.problem(f"{name}: {len(pids)} exits, and events of {len(told.get((name, 'EXITED'), []))}")
        self.judge_marks(scene, given)

    def judge_marks(self, scene, given):
        marks = [int(body.split("\n")[1]) for header, body in given if header["eventname"] == "REMOTE_COMMUNICATION"]
        for number, (attempts, answered) in enumerate(scene.marks):
            count = marks.count(number)
            if count > attempts or (answered and count < 1):
                self.problem(f"mark {number}: asked for {attempts} times, answered: {answered}, came {count} times")
        self.figures["remote events"] = len(marks)

    def judge_log(self, daemon, every):
        text = daemon.log()
        missing = twice = 0
        for name, found in every.items():
            pids = Counter(life.pid for life in found)
            for pid, starts in pids.items():
                count = len(re.findall(rf"spawned: '{name}' with pid {pid}$", text, re.M))
                missing, twice = missing + max(0, starts - count), twice + max(0, count - starts)
            ends = len(re.findall(rf"(?:exited|stopped): {name} \(", text))
            starts = len(re.findall(rf"spawned: '{name}' ", text))
            missing, twice = missing + max(0, len(found) - ends), twice + max(0, ends - max(starts, len(found)))
        self.figures["messages of starts and ends, missing"] = missing
        self.figures["messages of starts and ends, twice"] = twice
        if twice or missing > len(self.downs):
            self.problem(f"{missing} messages are missing, {twice} came twice")
        for line in re.findall(".* (?:CRIT|ERRO) .*", text):
            if not re.search("running as root|without any HTTP authentication", line):
                self.problem(f"the log: {line}")
