"""Sign-in links of a site: what counts as one, and where it may come from."""

import getpass
import warnings
from pathlib import Path

import pytest

from server.protocol.codec import encode
from server.protocol.frames import Limits, Login, Me, Webhooks, Welcome
from tui import cli
from tui.config import LoadedConfig
from tui.net import sign_in
from tui.net.client_session import ClientSession
from tui.net.server_address import AddressError
from tui.options import TOKEN_VARIABLE, SiteToken
from tui.streams import StartError

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmVk"
LINK = f"https://chat.example/?jwt={TOKEN}"
FOUND = SiteToken(TOKEN, "wss://chat.example")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (LINK, FOUND),
        (f" {LINK}\n", FOUND),
        (f"chat.example/?jwt={TOKEN}", FOUND),
        (f"http://127.0.0.1:9000?a=b&jwt={TOKEN}#top", SiteToken(TOKEN, "ws://127.0.0.1:9000")),
        (f"https://site.example/chat/?jwt={TOKEN}", SiteToken(TOKEN, "wss://site.example/chat")),
        (TOKEN, SiteToken(TOKEN)),
    ],
)
def test_link_contains_the_server_and_the_token(text: str, found: SiteToken) -> None:
    assert sign_in.read(text) == found


@pytest.mark.parametrize(
    "text", ["", "bob", "https://chat.example", "https://chat.example/?jwt=", f"ftp://a/?jwt={TOKEN}"]
)
def test_other_texts_are_not_links(text: str) -> None:
    with pytest.raises(AddressError):
        sign_in.read(text)


def options(*arguments: str) -> SiteToken:
    """Return what the command line makes of these arguments."""
    return cli.options(cli.parser().parse_args(arguments), LoadedConfig()).sign_in


def test_link_comes_from_a_file_the_environment_or_a_prompt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "link"
    file.write_text(f"{LINK}\n")
    assert options("--token-file", str(file)) == FOUND
    monkeypatch.setattr("getpass.getpass", lambda _: LINK)
    assert options("--sign-in") == FOUND
    assert options() == SiteToken()
    monkeypatch.setenv(TOKEN_VARIABLE, LINK)
    assert options() == FOUND
    assert options() == SiteToken(), "programs that the client starts do not inherit it"


def test_a_prompt_without_a_terminal_prints_no_warning(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    def asked(_prompt: str) -> str:
        warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=2)
        return LINK

    monkeypatch.setattr("getpass.getpass", asked)
    assert options("--sign-in") == FOUND
    assert not recwarn.list


@pytest.mark.parametrize(
    "option", ["--host=", "--host= ", "--host=ä..b", "--port=x", "--port=-1", "--port=65536", "--port=９"]
)
def test_an_option_of_the_page_that_cannot_be_used_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.parser().parse_args([option])
    assert option.partition("=")[0] in capsys.readouterr().err.splitlines()[-1]


def test_the_page_can_be_served_at_an_address_in_brackets() -> None:
    given = cli.parser().parse_args(["--host", "[::1]", "--port", "0"])
    assert (given.host, given.port) == ("::1", 0)


def test_link_leads_to_its_server_without_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli.options(cli.parser().parse_args([]), LoadedConfig(exists=False)).asks
    monkeypatch.setenv(TOKEN_VARIABLE, LINK)
    chosen = cli.options(cli.parser().parse_args([]), LoadedConfig(exists=False))
    assert (chosen.asks, chosen.url) == (False, "wss://chat.example")


def test_link_among_the_arguments_is_refused_because_others_can_read_it() -> None:
    with pytest.raises(StartError, match="--sign-in") as refused:
        options(LINK)
    assert TOKEN not in str(refused.value)


def test_token_is_in_no_crash_report() -> None:
    assert TOKEN not in repr((FOUND, Login("bob", jwt=TOKEN), ClientSession("bob", token=TOKEN)))


def welcome(asks: str) -> Welcome:
    """Return the welcome of a server that asks for this sign-in."""
    return Welcome("e", "Room", [], Webhooks(False, False), [], Limits(), sign_in=asks, server="s", challenge="c")


def test_only_a_server_that_asks_for_a_token_receives_it_and_always_the_latest() -> None:
    session = ClientSession("ada", token=TOKEN)
    session.connected()
    assert TOKEN.encode() not in encode(session.login(welcome("nickname"), None))
    session.connected()
    assert session.login(welcome("token"), None) == Login("ada", jwt=TOKEN, dialect="flagpost")
    assert session.passes(Me("bob", op=False))
    assert session.entered("bob") == []
    session.renew("a.b.c")
    session.connected()
    assert session.login(welcome("token"), None).jwt == "a.b.c"
