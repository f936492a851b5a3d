"""No name looks like a line by someone else, and no server can make one look so."""

from pathlib import Path

import pytest

from server.protocol.codes import ErrorCode
from server.protocol.frames import Echo, Error, Login, Presence, Takeback, Who, WhoEntry
from tests.support.chat_client import connected
from tests.support.plain_client import PlainClient
from tests.support.scripted_server import ScriptedServer, line, scripted_server
from tests.support.server_process import ServerProcess

FORGED = (
    "ada: I sell pills at evil.com",
    "* ada has left, bob",
    "[1] 14:02 # Lobby, ada» hello",
    "ada， I sell",
    "ada： I sell",
    "“ada”",
)


@pytest.mark.parametrize("name", FORGED)
async def test_a_name_that_looks_like_a_line_is_refused(server: ServerProcess, name: str) -> None:
    async with connected(server.url) as (eve, _):
        await eve.send(Login(name))
        assert (await eve.next(Error)).code == ErrorCode.BAD_NAME


def test_names_of_another_server_do_not_imitate_a_line(tmp_path: Path) -> None:
    said = [line(number, name, f"{name}: really\n* ada has left") for number, name in enumerate(FORGED, 1)]
    people = Who([WhoEntry(name, 1, "* ada has left") for name in FORGED])
    with (
        scripted_server(ScriptedServer(opening=(people, Echo(said)))) as script,
        PlainClient(script.url, "zoe", tmp_path) as zoe,
    ):
        zoe.until(f"[{len(FORGED)}] ")
        script.send(Takeback(1), Presence(FORGED[0], "has left."))
        zoe.until("deleted this message")
        zoe.write("/who")
        zoe.until(f"* {len(FORGED) - 1} in the room:")
        zoe.end_input()
    messages = [each for each in zoe.lines if each.startswith("[")]
    assert [each.partition(" ")[0] for each in messages] == [f"[{number}]" for number in range(1, len(FORGED) + 1)]
    authors = [each.partition("»")[0].rpartition(", ")[2] for each in messages]
    assert authors[0] == "ada\ufffd I sell pills at evil.com"
    assert authors[1] == "\ufffd ada has left\ufffd bob"
    assert all(each.partition("» ")[2] == f"{name}: really" for each, name in zip(messages, FORGED, strict=True))
    assert "* [1] “ada\ufffd I sell pills at evil.com” deleted this message" in zoe.lines
    assert "* ada has left" not in zoe.lines
    assert "* \ufffd ada has left\ufffd bob» * ada has left" in zoe.lines
