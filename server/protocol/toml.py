"""Parses TOML: the server's settings and the client's configuration."""

from collections.abc import Iterable

import tomli

from server.protocol.errors import FlagpostError

MAX_BITS = 63
"""TOML's integers have 64 bits. Longer ones fit neither into floats nor into error messages."""
TOO_LARGE = "a number has too many digits"
MAX_DEPTH = 50
"""Depth of nested tables and lists; versions of tomli differ in how deep they can read."""
TOO_DEEP = "its tables, lists or keys are nested too deeply"


class TomlError(FlagpostError):
    """A text that is not TOML, or that exceeds the parser's limits."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = f"line {line}: " if line else ""


def parse(text: str) -> dict[str, object]:
    """Parse a document. Raises TomlError if it is not valid TOML, or exceeds the limits."""
    try:
        document = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise TomlError(error.msg, error.lineno) from None
    except RecursionError:
        raise TomlError(TOO_DEEP) from None
    except ValueError:
        # Python limits the digits of an integer.
        raise TomlError(TOO_LARGE) from None
    _check(document)
    return document


def _check(document: dict[str, object]) -> None:
    level, depth = list[object]([document]), 0
    while level:
        if depth > MAX_DEPTH:
            raise TomlError(TOO_DEEP)
        if any(isinstance(value, int) and value.bit_length() > MAX_BITS for value in level):
            raise TomlError(TOO_LARGE)
        level, depth = [inner for value in level for inner in _values(value)], depth + 1


def _values(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
