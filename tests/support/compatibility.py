"""The deliberate differences from Supervisor: the one table in docs/compatibility.md, as tests see it."""
import re

from .programs import ROOT

DOCUMENT = ROOT / "docs" / "compatibility.md"


def _rows():
    """{id: (what Supervisor does, what we do)} of the table below the heading "Deliberate differences"."""
    section = DOCUMENT.read_text(encoding="utf-8").split("## Deliberate differences", 1)[1].split("\n## ", 1)[0]
    rows = {}
    for line in section.splitlines():
        match = re.match(r"\| `([a-z-]+)` \| (.*?) \| (.*?) \|$", line)
        if match:
            assert match[1] not in rows, f"{match[1]} stands twice in {DOCUMENT}"
            rows[match[1]] = (match[2], match[3])
    return rows


DIFFERENCES = _rows()


def difference(identifier):
    """What Supervisor does there, for messages; fails when the table does not know the difference."""
    assert identifier in DIFFERENCES, f"`{identifier}` is not in the table of {DOCUMENT}"
    return DIFFERENCES[identifier][0]
