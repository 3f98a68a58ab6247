"""The manager is killed at random instants, again and again, while programs start, stop, fail and flood their logs,
listeners hold events and clients hold connections. What the programs wrote down is compared with the rules."""
import http.client
import os
import random
import select
import signal
import socket
import threading
import time
import xmlrpc.client

from . import log_kills, procfs
from .http import xmlrpc_client_that_asks_once
from .kill_report import Report
from .lives import ACTOR, LISTENER, WORKER, lives, told_to_end
from .waiting import SCALE, eventually

STEADY, CYCLES, PICKY, TOLD = 5, 3, 2, 3
FILLER = "x" * (log_kills.LINE - 17)
CUT = (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError)


def programs(box):
    actor, listener, worker = box.python("actor", ACTOR), box.python("ear", LISTENER), box.python("worker", WORKER)

    def program(name, kind, options):
        return f"[program:{name}]\ncommand={actor} {box} {name} {kind} {FILLER}\n{options}\n"

    return "".join([
        *(program(f"steady{n}", "steady", "") for n in range(STEADY)),
        *(program(f"cycle{n}", "cycle", "startsecs=0\nautorestart=true") for n in range(CYCLES)),
        *(program(f"picky{n}", "cycle", "startsecs=0\nautorestart=unexpected\nexitcodes=0,2") for n in range(PICKY)),
        *(program(f"told{n}", "told", "startsecs=0\nautorestart=false") for n in range(TOLD)),
        program("aim", "told", "startsecs=0\nautorestart=true"),
        program("slow", "told", "startsecs=2\nautorestart=false"),
        program("failing", "failing", "startretries=2"),
        program("stubborn", "stubborn", "startsecs=0\nstopwaitsecs=1"),
        program("obedient", "obedient", "startsecs=0\nautorestart=true"),
        program("flood", "flood", f"stdout_logfile={box}/flood.log\nstdout_logfile_maxbytes=3MB\n"
                                  "stdout_logfile_backups=100000\nautorestart=false"),
        f"[fcgi-program:worker]\ncommand={worker}\nsocket=unix://{box}/fcgi.sock\nnumprocs=2\n"
        "process_name=%(process_num)d\n",
        f"[eventlistener:ear]\ncommand={listener} {box}/ear.events\nevents=PROCESS_STATE,REMOTE_COMMUNICATION\n"
        "buffer_size=100000\n"])


class Scene:
    def __init__(self, box, seed):
        self.box, self.chance = box, random.Random(seed)
        self.daemon = box.daemon(programs(box), supervisord="loglevel=info\nlogfile_maxbytes=0", inet="")
        self.report = Report()
        self.ended = threading.Event()
        self.asked = {}      # by name: when its start was asked for
        self.marks = []      # of remote events: [number of attempts, answered]
        self.answers = {"unix": 0, "inet": 0, "fcgi": 0}
        self.threads = []

    # --- talking to a daemon whose manager may be gone

    @staticmethod
    def server(address):
        return xmlrpc_client_that_asks_once(address).supervisor

    def cut(self, began, what, error):
        """A call may be cut off by a kill, and by nothing else."""
        self.report.cut += 1
        # The killer notes the time of a kill before it kills.
        if not any(at >= began - 0.001 for at, _ in self.report.downs):
            self.report.problem(f"{what} was cut off without a kill: {error!r}")

    def ask(self, method, *arguments):
        """The outcome of a call, which is repeated until there is one; the flag says whether it was."""
        repeated = False
        while True:
            began = time.monotonic()
            try:
                return getattr(self.server(self.daemon.address), method)(*arguments), repeated
            except xmlrpc.client.Fault as fault:
                return fault, repeated
            except CUT as error:
                if self.ended.is_set():
                    raise
                self.cut(began, method, error)
                repeated = True

    def state(self, name):
        return self.ask("getProcessInfo", name)[0]

    def start(self, name):
        self.asked.setdefault(name, []).append(time.monotonic())
        answer, repeated = self.ask("startProcess", name, False)
        if answer is not True and not (repeated and answer.faultCode in (60, 50)):
            self.report.problem(f"start of {name}: {answer}")

    def wait_state(self, name, state):
        """When it was in the state, at the latest."""
        deadline = time.monotonic() + 30 * SCALE
        while not self.ended.is_set():
            info = self.state(name)
            if info["statename"] == state:
                return info
            if time.monotonic() > deadline:
                self.report.problem(f"{name} is {info['statename']}, not {state}")
                return info
            time.sleep(0.02)
        return None

    # --- those who do something all the time

    def client(self, kind, address):
        while not self.ended.is_set():
            began = time.monotonic()
            try:
                if self.server(address).getState()["statename"] != "RUNNING":
                    self.report.problem(f"{kind}: a wrong answer")
                self.answers[kind] += 1
            except (ConnectionRefusedError, FileNotFoundError) as error:
                self.report.problem(f"{kind}: {error}")
            except CUT as error:
                self.cut(began, f"{kind} client", error)
            self.ended.wait(0.01)

    def holder(self, kind, address):
        """Keeps one connection for many calls, and opens a new one when it is cut off."""
        server = None
        while not self.ended.is_set():
            server = server or self.server(address)
            began = time.monotonic()
            try:
                server.getProcessInfo("steady0")
                self.answers[kind] += 1
            except (ConnectionRefusedError, FileNotFoundError) as error:
                self.report.problem(f"{kind}: {error}")
            except CUT as error:
                self.cut(began - 1, f"{kind} holder", error)
                server = None
            self.ended.wait(0.05)

    def fcgi_client(self):
        while not self.ended.is_set():
            try:
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.settimeout(5)
                    connection.connect(self.box.path("fcgi.sock"))
                    if not connection.recv(100).strip().isdigit():
                        self.report.problem("a FastCGI connection without an answer")
                self.answers["fcgi"] += 1
            except OSError as error:
                self.report.problem(f"the FastCGI socket: {error}")
            self.ended.wait(0.02)

    def announcer(self):
        while not self.ended.is_set():
            mark = [0, False]
            self.marks.append(mark)
            while not mark[1] and not self.ended.is_set():
                mark[0] += 1
                began = time.monotonic()
                try:
                    server = self.server(self.daemon.address)
                    mark[1] = server.sendRemoteCommEvent("mark", str(len(self.marks) - 1))
                except CUT as error:
                    self.cut(began, "sendRemoteCommEvent", error)
            self.ended.wait(self.chance.uniform(0.02, 0.2))

    def stopper(self):
        """Stops and starts, once one that obeys and once one that does not."""
        while not self.ended.is_set():
            for name in ("obedient", "stubborn"):
                pid = self.wait_state(name, "RUNNING")
                if pid is None:
                    return
                watched = os.pidfd_open(pid["pid"])
                eventually(lambda: any(life.pid == pid["pid"] for life in lives(self.box, name)), what=f"{name} up")
                asked = time.monotonic()
                answer, repeated = self.ask("stopProcess", name, False)
                if answer is not True and not (repeated and answer.faultCode == 70):
                    self.report.problem(f"stop of {name}: {answer}")
                if not select.select([watched], [], [], 30 * SCALE)[0]:
                    self.report.problem(f"{name} does not end")
                self.report.deaths.append((name, pid["pid"], asked, time.monotonic()))
                os.close(watched)
                self.wait_state(name, "STOPPED")
                self.ended.wait(self.chance.uniform(0, 0.3))
                self.start(name)

    def starter(self):
        """Starts what its rules do not start again."""
        while not self.ended.is_set():
            for name in [f"picky{n}" for n in range(PICKY)]:
                info = self.state(name)
                if info["statename"] == "EXITED" and info["exitstatus"] in (0, 2):
                    self.start(name)
            if self.state("failing")["statename"] == "FATAL":
                self.start("failing")
            self.ended.wait(0.1)

    def teller(self):
        """Has programs end with some code, and looks whether that is what the daemon knows."""
        while not self.ended.is_set():
            for name in [f"told{n}" for n in range(TOLD)]:
                info = self.wait_state(name, "RUNNING")
                if info is None:
                    return
                eventually(lambda: any(life.pid == info["pid"] for life in lives(self.box, name)), what=f"{name} up")
                code = self.chance.randrange(8)
                os.kill(info["pid"], told_to_end(code))
                self.ended.wait(self.chance.uniform(0, 0.05))
                info = self.wait_state(name, "EXITED")
                if info and info["exitstatus"] != code:
                    self.report.problem(f"{name} ended with {code}, and the daemon says {info['exitstatus']}")
                self.start(name)
            self.ended.wait(self.chance.uniform(0, 0.5))

    def promoted(self):
        """Looks when a program with startsecs becomes RUNNING, and has it end."""
        while not self.ended.is_set():
            info = self.wait_state("slow", "RUNNING")
            if info is None:
                return
            if "slow" in self.asked:
                self.report.running.append((self.asked["slow"][-1], time.monotonic()))
            os.kill(info["pid"], told_to_end(0))
            self.wait_state("slow", "EXITED")
            self.start("slow")

    # --- the killer

    def kill(self):
        old = self.daemon.manager
        pid = self.state("aim")["pid"]
        if self.chance.random() < 0.5 and any(life.pid == pid for life in lives(self.box, "aim")):
            # While an end is dealt with, and the start that follows.
            os.kill(pid, told_to_end(self.chance.randrange(8)))
            until = time.monotonic() + self.chance.uniform(0, 0.005)
            while time.monotonic() < until:
                pass
        down = [time.monotonic(), None]
        self.report.downs.append(down)
        os.kill(old, signal.SIGKILL)
        eventually(lambda: not procfs.alive(old), what="the manager gone")
        self.daemon.wait_up(30)
        down[1] = time.monotonic()

    def run(self, kills, tell):
        names = [info["name"] for info in self.daemon.rpc.getAllProcessInfo()]
        eventually(lambda: all(i["statename"] in ("RUNNING", "BACKOFF", "EXITED", "STARTING", "FATAL")
                               for i in self.daemon.rpc.getAllProcessInfo()), what="everything started")
        self.report.begin(self.daemon)
        inet = ("127.0.0.1", self.box.port)
        for work, *arguments in ((self.client, "unix", self.daemon.address), (self.client, "inet", inet),
                                 (self.holder, "unix", self.daemon.address), (self.holder, "inet", inet),
                                 (self.fcgi_client,), (self.announcer,), (self.stopper,), (self.starter,),
                                 (self.teller,), (self.promoted,)):
            self.threads.append(threading.Thread(target=self.guard, args=(work, *arguments)))
            self.threads[-1].start()
        try:
            for number in range(kills):
                # The keeper pauses before the third manager in a row that dies young.
                time.sleep(self.chance.uniform(1.05, 1.6) if number % 2 == 0 else self.chance.uniform(0, 0.9))
                self.kill()
                if (number + 1) % 20 == 0:
                    tell(f"{number + 1} kills, {len(self.report.problems)} problems")
            time.sleep(1.5)
        finally:
            self.ended.set()
            for thread in self.threads:
                thread.join()
        self.report.names = names

    def guard(self, work, *arguments):
        try:
            work(*arguments)
        except CUT as error:
            if not self.ended.is_set():
                self.report.problem(f"{work.__name__}: {error!r}")
        except Exception as error:  # the others go on, and the run has failed
            self.report.problem(f"{work.__name__}: {error!r}")


def run(box, *, kills, seed=None, tell=lambda text: None):
    """The report of a run."""
    scene = Scene(box, seed)
    scene.run(kills, tell)
    scene.report.judge(scene)
    return scene.report
