"""The manager is killed at random instants while programs do all that programs do: nothing is missed, done twice or
late, and nobody who need not be is restarted. tests/soak/manager_kills.py does it for longer."""
import pytest

from support import manager_kills


@pytest.mark.slow
@pytest.mark.limit(180)
@pytest.mark.beyond("manager")
def test_forty_kills_are_noticed_by_nobody(box):
    report = manager_kills.run(box, kills=40)
    assert not report.problems, str(report)
