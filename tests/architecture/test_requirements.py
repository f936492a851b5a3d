"""What is installed in production is pinned by hash, and is what the tests ran with."""

import re
from pathlib import Path

import pytest
import tomli

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


FIRST_SOUND = {
    "h11": "0.16",  # CVE-2025-43859: chunked bodies could be smuggled
    "aiohttp": "3.13.3",  # CVE-2025-69223 and its siblings
    "jinja2": "3.1.6",  # CVE-2025-27516
    "structlog": "26.1",  # before it the server does not start, or its log repeats the texts of exceptions
    "textual": "8.2.5",  # before it the client does not start
    "psycopg[binary]": "3.2.4",  # before it, notifications that arrive while nobody waits are lost
    "msgspec": "0.21",  # before it a trail row that cannot be read ends in a traceback
}
"""The first version of each package without a known fault that matters here."""


def pins(file: str) -> dict[str, str]:
    """Return the version of each package that a requirements file pins, by its normalized name."""
    return {_normalized(name): version for name, version in PIN.findall((ROOT / file).read_text())}


def declared(*extras: str) -> set[str]:
    """Return the normalized names of the direct dependencies that pyproject.toml declares."""
    project = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [
        *project["dependencies"],
        *(each for name in extras for each in project["optional-dependencies"][name]),
    ]
    return {_normalized(re.split(r"[\[<>=;]", each)[0]) for each in requirements}


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_pinned_requirement_has_a_hash() -> None:
    pinned = re.split(r"\n(?=[^\s#])", (ROOT / "requirements.txt").read_text().strip())
    assert len(pinned) > 20
    assert [each.split()[0] for each in pinned if "--hash=sha256:" not in each] == []


def test_requirements_pin_the_versions_that_the_tests_run_with() -> None:
    tested = pins("constraints.txt")
    assert {name: tested.get(name) for name in pins("requirements.txt")} == pins("requirements.txt")


def test_requirements_cover_everything_that_the_project_declares() -> None:
    assert declared("serve", "cluster") <= set(pins("requirements.txt"))


def test_no_file_names_a_package_index() -> None:
    for file in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        text = (ROOT / file).read_text()
        assert not re.search(r"index-url|find-links|https?://(?!\S*schemas?)", text), file


def test_every_direct_dependency_has_a_lower_bound() -> None:
    project = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    unbounded = [each for group in groups for each in group if ">=" not in each and not each.startswith("flagpost[")]
    assert unbounded == []


@pytest.mark.parametrize(("package", "version"), FIRST_SOUND.items())
def test_lower_bound_excludes_known_faults(package: str, version: str) -> None:
    project = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    bounds = [re.search(r">=([\d.]+)", each) for group in groups for each in group if each.startswith(f"{package}>")]
    found = [tuple(map(int, bound[1].split("."))) for bound in bounds if bound]
    assert found
    assert min(found) >= tuple(map(int, version.split(".")))
