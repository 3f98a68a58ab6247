"""Measures on programs that sleep. One started daemon serves as many of them as were asked for."""
import json
import os
import random
import resource
import signal
import subprocess
import time

from . import processes
from .contenders import Limit, Run


def programs(count):
    return f"{count} program{'s' * (count != 1)}"


def memory(run, results, count, options):
    del options
    results.add(f"private memory, {programs(count)}", "KiB", run.contender, processes.private_kib(run.own))


def idle(run, results, count, options):
    """What an idle daemon costs. The limit sleeps in one epoll_wait: there is nothing to see."""
    if count not in (100, 1000) or not run.contender.calls:
        return
    seconds = 1 if options.quick else 8
    cpu, wakeups = processes.cpu_seconds(run.own), processes.wakeups(run.own)
    time.sleep(seconds)
    minute = 60 / seconds
    results.add(f"idle, {programs(count)}: wake-ups", "per minute", run.contender,
                (processes.wakeups(run.own) - wakeups) * minute)
    results.add(f"idle, {programs(count)}: CPU", "ms per minute", run.contender,
                (processes.cpu_seconds(run.own) - cpu) * 1000 * minute)


def load_result(client):
    out, _ = client.communicate(timeout=120)
    if client.returncode != 0:
        raise RuntimeError(f"calls failed: {out.decode().strip()}")
    return json.loads(out)


def rpc(run, results, count, options):
    if count < 10 or not run.contender.calls:
        return
    name = ("all:" if run.one_group else "") + run.programs[count // 2].name
    for method, call in (("getState",) * 2, ("getProcessInfo", f"getProcessInfo({name})"), ("getAllProcessInfo",) * 2):
        for connections in (1, 50) if count <= 1000 else (1,):
            line = f"{method}, {programs(count)}, {connections} connection{'s' * (connections > 1)}"
            result = load_result(run.call(call, connections, 0.1 if options.quick else 0.7))
            results.add(line + ", p50", "us", run.contender, result["p50_us"])
            if run.contender.name == "ours":
                canned(run, results, line, method, connections, result["body"])


def canned(run, results, line, method, connections, size):
    """The same load on a server that answers with as many bytes and does not look at the question."""
    limit = Limit(os.path.join(run.options.bin, "bench_limit"))
    with Run(run.options, limit) as bare:
        bare.process = processes.start([limit.helper, "http", bare.socket, str(size)])
        bare.wait_answering()
        time.sleep(0.05)
        result = load_result(bare.call(method, connections, 0.1 if run.options.quick else 0.3))
        results.add(line + ", p50", "us", limit, result["p50_us"])


def ctl(run, results, count, options):
    if count not in (10, 1000) or not run.contender.calls:
        return
    for word in ("status", "pid"):
        command = run.contender.control(run, word)
        samples = [processes.timed(command) * 1000 for _ in range(2 if options.quick else 8)]
        results.add(f"supervisorctl {word}, {programs(count)}", "ms", run.contender, samples)


def kill_one_by_one(run, rounds, pause):
    """Milliseconds from kill -9 to the replacement's main(), the same to its first instruction, and the daemon's CPU
    seconds for each."""
    board, slots = run.board, list(run.everything)
    # The daemon's other work of starting must be over.
    time.sleep(0.2)
    random.Random(rounds).shuffle(slots)
    cpu = processes.cpu_seconds(run.own)
    to_main, to_entry = [], []
    for i in range(rounds):
        slot = slots[i % len(slots)]
        begin = time.monotonic_ns()
        os.kill(board.pid(slot), signal.SIGKILL)
        time.sleep(pause)
        to_main.append((board.wait_began([slot], begin, 20) - begin) / 1e6)
        to_entry.append((board.entered(slot) - begin) / 1e6)
    return to_main, to_entry, (processes.cpu_seconds(run.own) - cpu) / rounds


def restart(run, results, count, options):
    """One program at a time dies and comes back."""
    if count < 10:
        return
    rounds = 6 if run.contender.original else 300 if count <= 1000 else 100
    to_main, to_entry, cpu = kill_one_by_one(run, max(rounds // 20, 3) if options.quick else rounds, 0.006)
    results.add_latencies(f"restart, {programs(count)}", "ms", run.contender, to_main)
    results.add(f"restart, {programs(count)}: before the program's libc, p50", "ms", run.contender, to_entry)
    results.add(f"restart, {programs(count)}: CPU", "ms per restart", run.contender, cpu * 1000)


def bare_loop(options, results):
    """kill, waitpid and posix_spawn without a pipe or a table: what a restart takes the kernel."""
    limit = Limit(os.path.join(options.bin, "bench_limit"))
    with Run(options, limit) as run:
        board = run.new_board(1)
        done = subprocess.run([limit.helper, "respawn", "10" if options.quick else "300", board.path, run.child],
                              stdout=subprocess.PIPE, check=True, timeout=60)
        samples = [[int(word) / 1e6 for word in line.split()] for line in done.stdout.splitlines()]
        line = "restart, bare loop of kill, waitpid and posix_spawn"
        results.add_latencies(line, "ms", limit, [to_main for to_main, _ in samples])
        results.add(line + ": before the program's libc, p50", "ms", limit, [to_entry for _, to_entry in samples])


def update(run, results, count, options):
    """supervisorctl update when one section of all has changed."""
    if count != 1000 or not run.contender.calls:
        return
    changed = count // 2
    for i in range(1 if options.quick else 5):
        run.programs[changed].more = (f"stopwaitsecs={11 + i}",)
        run.contender.configure(run, run.programs)
        pids = [run.board.pid(slot) for slot in run.everything]
        begin = time.monotonic_ns()
        taken = processes.timed(run.contender.control(run, "update"))
        run.board.wait_began([changed], begin, 20)
        differ = [slot for slot in run.everything if run.board.pid(slot) != pids[slot]]
        if differ != [changed]:
            raise RuntimeError(f"update replaced {len(differ)} programs instead of one")
        results.add("supervisorctl update, 1 of 1000 programs changed", "ms", run.contender, taken * 1000)


def storm(run, results, count, options):
    """All programs are killed at once; meanwhile somebody asks for the state every few milliseconds."""
    if count < 1000:
        return
    for _ in range(1 if options.quick or count > 1000 else 2 if run.contender.original else 3):
        client = run.call("getState", 1, 0, 1, stdin=subprocess.PIPE) if run.contender.calls else None
        time.sleep(0.1)
        begin = time.monotonic_ns()
        for pid in [run.board.pid(slot) for slot in run.everything]:
            os.kill(pid, signal.SIGKILL)
        taken = (run.board.wait_began(run.everything, begin) - begin) / 1e9
        results.add(f"storm, {programs(count)} die at once: until all are back", "s", run.contender, taken)
        if client:
            result = load_result(client)
            results.add(f"storm, {programs(count)}: getState meanwhile, p99", "ms", run.contender,
                        result["p99_us"] / 1000)
        time.sleep(0.3)


def start(run, results, count, options):
    del options
    results.add(f"start, {programs(count)}: exec to the last main()", "ms", run.contender, run.taken * 1000)


def stop(run, results, count, options):
    """SIGTERM to the daemon until it is gone, for both ways to lay out a thousand programs."""
    if run.one_group:
        if count >= 100:
            results.add(f"graceful stop, {programs(count)} in one group", "ms", run.contender, run.stop() * 1000)
        return
    line = f"graceful stop, {programs(count)} in a group each"
    if run.contender.original and count > 10:
        if count == 1000:
            results.skip(line, "ms", run.contender, "about a second for each group")
        return
    if count in (10, 1000) and not (options.quick and run.contender.original):
        results.add(line, "ms", run.contender, run.stop() * 1000)


# In the order in which they are taken on one daemon; `stop` ends it.
MEASURES = {"start": start, "memory": memory, "idle": idle, "rpc": rpc, "ctl": ctl, "restart": restart,
            "update": update, "storm": storm, "stop": stop}
# Those that are repeated with a new daemon, because one daemon gives one sample.
REPEATED = ("start", "memory", "stop")


def largest(options):
    """The most programs that descriptors and pids of this machine allow to every contender, `limit` included: four
    descriptors for each program, and pids left for others. Ours take two, so --large may ask for twice as many of them."""
    if options.large is not None:
        return options.large
    with open("/proc/sys/kernel/pid_max") as file:
        pids = int(file.read())
    processes_allowed = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    if processes_allowed != resource.RLIM_INFINITY:
        pids = min(pids, processes_allowed)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return min((files - 200) // 4, pids // 3, 10000) // 100 * 100


def sizes(options):
    wanted = {1, 10, 100} if options.quick else {1, 10, 100, 1000}
    if options.large is not None or not options.quick:
        wanted.add(largest(options))
    # Nothing is to be seen at sizes that none of the wanted measures looks at.
    useful = {"start": {1, 100, 1000}, "memory": {1, 100, 1000}, "idle": {100, 1000}, "rpc": {10, 100, 1000},
              "ctl": {10, 1000}, "restart": {10, 100, 1000}, "update": {1000}, "storm": {1000}, "stop": {10, 100, 1000}}
    seen = set().union(*(useful[name] for name in MEASURES if name in options.wanted))
    large = {"start", "memory", "rpc", "restart", "storm"} & set(options.wanted)
    return [size for size in sorted(wanted) if size in seen or (size > 1000 and large)]


def one_daemon(options, contender, results, count, repetition):
    wanted = [name for name in MEASURES if name in options.wanted and (repetition == 0 or name in REPEATED)]
    with Run(options, contender, one_group=repetition > 0) as run:
        run.new_board(count)
        run.taken = run.start(run.sleepers(count))
        if contender.calls:
            run.wait_answering()
        if {"memory", "idle"} & set(wanted):
            time.sleep(1.5)
        for name in wanted:
            MEASURES[name](run, results, count, options)


def run(options, everybody, results):
    if not set(MEASURES) & set(options.wanted):
        return
    if "restart" in options.wanted:
        results.guard("bare loop", lambda: bare_loop(options, results))
    for count in sizes(options):
        # One more than repetitions, as the first has its programs in a group each and the others in one group.
        repetitions = options.repeat if set(REPEATED) & set(options.wanted) and count in (1, 100, 1000) else 1
        if "stop" in options.wanted and count in (100, 1000):
            repetitions = max(repetitions, 2)
        for repetition in range(repetitions):
            for contender in everybody:
                if contender.original and count > 1000:
                    continue
                results.guard(f"{programs(count)}, {contender.name}",
                              lambda: one_daemon(options, contender, results, count, repetition))
