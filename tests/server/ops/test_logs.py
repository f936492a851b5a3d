"""What a log line holds, whichever library it comes from; nothing here is what somebody said."""

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
    """Leave the logging of the tests as it was."""
    root, ours = logging.getLogger(), logging.getLogger("server")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:], root.level = before[0], before[1]
    ours.setLevel(before[2])


def written(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def test_a_line_of_json_has_the_event_and_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(format="json"))
    logging.getLogger("server.handlers.dispatch").error("the storage failed", extra={"error": "disk\nfull"})
    (line,) = written(capsys).splitlines()
    found = json.loads(line)
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "event": "the storage failed",
        "error": "disk\nfull",
        "level": "error",
        "logger": "server.handlers.dispatch",
    }


def test_a_line_for_people_has_them_too_and_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log())
    logging.getLogger("server.handlers.dispatch").error("the storage failed", extra={"error": "disk\x1b[2J\nfull"})
    (line,) = written(capsys).splitlines()
    assert "error" in line
    assert "the storage failed" in line
    assert r"disk\x1b[2J\nfull" in line
    assert "\x1b" not in line


@pytest.mark.parametrize("form", ["console", "json"])
def test_libraries_write_in_the_same_form_and_only_what_went_wrong(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    logs.configure(Log(format="json" if form == "json" else "console"))
    for library in ("uvicorn.error", "websockets.server", "httpx"):
        logging.getLogger(library).info("> TEXT %r", SAID)
        logging.getLogger(library).warning("in trouble: %s", library)
    lines = written(capsys).splitlines()
    assert len(lines) == 3
    assert all("in trouble: " in line and (form == "console" or json.loads(line)) for line in lines)


def test_less_is_written_at_a_higher_level(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(level="error"))
    for name in ("server.handlers.dispatch", "uvicorn.error"):
        logging.getLogger(name).warning("unimportant")
        logging.getLogger(name).error("important")
    assert "unimportant" not in (found := written(capsys))
    assert found.count("important") == 2


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_fault_is_shown_by_its_place_and_type_and_without_its_words(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    logs.configure(Log(format="json" if form == "json" else "console"))
    try:
        try:
            raise KeyError(SAID)
        except KeyError as cause:
            raise ValueError(SAID) from cause
    except ValueError:
        logging.getLogger("server.handlers.dispatch").exception("a handler failed")
    found = written(capsys)
    assert SAID not in found
    assert found.index("KeyError") < found.index("ValueError")
    assert "test_logs.py" in found


async def test_what_a_failing_callback_was_given_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
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
def test_a_value_ends_where_its_field_ends(text: str) -> None:
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
