"""The tree of errors is exactly the one in the docstring of its module."""

import importlib
import pkgutil
from types import ModuleType

import server
import tui
from server.protocol import errors
from server.protocol.errors import FlagpostError

INDENT = 4


def classes() -> set[type]:
    """Return the exception classes that our modules define."""
    return {
        kind
        for package in (server, tui)
        for module in modules(package)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, BaseException) and kind.__module__ == module.__name__
    }


def modules(package: ModuleType) -> list[ModuleType]:
    names = [each.name for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return [importlib.import_module(name) for name in names if not name.endswith("__main__")]


def drawn() -> dict[str, str]:
    """Return the parent of each error in the docstring; "" for the root."""
    parents: dict[str, str] = {}
    above: list[str] = []
    _, _, picture = (errors.__doc__ or "").partition("\n\n")
    for line in picture.rstrip().splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // INDENT
        parents[name] = above[depth - 1] if depth else ""
        above[depth:] = [name]
    return parents


def test_the_docstring_draws_the_tree_of_all_errors() -> None:
    found = {kind.__name__: kind.__bases__[0].__name__ for kind in classes()}
    assert found | {FlagpostError.__name__: ""} == drawn()
