"""Opens a text in the user's editor, which uses the terminal meanwhile."""

import asyncio
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path

from textual.app import App, SuspendNotSupported

from server.protocol.errors import OneLineError
from tui.text import clean_own

NONE = "No editor is set. Set VISUAL or EDITOR in the environment, for example EDITOR=nano."


class EditorError(OneLineError):
    """The editor did not run, or its text cannot be read."""


async def edit(app: App[None], text: str, environment: Mapping[str, str]) -> str:
    """Return the edited text. Raises EditorError if no editor is set, or if the editor failed."""
    arguments = command(environment)
    with tempfile.TemporaryDirectory(prefix="flagpost-") as directory:
        file = Path(directory) / "message.md"
        file.write_text(text, encoding="utf-8")
        code = await _run_suspended(app, [*arguments, str(file)])
        if code:
            raise EditorError(f"{arguments[0]} ended with code {code}; your message is unchanged.")
        try:
            # Editors add a newline at the end of the file.
            return clean_own(file.read_text(encoding="utf-8").removesuffix("\n"))
        except (OSError, UnicodeDecodeError) as error:
            raise EditorError(
                f"The text that {arguments[0]} saved cannot be read ({error}); your message is unchanged."
            ) from error


def command(environment: Mapping[str, str]) -> list[str]:
    """Return the editor's program and arguments. Raises EditorError if none is named."""
    named = environment.get("VISUAL") or environment.get("EDITOR") or ""
    try:
        arguments = shlex.split(named)
    except ValueError as error:
        raise EditorError(f"VISUAL or EDITOR is malformed ({error}). Correct it, and restart Flagpost.") from error
    if not arguments:
        raise EditorError(NONE)
    return arguments


async def _run_suspended(app: App[None], arguments: list[str]) -> int:
    code, problem = 0, ""
    try:
        # Messages keep arriving; nothing may be drawn until the editor has ended.
        with app.batch_update(), app.suspend():
            # An exception in here would keep Textual from restoring its own terminal mode.
            try:
                process = await asyncio.create_subprocess_exec(*arguments)
                code = await process.wait()
            except OSError as error:
                problem = f"{arguments[0]} cannot be started: {error.strerror}. Check VISUAL and EDITOR."
    except SuspendNotSupported as error:
        raise EditorError(
            "An editor cannot be opened here: this terminal cannot be suspended. Write in the composer instead."
        ) from error
    if problem:
        raise EditorError(problem)
    return code
