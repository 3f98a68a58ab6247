"""Fixtures and options of the tests from outside.

  SUPERVISORD, SUPERVISORCTL   the programs under test (default: build/release/bin)
  pytest --reference           test the original instead: what is marked `beyond` is skipped
  TEST_TIME_SCALE              factor on every deadline
  TEST_KEEP=1                  keep the temporary folders
"""
import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from support.box import Box  # noqa: E402
from support.compatibility import difference  # noqa: E402
from support.parity import Pair  # noqa: E402
from support.programs import OURS, REFERENCE, has_reference  # noqa: E402
from support.waiting import SCALE  # noqa: E402


class Stuck(BaseException):
    """Not an Exception, so that no test swallows it."""


def pytest_addoption(parser):
    parser.addoption("--reference", action="store_true", help="test the original Supervisor instead of our programs")


def pytest_configure(config):
    # A shell ignores it in what it starts with &, and the tests' programs would, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "slow: takes several seconds; started first")
    config.addinivalue_line("markers", "beyond(difference): not what the original does; names a row of "
                                       "docs/compatibility.md")
    config.addinivalue_line("markers", "root: only root may do this")
    config.addinivalue_line("markers", "limit(seconds): the longest the test may take")


def pytest_collection_modifyitems(config, items):
    for item in items:
        for marker in item.iter_markers("beyond"):
            does_instead = difference(marker.args[0])
            if config.getoption("--reference"):
                item.add_marker(pytest.mark.skip(reason=f"the original: {does_instead}"))
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root"))
    # Long ones first, so that no worker is left with one at the end.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    def stuck(*_):
        raise Stuck(f"longer than {seconds:g} s")

    marker = item.get_closest_marker("limit")
    seconds = (marker.args[0] if marker else 60) * SCALE
    before = signal.signal(signal.SIGALRM, stuck)
    signal.setitimer(signal.ITIMER_REAL, seconds, 5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def suite(request):
    return REFERENCE if request.config.getoption("--reference") else OURS


@pytest.fixture
def box(suite):
    box = Box(suite)
    yield box
    box.close()


@pytest.fixture
def new_box(suite):
    """For tests that need several folders, or one of another implementation."""
    boxes = []

    def make(of=suite):
        boxes.append(Box(of))
        return boxes[-1]
    yield make
    for made in boxes:
        made.close()


@pytest.fixture(scope="class")
def class_box(suite):
    box = Box(suite)
    yield box
    box.close()


def _pair(suite):
    if not has_reference():
        pytest.skip("Debian's supervisor is not installed")
    pair = Pair(suite)
    yield pair
    pair.close()


pair = pytest.fixture(_pair)
module_pair = pytest.fixture(_pair, scope="module")
