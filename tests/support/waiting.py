"""Waiting for conditions. Tests never sleep for a fixed time: they wait until something is so, or fail."""
import os
import time

# Every deadline is multiplied by this; sanitizers need more time.
SCALE = float(os.environ.get("TEST_TIME_SCALE", "1"))


class Timeout(AssertionError):
    pass


def eventually(condition, timeout=20.0, what=None):
    """Calls `condition` until it returns something true, and returns that. OSErrors count as "not yet"."""
    deadline = time.monotonic() + timeout * SCALE
    pause = 0.005
    while True:
        try:
            last = condition()
            if last:
                return last
        except OSError as error:
            last = error
        if time.monotonic() > deadline:
            described = what() if callable(what) else what or condition.__name__
            raise Timeout(f"not within {timeout * SCALE:g} s: {described} (last seen: {last!r})")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def timed(function):
    """How many seconds it takes."""
    began = time.monotonic()
    function()
    return time.monotonic() - began


def promptly(attempt, seconds, attempts=4):
    """`attempt` returns how many seconds something has taken, and that is less than `seconds`. Other load on the machine
    can make it late, but not each time, so one of a few attempts must do."""
    took = []
    for _ in range(attempts):
        took.append(attempt())
        if took[-1] < seconds * SCALE:
            return
    raise AssertionError(f"never within {seconds * SCALE:g} s: {took}")


def throughout(condition, seconds, what=None):
    """The one way to say that something does not happen: `condition` stays true for so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), what or f"{condition.__name__} ceased to be true"
        time.sleep(0.02)
