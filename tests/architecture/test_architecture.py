"""The rules of docs/architecture.md that a reader cannot check by eye: who includes whom, and what pure modules avoid."""
import re

import pytest

from support.compatibility import DIFFERENCES
from support.programs import ROOT

SOURCES = ROOT / "src"
MODULES = sorted(folder.name for folder in SOURCES.iterdir() if folder.is_dir() and any(folder.glob("*.h")))


def allowed():
    """{module: modules it may include}, from the table "Who may use whom"."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.split("### Who may use whom", 1)[1].split("\n#", 1)[0]
    return {row[0]: set(re.findall(r"`(\w+)`", row[1])) for row in re.findall(r"^\| `(\w+)` \|[^|]*\| (.*?) \|$", table, re.M)}


def with_indirect(rules, module):
    """Whatever a module may use, it may use of that module's own dependencies too: their headers name those types."""
    seen, todo = set(), [module]
    while todo:
        for other in rules.get(todo.pop(), ()):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def files(module, tests=True):
    return [path for path in sorted((SOURCES / module).iterdir()) if path.suffix in (".h", ".cpp")
            and (tests or not (path.name.endswith("_test.cpp") or path.name.startswith("test_")))]


def includes(path):
    """[(line number, "<" or '"', name)]"""
    return [(number, match[1], match[2]) for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
            if (match := re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line))]


def test_every_module_is_in_the_table():
    assert set(MODULES) <= set(allowed())


@pytest.mark.parametrize("module", MODULES)
def test_a_module_includes_only_those_below_it(module):
    rules = allowed()
    fine = with_indirect(rules, module) | {module}
    wrong = [f"{path.relative_to(ROOT)}:{number} includes {name}" for path in files(module)
             for number, kind, name in includes(path)
             if kind == '"' and "/" in name and name.split("/")[0] in MODULES and name.split("/")[0] not in fine]
    assert not wrong, "\n".join(wrong)


def test_no_module_depends_on_itself_in_a_circle():
    rules = allowed()
    assert not [module for module in rules if module in with_indirect(rules, module)]


def test_the_build_links_along_the_same_arrows():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    rules = allowed()
    for module, dependencies in re.findall(r"sup_module\((\w+)(?: DEPS ([\w ]+?))?(?: LIBS [^)]*)?\)", text):
        linked = set(dependencies.split())
        assert linked <= with_indirect(rules, module), f"{module} links {linked - with_indirect(rules, module)}"


# What is pure is told the time and the facts: it has no way to ask the system.
PURE = ("process", "events", "config")
IMPURE = {"csignal", "thread", "mutex", "shared_mutex", "condition_variable", "atomic", "future", "fstream", "filesystem",
          "cstdio", "ctime", "random"}
TYPES_ONLY = {"sys/types.h"}  # declares pid_t and its like, and nothing that could be called


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_include_no_system_header(module):
    wrong = [f"{path.relative_to(ROOT)}:{number} includes <{name}>" for path in files(module, tests=False)
             for number, kind, name in includes(path)
             if kind == "<" and name not in TYPES_ONLY
             and (name in IMPURE or name.endswith(".h") and not name.startswith("fmt/"))]
    assert not wrong, "\n".join(wrong)


EVERYWHERE = {"iostream": "streams drag in locale", "regex": "slow and recursive", "locale": "the daemon has none"}


@pytest.mark.parametrize("module", MODULES)
def test_no_module_uses_what_the_project_does_without(module):
    wrong = [f"{path.relative_to(ROOT)}:{number} includes <{name}>: {EVERYWHERE[name]}"
             for path in files(module, tests=False) for number, _, name in includes(path) if name in EVERYWHERE]
    assert not wrong, "\n".join(wrong)


def test_headers_are_guarded_and_tell_their_story():
    wrong = [str(path.relative_to(ROOT)) for module in MODULES for path in files(module) if path.suffix == ".h"
             and not (path.read_text(encoding="utf-8").startswith("//") and "#pragma once" in path.read_text(encoding="utf-8"))]
    assert not wrong, wrong


def test_only_one_file_holds_code_that_runs_between_fork_and_exec():
    """vfork-like clones share the parent's memory: what may run there is kept where it can be read in one go."""
    users = [str(path.relative_to(SOURCES)) for module in MODULES for path in files(module, tests=False)
             if path.suffix == ".cpp" and re.search(r"\b(execve|execveat)\s*\(", path.read_text(encoding="utf-8"))
             and module == "keeper"]
    assert users in ([], ["keeper/child.cpp"]), users


def test_every_deliberate_difference_is_tested():
    cited = set()
    for path in sorted((ROOT / "tests").glob("*/test_*.py")):
        cited |= set(re.findall(r'(?:beyond|differs|differs_in_box|refused_and_accepted)\((?:pair, )?"([a-z-]+)"', path.read_text(encoding="utf-8")))
    assert cited == set(DIFFERENCES), {"in no test": set(DIFFERENCES) - cited, "not in the table": cited - set(DIFFERENCES)}


def test_documents_link_to_what_exists():
    broken = []
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("**/*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8")):
            if not (document.parent / target).exists():
                broken.append(f"{document.relative_to(ROOT)}: {target}")
    assert not broken, broken
