"""The version stands in three places, which must agree."""
import re

from support.programs import OURS, ROOT


def test_the_version_is_the_same_everywhere():
    project = re.search(r"project\(supervisorxx VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    code = re.search(r'version = "([\d.]+)"', (ROOT / "src/base/version.cpp").read_text())[1]
    assert project == code
    assert (ROOT / "tests/golden" / project).is_dir(), "tests/golden/write"


def test_the_programs_of_a_build_know_their_version():
    code = re.search(r'version = "([\d.]+)"', (ROOT / "src/base/version.cpp").read_text())[1]
    with open(OURS.supervisord, "rb") as program:
        assert code.encode() + b"\0" in program.read()
