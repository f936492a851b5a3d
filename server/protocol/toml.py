"""Parses TOML: the server's settings and the client's configuration."""

import tomli

from server.protocol.errors import FlagpostError

MAX_BITS = 63
"""TOML's integers have 64 bits. Longer ones fit neither into floats nor into error messages."""
TOO_LARGE = "a number has too many digits"


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
        raise TomlError("its tables, lists or keys are nested too deeply") from None
    except ValueError:
        # Python limits the digits of an integer.
        raise TomlError(TOO_LARGE) from None
    _check_numbers(document)
    return document


def _check_numbers(document: dict[str, object]) -> None:
    waiting: list[object] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise TomlError(TOO_LARGE)
