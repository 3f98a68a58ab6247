"""What /proc tells about processes."""
import array
import fcntl
import os
import termios


def _stat(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rsplit(")", 1)[1].split()


def alive(pid):
    """Runs, or could: a zombie does not count."""
    try:
        return _stat(pid)[0] not in "ZX"
    except OSError:
        return False


def parent(pid):
    return int(_stat(pid)[1])


def group(pid):
    return int(_stat(pid)[2])


def session(pid):
    return int(_stat(pid)[3])


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def every_pid():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def children(pid):
    found = []
    for candidate in every_pid():
        try:
            if parent(candidate) == pid and alive(candidate):
                found.append(candidate)
        except OSError:
            pass
    return found


def command_line(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().decode("utf-8", "replace").rstrip("\0").split("\0")


def environment(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        entries = file.read().decode("utf-8", "replace").split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def descriptors(pid):
    return sorted(int(name) for name in os.listdir(f"/proc/{pid}/fd"))


def unread(pid, descriptor):
    """How many bytes are in the pipe that is a descriptor of the process."""
    pipe = os.open(f"/proc/{pid}/fd/{descriptor}", os.O_RDONLY | os.O_NONBLOCK)
    try:
        count = array.array("i", [0])
        fcntl.ioctl(pipe, termios.FIONREAD, count)
        return count[0]
    finally:
        os.close(pipe)


def status(pid, field):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith(field + ":"):
                return line.split(":", 1)[1].strip()
    raise KeyError(field)


def is_manager(pid):
    """By the title that the manager gives itself, which is what ps shows."""
    return " ".join(command_line(pid)).rstrip() == "supervisord: manager"


def cpu_seconds(pid):
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def context_switches(pid):
    """Voluntary ones of all threads: how often the process woke up."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith("voluntary_ctxt_switches:"):
                    total += int(line.split()[1])
    return total


def with_marker(marker):
    """Processes that carry `marker` in their environment, as all descendants of a test's daemon do."""
    wanted = marker.encode()
    found = []
    for pid in every_pid():
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if wanted in file.read() and pid != os.getpid():
                    found.append(pid)
        except OSError:
            pass
    return found
