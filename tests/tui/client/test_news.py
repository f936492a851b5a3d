"""What counts as new, and what counts as a mention."""

from datetime import UTC, datetime

from server.protocol.frames import Echo, History, Me, Relations, ServerFrame
from tests.support.folding import fold
from tests.support.scripted_server import WELCOME, line
from tui.client.news import news
from tui.client.state import ClientState


def news_of(
    *frames: ServerFrame, state: ClientState | None = None, since: int = 0
) -> list[tuple[str, str, bool, bool]]:
    state = state or entered()
    fold(state, *frames)
    return [(each.channel, each.text, each.mentioned, each.direct) for each in news(frames, state, since)]


def entered() -> ClientState:
    state = ClientState(now=lambda: datetime(2026, 3, 14, tzinfo=UTC))
    fold(state, WELCOME, Me("ada", op=False))
    return state


def test_messages_of_others_are_new() -> None:
    said = [line(1, "bob", "hi @ada"), line(2, "ada", "hi"), line(3, "bob", "psst", "@bob")]
    assert news_of(*said) == [("lobby", "hi @ada", True, False), ("@bob", "psst", False, True)]


def test_messages_from_before_the_start_are_not_new_unless_they_waited_for_the_user() -> None:
    missed = Echo([line(1, "bob", "hi @ada"), line(2, "bob", "psst", "@bob")])
    assert news_of(missed) == [("@bob", "psst", False, True)]
    state = entered()
    news_of(line(1, "bob", "hi"), state=state)
    assert news_of(Echo([line(1, "bob", "hi"), line(2, "bob", "@ada")]), state=state, since=1) == [
        ("lobby", "@ada", True, False)
    ]


def test_a_page_of_older_messages_is_not_new() -> None:
    assert not news_of(History("lobby", [line(1, "bob", "@ada")], more=False, nonce="n"))


def test_messages_of_hidden_people_are_not_unread() -> None:
    state = entered()
    news_of(Relations(["bob"], []), state=state)
    assert not news_of(line(1, "bob", "@ada"), state=state)
