"""Links, files, commands, settings and metrics named in the pages exist, and the reference is complete."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from docs import examples, generate
from server.__main__ import _parser as server_parser
from server.ops.metrics import Metrics, Traffic
from server.settings import Settings, parse
from tests.support.server_process import ROOT
from tui.cli import parser as client_parser

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks(kind: str) -> list[tuple[str, str]]:
    """Return the fenced blocks of this kind, with the name of their page."""
    return [(page.name, block) for page in PAGES for found, block in FENCE.findall(text(page)) if found == kind]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_are_not_broken(page: Path) -> None:
    dead = []
    for link in LINK.findall(FENCE.sub("", text(page))):
        file, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_files_named_in_architecture_and_contributing_exist(page: str) -> None:
    named = re.findall(r"`((?:server|tui|tests|docs|bench)/[\w./]+)`", text(ROOT / page))
    assert named
    assert [each for each in named if not (ROOT / each).exists()] == []


def test_files_named_in_the_explanations_exist() -> None:
    files = [file for folder in ("server", "tui", "tests") for file in (ROOT / folder).rglob("*.py")]
    for page in (ROOT / "docs" / "explanation").glob("*.md"):
        for named in re.findall(r"`([\w/]+\.py)`", text(page)):
            assert any(file.as_posix().endswith(f"/{named}") for file in files), (page.name, named)


def test_make_targets_named_in_the_docs_exist() -> None:
    targets = set(re.findall(r"^(\w+):", text(ROOT / "Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make (\w+)`", text(ROOT / "CONTRIBUTING.md")))
    assert {"check", "test", "serve", "demo", "snapshots"} <= named <= targets


def test_the_layout_names_every_folder_of_both_programs() -> None:
    tree = FENCE.findall(text(ROOT / "ARCHITECTURE.md"))[0][1]
    for program in ("server", "tui"):
        folders = {each.parent.name for each in (ROOT / program).glob("*/__init__.py")}
        part = tree.partition(f"{program}/\n")[2]
        assert [name for name in folders if f"  {name}/" not in part] == []


def test_each_flow_passes_through_a_file_at_most_once() -> None:
    flows = text(ROOT / "ARCHITECTURE.md").partition("## Flows\n")[2].partition("\n## ")[0].split("\n**A ")[1:]
    steps = ["\n".join(re.findall(r"^\d+\. .*", flow, re.MULTILINE)) for flow in flows]
    passed = [re.findall(r"`((?:server|tui)/[\w./]+)`", each) for each in steps]
    assert len(passed) == 3
    for files in passed:
        assert sorted(files) == sorted(set(files))


@pytest.mark.parametrize(("page", "block"), blocks("toml"))
def test_settings_in_the_docs_are_valid(page: str, block: str, tmp_path: Path) -> None:
    del page
    if "Name" in block and "AdminAPIKey" not in block:
        block = f'AdminAPIKey = "key"\n{block}'
    tomllib.loads(block)
    assert isinstance(parse(block, {}, tmp_path).settings, Settings)


def test_commands_in_the_docs_are_accepted() -> None:
    parsers = {"flagpost": client_parser(), "flagpost-server": server_parser()}
    shown = [line for _, block in blocks("console") for line in block.splitlines()]
    table = re.findall(r"^\| `(flagpost[^`]*)`", text(ROOT / "README.md"), re.MULTILINE)
    commands = [line.removeprefix("$ ") for line in shown if line.startswith("$ flagpost")] + table
    assert len(commands) > 15
    for command in commands:
        program, *arguments = shlex.split(command)
        if "..." not in arguments:
            parsers[program].parse_args(arguments)


def test_metrics_in_the_docs_exist() -> None:
    named = set(re.findall(r"flagpost_[a-z_]+", text(ROOT / "docs" / "operate.md") + text(ROOT / "docs" / "rules.yml")))
    metrics = Metrics(Traffic())
    metrics.watch_node(lambda: None)
    measured = metrics.render().decode()
    assert named
    assert sorted(name for name in named if re.sub("_(bucket|sum|count)$", "", name) not in measured) == []


def test_the_protocol_defines_every_type_that_it_uses() -> None:
    page = generate.protocol()
    defined = set(re.findall(r"^### (\w+)$", page, re.MULTILINE))
    types = [row.split(" | ")[1] for row in page.splitlines() if row.startswith("| `") and row.count(" | ") == 3]
    used = {word for kind in types for word in re.findall(r"\b[A-Z][a-z]\w+", kind)}
    assert "Reaction" in used
    assert used <= defined


def test_the_generated_pages_explain_every_field() -> None:
    rows = [
        row
        for page in (generate.protocol(), generate.settings(), generate.config(), generate.api())
        for row in page.splitlines()
        if row.startswith("| `")
    ]
    assert [row for row in rows if not row.removesuffix("|").rpartition("|")[2].strip()] == []


def test_every_frame_of_the_protocol_has_an_example() -> None:
    page = generate.protocol()
    for example in [*examples.of_clients().values(), *examples.of_servers().values()]:
        assert f"```json\n{example}\n```" in page
