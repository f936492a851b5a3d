"""Classes of the client inherit only from libraries. What they share is a part, a function or a protocol."""

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module

import tui

OWN_BASES = {
    # `except OneLineError` is how each interface shows a problem, and the errors form one tree.
    "OneLineError",
    "Verdict",
    # Textual finds the keys of a text area in its class, and each of the three text areas has other keys.
    "Prompt",
}
"""The classes of this project that others inherit from, and why a part would not be simpler."""


def _classes() -> Iterator[type]:
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        if module.name.endswith("__main__"):
            continue
        for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
            if kind.__module__ == module.name:
                yield from _with_inner(kind)


def _with_inner(kind: type) -> Iterator[type]:
    yield kind
    for inner in vars(kind).values():
        if inspect.isclass(inner) and inner.__qualname__.startswith(f"{kind.__qualname__}."):
            yield from _with_inner(inner)


def test_no_class_of_the_client_inherits_from_another_except_those_listed() -> None:
    bases = {base for kind in _classes() for base in kind.__bases__}
    assert {base.__name__ for base in bases if base.__module__.partition(".")[0] in {"tui", "server"}} == OWN_BASES
