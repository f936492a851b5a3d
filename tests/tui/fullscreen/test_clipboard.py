"""Copying claims no more than what is known to have happened."""

import asyncio
import os
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from tui.fullscreen import clipboard
from tui.fullscreen.clipboard import IN_TMUX, SENT, TMUX_NEEDS, asks_tmux, load_tmux, sent

FAKE = """#!/bin/sh
echo "$@" >> calls
case "$2" in -w) {new} ;; *) {old} ;; esac
"""


@pytest.mark.parametrize(
    ("environment", "tmux", "said"),
    [
        ({"TERM": "xterm-256color"}, False, SENT),
        ({"TERM": "tmux-256color"}, False, TMUX_NEEDS),
        ({"TERM": "screen"}, False, TMUX_NEEDS),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/tmux-0/default,1,0"}, True, TMUX_NEEDS),
    ],
)
def test_the_notice_depends_on_whether_tmux_can_confirm(environment: dict[str, str], tmux: bool, said: str) -> None:
    assert asks_tmux(environment) == tmux
    assert sent(environment) == said


@pytest.mark.skipif(os.name == "nt", reason="tmux and shell scripts are POSIX")
@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        ("cat > text", "exit 1", IN_TMUX),
        ("exit 1", "cat > text", "Copied to tmux."),
        ("exit 1", "exit 1", TMUX_NEEDS),
        (None, None, TMUX_NEEDS),
    ],
)
async def test_the_notice_says_whether_tmux_accepted_the_text(
    new: str | None, old: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if new and old:
        (tmp_path / "tmux").write_text(FAKE.format(new=new, old=old))
        (tmp_path / "tmux").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin" if new else str(tmp_path))
    assert await load_tmux("$(touch posed) ‘é’\n", os.environ) == said
    if "cat > text" in {new, old}:
        assert (tmp_path / "text").read_text(encoding="utf-8") == "$(touch posed) ‘é’\n"
    assert not (tmp_path / "posed").exists()


@pytest.mark.skipif(os.name == "nt", reason="tmux and shell scripts are POSIX")
@pytest.mark.parametrize("cancelled", [True, False])
async def test_no_tmux_process_is_left_that_could_load_an_older_text_later(
    cancelled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmux").write_text("#!/bin/sh\nexec sleep 20\n")
    (tmp_path / "tmux").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(clipboard, "SECONDS", 60.0 if cancelled else 0.0)
    started: asyncio.Queue[Process] = asyncio.Queue()
    start = asyncio.create_subprocess_exec

    async def record(*arguments: str, **options: object) -> Process:
        process = await start(*arguments, **options)  # type: ignore[arg-type]
        started.put_nowait(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", record)
    loading = asyncio.create_task(load_tmux("old", os.environ))
    process = await started.get()
    if cancelled:
        loading.cancel()
    await asyncio.wait({loading})
    async with asyncio.timeout(5):
        await process.wait()
    assert cancelled == loading.cancelled()
    assert cancelled or loading.result() == TMUX_NEEDS
