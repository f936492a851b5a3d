"""HTML is rendered in a separate process, and reports are delivered whatever happens to it."""

import asyncio
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from server.settings.model import KEY_VARIABLE
from server.webhooks.html import to_html
from server.webhooks.rendering import RenderError, html_in_process, html_or_text

MESSAGES = ["*hi*", "<b>", "see http://a.example\n```\ncode\n```", "字 \u0301 \U0001f600"]
HANG = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""
"""Ends by no signal but SIGKILL, like a regular expression that backtracks forever."""


def python(program: str, *arguments: str) -> tuple[str, ...]:
    """Return the command of a program that replaces the renderer."""
    return sys.executable, "-c", program, *arguments


async def test_the_process_returns_the_same_html_as_the_function() -> None:
    assert await html_in_process(MESSAGES) == [to_html(message) for message in MESSAGES]
    assert await html_or_text(MESSAGES) == [to_html(message) for message in MESSAGES]


async def test_a_process_that_hangs_is_killed_and_text_is_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "pid"
    poisoned = partial(html_in_process, command=python(HANG, str(file)))
    assert await html_or_text(MESSAGES[:2], poisoned, seconds=2) == ["<p>*hi*</p>", "<p>&lt;b&gt;</p>"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text()), 0)
    (record,) = (each for each in caplog.records if each.name == "server.webhooks.rendering")
    assert (record.levelname, record.__dict__["error"]) == ("WARNING", "not finished within 2 s")


async def test_the_event_loop_is_not_blocked_while_html_is_rendered(tmp_path: Path) -> None:
    poisoned = partial(html_in_process, command=python(HANG, str(tmp_path / "pid")))
    rendering = asyncio.create_task(html_or_text(MESSAGES, poisoned, seconds=1))
    turns = 0
    while not rendering.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 10


@pytest.mark.parametrize(
    "command",
    [
        python("import sys; sys.exit(3)"),
        python("raise ValueError('*hi*')"),
        python("print('no JSON')"),
        python("print('[]')"),
        python("import os; os.abort()"),
        ("/nowhere/python",),
    ],
)
async def test_a_failed_process_gives_text_and_a_warning_without_the_messages(
    command: Sequence[str], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(RenderError):
        await html_in_process(["*hi*"], command)
    assert await html_or_text(["*hi*"], partial(html_in_process, command=command)) == ["<p>*hi*</p>"]
    (record,) = (each for each in caplog.records if each.name == "server.webhooks.rendering")
    assert "hi" not in record.__dict__["error"]


async def test_a_failed_renderer_gives_text() -> None:
    async def faulty(_texts: Sequence[str]) -> Sequence[str]:
        raise ZeroDivisionError

    assert await html_or_text(["*hi*"], faulty) == ["<p>*hi*</p>"]


async def test_the_process_is_not_given_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "hunter2-hunter2")
    show = "import json, os, sys; print(json.dumps([str([dict(os.environ), sys.argv, sys.stdin.read()])]))"
    (seen,) = await html_in_process(["*hi*"], python(show))
    assert "*hi*" in seen
    assert "hunter2" not in seen
