"""The bot in docs/bots.md runs against a real server."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.protocol.frames import Message, Presence
from tests.support.chat_client import entered, says
from tests.support.server_process import ROOT, ServerProcess, environment


@contextmanager
def bot(directory: Path, url: str) -> Iterator[None]:
    """The page's bot, as a process."""
    page = (ROOT / "docs" / "bots.md").read_text(encoding="utf-8")
    file = directory / "pingbot.py"
    file.write_text(page.partition("```python\n")[2].partition("```")[0], encoding="utf-8")
    with subprocess.Popen([sys.executable, file, url], env=environment()) as process:
        try:
            yield
        finally:
            process.terminate()


async def test_the_bot_in_the_docs_answers(server: ServerProcess, tmp_path: Path) -> None:
    async with entered(server.url, "ada") as ada:
        with bot(tmp_path, server.url):
            await ada.next(Presence, lambda presence: presence.username == "pingbot")
            await ada.say("tea", "!ping")
            answer = await ada.next(Message, says("pong"))
            assert (answer.username, answer.channel) == ("pingbot", "tea")
            await ada.say("tea", "pong")
            assert len([each for each in await ada.messages() if each.username == "pingbot"]) == 1
