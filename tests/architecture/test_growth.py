"""The cost of other people's text grows with its length, and no faster: of messages, names, frames and headers."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from msgspec import json
from msgspec.structs import replace
from rich.style import Style as Ink
from textual.style import Style
from websockets import headers
from websockets.exceptions import InvalidHeader

from server.protocol import codec
from server.protocol.characters import limit_marks
from server.protocol.links import address
from server.protocol.markdown import MAIL, WEB, parse
from server.protocol.mentions import mentions
from server.protocol.names import key as name_key
from server.rules import addresses, names, reactions, search, statuses
from server.rules.refusal import Refusal
from server.webhooks.html import to_html
from tests.support.grammars import ADVERSARIAL, Grammar, drawn
from tests.support.growth import assert_linear
from tui.client import markdown
from tui.client.completion import Known, complete
from tui.client.entries import Line
from tui.client.fuzzy import rank
from tui.client.quotation import quotation
from tui.client.search import excerpt
from tui.fullscreen.timeline.blocks import render
from tui.fullscreen.timeline.look import Look, Styles
from tui.text import clean, clean_line

MESSAGE = 4096
DRAWN = tuple(drawn(40))
FEW = 4
"""The number of drawn grammars that are tried each time; `-m slow` tries all of them."""
GRAMMARS = [*ADVERSARIAL, *DRAWN[:FEW], *(pytest.param(each, marks=pytest.mark.slow) for each in DRAWN[FEW:])]

Work = Callable[[str], object]


@pytest.mark.parametrize("grammar", GRAMMARS, ids=repr)
def test_cost_of_a_line_is_linear(grammar: Grammar) -> None:
    assert_linear(grammar.text, lambda text: parse(text, WEB + MAIL), largest=grammar.fitting(MESSAGE))


@pytest.mark.parametrize("work", [markdown.lines, to_html])
def test_cost_of_a_message_of_many_lines_is_linear(work: Work) -> None:
    text = "\n".join(grammar.text(grammar.fitting(25)) for grammar in ADVERSARIAL)
    # A fence that one copy leaves open makes code of the next, so that a single copy says little.
    assert_linear(lambda times: f"{text}\n```\n" * 2 * times, work, largest=64)


LOOK = Look(40, Styles(*[Style()] * 8), Ink(), Ink(), Ink(), reports=True)


@pytest.mark.parametrize("unit", ["a", "*a* ", "`a`", "字", "a b ", "[a](http://b) ", "\t", "a\n", "\t\n"])
@pytest.mark.parametrize("width", [1, 120])
def test_cost_of_painting_a_message_is_linear(width: int, unit: str) -> None:
    look = replace(LOOK, width=width)
    assert_linear(
        lambda times: line(unit * times),
        lambda said: list(render(said, look, above=None, before=None).strips),
        largest=1024,
    )


def refused(work: Work) -> Work:
    """Return the same work, which may also refuse the text."""

    def done(text: str) -> object:
        try:
            return work(text)
        except (Refusal, codec.BadFrame, InvalidHeader, ValueError) as refusal:
            return refusal

    return done


def line(text: str) -> Line:
    """A message with this text."""
    return Line(1, "ada", text, datetime.now(UTC), mine=False)


UNITS = (
    "a", "A", " ", "\t", "\n", ".", ",", ":", "@", "@ada", "ada: ", "/", "-", '"', "\\", '\\"', "'", "`", "```\n", "> ",
    "%", "_", "*", "字", "ﷺ", "\u0301", "\u0315\u0300", "a\u0315\u0300", "\u200d", "\ufe0f", "\u200d\ufe0f", "👍",
    "👍\u200d", "1\ufe0f\u20e3", "\u202e", "\x1b[", "\x00", "{", "[", "}", "{}", '{"a":', '"a",', "[]", "127.0.0.1,",
    "::1, ", "a=b;", 'a="b\\"";', "a, ", ";q=0.1,", "(a)",
)  # fmt: skip
"""Parts of texts, frames and headers."""

WORK: dict[str, Work] = {
    "clean": clean,
    "clean_line": clean_line,
    "limit_marks": limit_marks,
    "a name": refused(names.check),
    "the key of a name": name_key,
    "a name among others": lambda text: names.free(text[:32], lambda name: name == text[:32]),
    "an emoji": refused(reactions.check_emoji),
    "a status": refused(statuses.check_status),
    "a search": refused(lambda text: search.query(text).indexed),
    "a folded text": search.fold,
    "an address": lambda text: address(f"http://{text}"),
    "mentions": lambda text: mentions(text, ["ada"]),
    "mentions of an odd name": lambda text: mentions(text, ["a.*(a|a)*:"]),
    "a quotation": lambda text: quotation(line(text)),
    "an excerpt": lambda text: excerpt(text, "ada @ a \u0301"),
    "a rank": lambda text: rank("ada lovelace", text),
    "a completion": lambda text: complete("@a", lambda: Known([text])),
    "the beginning of a completion": lambda text: complete(text, lambda: Known([text[:32]], commands={"msg": "name"})),
    "a frame": refused(lambda text: codec.decode_client(text.encode())),
    "a frame with a text": refused(
        lambda text: codec.decode_client(json.encode({"action": "login", "username": text}))
    ),
    "a frame with an unknown field": refused(
        lambda text: codec.decode_client(b'{"action":"ping","a":{"a":%b}}' % json.encode([text, {text: text}]))
    ),
    "a server's frame": refused(lambda text: codec.decode_server(text.encode())),
    "X-Forwarded-For": lambda text: addresses.client("127.0.0.1", [text], addresses.networks(["127.0.0.0/8", "::1"])),
    "Connection": refused(headers.parse_connection),
    "Upgrade": refused(headers.parse_upgrade),
    "Sec-WebSocket-Extensions": refused(headers.parse_extension),
    "Sec-WebSocket-Protocol": refused(headers.parse_subprotocol),
}


def repeated(unit: str, length: int) -> str:
    """A text of this length."""
    return (unit * length)[:length]


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_cost_of_what_others_send_is_linear(work: Work) -> None:
    for unit in UNITS:
        assert_linear(partial(repeated, unit), work, largest=16384)
