"""Clients that others wrote, on our daemon and on the original."""
import pytest

from support.across import Quartet, across
from support.programs import has_reference


@pytest.fixture
def quartet(suite):
    if not has_reference():
        pytest.skip("Debian's supervisor is not installed")
    quartet = Quartet(suite)
    yield quartet
    quartet.close()


@pytest.fixture(scope="module")
def crossings(settled_pair):
    """The four combinations over the module's own `settled_pair`."""
    return across(settled_pair)
