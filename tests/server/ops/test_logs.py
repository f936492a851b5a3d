"""Log lines of the server and its libraries, which never contain what users wrote."""

import ast
import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO

import pytest
from hypothesis import given

from server.ops import logs
from server.settings import Log
from tests.support.imitation import TEXTS

SAID = "meet me at nine"


@pytest.fixture(autouse=True)
def _untouched() -> Iterator[None]:
    """Restore the logging configuration after each test."""
    root, ours = logging.getLogger(), logging.getLogger("server")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:], root.level = before[0], before[1]
    ours.setLevel(before[2])


def written(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def test_json_line_has_the_event_and_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(format="json"))
    logging.getLogger("server.handlers.dispatch").error("storage failed", extra={"error": "disk\nfull"})
    (line,) = written(capsys).splitlines()
    found = json.loads(line)
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "event": "storage failed",
        "error": "disk\nfull",
        "level": "error",
        "logger": "server.handlers.dispatch",
    }


def test_console_line_escapes_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log())
    logging.getLogger("server.handlers.dispatch").error("storage failed", extra={"error": "disk\x1b[2J\nfull"})
    (line,) = written(capsys).splitlines()
    assert "error" in line
    assert "storage failed" in line
    assert r"disk\x1b[2J\nfull" in line
    assert "\x1b" not in line


@pytest.mark.parametrize("form", ["console", "json"])
def test_libraries_log_warnings_in_the_same_format(capsys: pytest.CaptureFixture[str], form: str) -> None:
    logs.configure(Log(format="json" if form == "json" else "console"))
    for library in ("uvicorn.error", "websockets.server", "httpx"):
        logging.getLogger(library).info("> TEXT %r", SAID)
        logging.getLogger(library).warning("in trouble: %s", library)
    lines = written(capsys).splitlines()
    assert len(lines) == 3
    assert all("in trouble: " in line and (form == "console" or json.loads(line)) for line in lines)


def test_a_higher_level_hides_lower_events(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(level="error"))
    for name in ("server.handlers.dispatch", "uvicorn.error"):
        logging.getLogger(name).warning("unimportant")
        logging.getLogger(name).error("important")
    assert "unimportant" not in (found := written(capsys))
    assert found.count("important") == 2


@pytest.mark.parametrize("form", ["console", "json"])
def test_exceptions_are_logged_without_their_messages(capsys: pytest.CaptureFixture[str], form: str) -> None:
    logs.configure(Log(format="json" if form == "json" else "console"))
    try:
        try:
            raise KeyError(SAID)
        except KeyError as cause:
            raise ValueError(SAID) from cause
    except ValueError:
        logging.getLogger("server.handlers.dispatch").exception("handler failed")
    found = written(capsys)
    assert SAID not in found
    assert found.index("KeyError") < found.index("ValueError")
    assert "test_logs.py" in found


async def test_arguments_of_failing_callbacks_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log())

    def fail(said: str) -> None:
        raise ValueError(said)

    async def fail_later() -> None:
        raise ValueError(SAID)

    loop = asyncio.get_running_loop()
    loop.call_soon(fail, SAID)
    task = asyncio.create_task(fail_later())
    with suppress(ValueError):
        await task
    loop.call_exception_handler({"message": "never retrieved", "exception": task.exception(), "future": task})
    found = written(capsys)
    assert "Exception in callback" in found
    assert "never retrieved" in found
    assert SAID not in found


@given(TEXTS)
def test_a_value_cannot_forge_another_field(text: str) -> None:
    stream = StringIO()
    logs.configure(Log())
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    logging.getLogger("server.handlers.dispatch").error("somebody is refused", extra={"name_given": text})
    (line,) = stream.getvalue().splitlines()
    value = line.partition(" name_given=")[2]
    tree = ast.parse(f"f(name_given={value})", mode="eval").body
    assert isinstance(tree, ast.Call)
    assert [each.arg for each in tree.keywords] == ["name_given"]
    assert ast.literal_eval(tree.keywords[0].value) == text
