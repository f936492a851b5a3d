"""The client's half of BareRTC's wire: recorded frames of a server in, frames of this client out."""

import html
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol import frames
from server.protocol.codec import BadFrame
from server.protocol.codes import ErrorCode, ReportState
from server.protocol.markdown import WEB, MessageParser
from tests.support.barertc_server import recorded
from tests.support.folding import fold
from tui.client.abilities import OF_BARERTC, OF_FLAGPOST
from tui.client.barertc import BareRTC
from tui.client.barertc_html import MAX_CHARS, to_text
from tui.client.barertc_profile import NO_PROFILE, read
from tui.client.dialects import PROBE, Dialects
from tui.client.state import ClientState

NOW = datetime(2026, 11, 29, 12, 57, tzinfo=UTC)
URL = "wss://chat.example/ws"
ANSWERS = (Path(__file__).parents[2] / "contract/profile-answers.jsonl").read_text(encoding="utf-8").splitlines()


@contextmanager
def session(name: str = "alice") -> Iterator[tuple[BareRTC, ClientState]]:
    """Yield a session that has logged in as this person, and the state of its client."""
    server, state = BareRTC(URL, lambda: NOW), ClientState(lambda: NOW)
    fold(state, *server.opened())
    server.send(frames.Login(name))
    hear(server, state, *recorded("login-guest", "alice"))
    yield server, state


def hear(server: BareRTC, state: ClientState, *wires: bytes) -> list[frames.ServerFrame]:
    """Receive messages of the server."""
    heard = [frame for wire in wires for frame in server.receive(wire)]
    fold(state, *heard)
    return heard


def sent(server: BareRTC, frame: frames.Frame) -> dict[str, object]:
    """Return what the server gets for a frame."""
    (wire,) = server.send(frame).wires
    found: dict[str, object] = json.loads(wire)
    return found


def test_login_lists_people_and_the_channels_with_a_welcome_message() -> None:
    with session() as (_, state):
        assert state.me == "alice"
        assert [*state.people] == ["alice"]
        assert {*state.timelines} == {"lobby", "vip"}
        assert state.welcome
        assert not state.welcome.webhooks.evidence
        assert not state.welcome.webhooks.profile


def test_presence_changes_apply_before_the_next_who_list() -> None:
    with session() as (server, state):
        hear(server, state, b'{"action":"presence","username":"zoe","message":"has joined the room!"}')
        assert "zoe" in state.people
        hear(server, state, b'{"action":"presence","username":"zoe","message":"has been kicked from the room!"}')
        assert "zoe" not in state.people


def test_own_messages_are_confirmed_in_order_and_by_channel() -> None:
    with session() as (server, state):
        said = [state.say("psst *op*", "1", "@op"), state.say("hello **world**", "2", "lobby")]
        assert [sent(server, each)["channel"] for each in said] == ["@op", "lobby"]
        hear(server, state, *recorded("message-public", "carol"))
        assert [line.text for line in state.timelines["lobby"].after(0)] == ["hello **world** @bob"]
        assert [state.timelines[place].holds_pending for place in ("@op", "lobby")] == [True, False]
        hear(server, state, *recorded("dm", "alice"))
        assert not state.timelines["@op"].holds_pending


def test_report_has_the_fields_of_barertc_and_ends_as_delivered() -> None:
    with session("late") as (server, state):
        server.receive(b'{"action":"me","username":"late"}')
        (message, *_) = hear(server, state, *recorded("report-dm", "late")[:1])
        assert isinstance(message, frames.Message)
        ask = frames.ReportRequest(message.msg_id, "It's spam", "look", "n")
        assert sent(server, ask) == {
            "action": "report",
            "channel": "@alice",
            "username": "alice",
            "timestamp": "2026-11-29T12:57:00+00:00",
            "reason": "It's spam",
            "message": "<p>nasty <em>dm</em></p>",
            "comment": "look",
        }
        (status,) = hear(server, state, recorded("report-dm", "late")[-1])
        assert isinstance(status, frames.ReportStatus)
        assert (status.nonce, status.report.status, status.report.message) == ("n", ReportState.DELIVERED, "nasty *dm*")
        sent(server, msgspec.structs.replace(ask, nonce="m"))
        (failed,) = hear(server, state, *recorded("report-site-says-500", "guest"))
        assert isinstance(failed, frames.Error)
        assert (failed.nonce, failed.code) == ("m", ErrorCode.INTERNAL)


def test_report_of_an_unknown_message_is_refused_by_the_client() -> None:
    with session() as (server, _):
        outgoing = server.send(frames.ReportRequest(7, "It's spam", "", "n"))
        assert not outgoing.wires
        assert [frame.nonce for frame in outgoing.answers if isinstance(frame, frames.Error)] == ["n"]


def test_deletions_and_reactions_are_shown() -> None:
    with session() as (server, state):
        hear(server, state, *recorded("react-twice", "carol"))
        reaction = recorded("react-twice", "op")[0]
        hear(server, state, reaction)
        (line,) = state.timelines["lobby"].after(0)
        assert [each.emoji for each in line.reactions] == ["❤️"]
        hear(server, state, reaction)
        (line,) = state.timelines["lobby"].after(0)
        assert not line.reactions
        hear(server, state, *recorded("takeback-own", "op"))
        (line,) = state.timelines["lobby"].after(0)
        assert line.taken_back
        assert sent(server, frames.Takeback(line.msg_id)) == {"action": "takeback", "msgID": line.msg_id}


def test_mutes_are_remembered_by_the_client_because_the_server_confirms_none() -> None:
    with session() as (server, state):
        outgoing = server.send(state.toggle_mute("bob"))
        assert [json.loads(wire) for wire in outgoing.wires] == [{"action": "mute", "username": "bob"}]
        for frame in outgoing.answers:
            fold(state, frame)
        assert state.relations.hidden == {"bob"}


def test_mutes_and_blocks_are_sent_again_after_a_lost_connection() -> None:
    with session() as (server, state):
        server.send(frames.Mute("bob"))
        server.send(frames.Block("carol"))
        fold(state, *server.opened())
        wires = server.send(frames.Login("alice")).wires
        assert [(each["action"], each["username"]) for each in map(json.loads, wires)] == [
            ("login", "alice"),
            ("mute", "bob"),
            ("block", "carol"),
        ]
        hear(server, state, *recorded("login-guest", "alice"))
        assert state.relations.hidden == {"bob", "carol"}


def test_operator_who_cannot_be_blocked_is_not_shown_as_blocked() -> None:
    with session() as (server, state):
        fold(state, *server.send(frames.Block("op")).answers)
        hear(server, state, b'{"action":"error","message":"You are not allowed to block a chat operator."}')
        assert state.relations.hidden == set()


@pytest.mark.parametrize("scenario", [("kick", "late"), ("kickall", "alice"), ("login-jwt-takes-over", "bob")])
def test_session_ends_although_the_server_leaves_the_socket_open(scenario: tuple[str, str]) -> None:
    with session() as (server, state):
        assert server.ended is None
        hear(server, state, *recorded(*scenario))
        assert server.ended
        assert "<" not in server.ended


def test_refused_login_ends_the_session_with_the_servers_message() -> None:
    server, state = BareRTC(URL), ClientState(lambda: NOW)
    server.opened()
    hear(
        server, state, *recorded("strict-no-token", "nobody") or [b'{"action":"error","message":"Log in on the site."}']
    )
    assert server.ended


def test_token_of_a_ping_is_used_for_the_next_login_and_for_profiles() -> None:
    with session() as (server, state):
        assert sent(server, frames.Login("bob", jwt="t-1")) == {"action": "login", "username": "bob", "jwt": "t-1"}
        hear(server, state, b'{"action":"ping","jwt":"t-2","jwtRules":{}}')
        assert sent(server, frames.Login("bob"))["jwt"] == "t-2"
        assert server.send(frames.ProfileRequest("bob", "n")).work


def test_requests_without_a_counterpart_are_answered_by_the_client() -> None:
    with session() as (server, _):
        for frame in (
            frames.HistoryRequest("lobby", "n"),
            frames.SearchRequest("x", "n"),
            frames.ReportsRequest("n"),
            frames.Ping(),
            frames.Read("lobby", 7),
            frames.Unblock("bob"),
        ):
            assert not server.send(frame).wires
        (page,) = server.send(frames.HistoryRequest("lobby", "n")).answers
        assert page == frames.History("lobby", [], more=False, nonce="n")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=5
    )
)
def test_client_survives_any_frame_of_a_known_action(value: object) -> None:
    with session() as (server, _):
        for action in ("me", "who", "presence", "echo", "message", "takeback", "react", "error", "ping", "block"):
            keys = ("username", "message", "msgID", "channel", "whoList", "messages", "jwt", "timestamp")
            server.receive(msgspec.json.encode({"action": action, **dict.fromkeys(keys, value)}))


@pytest.mark.parametrize("wire", [b"", b"[1,2]", b"null", b"\xff", b"[" * 100_000])
def test_bytes_that_are_not_a_frame_are_refused(wire: bytes) -> None:
    with pytest.raises(BadFrame):
        BareRTC(URL).receive(wire)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>hello <strong>world</strong>  @bob</p>", "hello **world** @bob"),
        ("<p>Rules:</p>\n\n<ol>\n<li>Have fun</li>\n<li>Be kind</li>\n</ol>", "Rules:\n\n1. Have fun\n2. Be kind"),
        ("<ul><li>a<ul><li>b</li></ul></li><li><p>c</p></li></ul>", "- a\n  - b\n- c"),
        ("<blockquote>\n<p>quoted</p>\n</blockquote>\n<p>a</p>", "> quoted\n\na"),
        ("<p>a</p><blockquote><p>b</p><p>c</p></blockquote><p>d</p>", "a\n\n> b\n>\n> c\n\nd"),
        ("<h2>T</h2><p>one<br>two</p>", "## T\n\none\ntwo"),
        ("<p>a</p>\n<pre><code>x\n  *y*\n```\n</code></pre>", "a\n\n````\nx\n  *y*\n```\n````"),
        ('<a href="https://a.example/x_y_z">https://a.example/x_y_z</a>', "https://a.example/x_y_z"),
        ('<a href="https://a.example/(b)">shop</a>', "[shop](<https://a.example/(b)>)"),
        ('<a href="javascript:alert(1)">k</a><script>alert(1)</script>', "k"),
        ('<img src="data:image/png;base64,AAAA" alt="x"><b> bold </b>.', "(picture: x) **bold** ."),
        ("<p>2*3*4 and *a* &lt;b&gt;</p>", r"2*3*4 and \*a* <b>"),
        ("<p>snake_case [x] 2 * 3</p>", "snake_case [x] 2 * 3"),
        ("plain & simple", "plain & simple"),
        ("You<br><br>kicked", "You\n\nkicked"),
    ],
)
def test_html_becomes_markdown(source: str, text: str) -> None:
    assert to_text(source) == text


@given(st.text(st.sampled_from("*_`~[]()\\ab 7"), max_size=40).map(str.strip))
def test_text_in_html_keeps_every_letter(text: str) -> None:
    tokens = MessageParser(WEB).tokens(to_text(f"<p>{html.escape(text)}</p>"))
    shown = "".join(token.text for token in tokens)
    assert [char for char in shown if char.isalnum()] == [char for char in text if char.isalnum()]


PIECES = (
    "<b>", "</b>", "<a href='javascript:x'>", "<li>", "<ol>", "<pre>", "</pre>", "<br", "&#", "<!--", "<script>",
    "<style>", "</p>", "x", " ", "`", "*", "\x1b", "<svg onload=x>",
)  # fmt: skip
HOSTILE = ("<", "<!--", "<div>", "<ul><li>", "<b>", "*", "[", "`", "<a href='http://x.y/'>", "<p>")


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_html_becomes_text_without_scripts(source: str) -> None:
    tokens = [token for line in to_text(source).split("\n") for token in MessageParser(WEB).tokens(line)]
    assert all(token.href.startswith(("http://", "https://")) for token in tokens if token.tag == "a" and token.opens)


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_html_is_cut(piece: str) -> None:
    assert len(to_text(piece * 100_000)) <= 4 * MAX_CHARS


@pytest.mark.parametrize("row", map(json.loads, ANSWERS), ids=lambda row: row["name"])
def test_profile_shows_what_barertc_answers(row: dict[str, dict[str, object]]) -> None:
    answered = row.get("barertc_v17_api_profile", {}).get("body", {})
    profile = read(frames.ProfileRequest("bob", "n"), json.dumps(answered).encode())
    assert isinstance(answered, dict)
    assert bool(profile.error) == bool(answered.get("Error"))
    assert len(profile.profile_fields) == len(answered.get("ProfileFields") or ())


def test_answer_that_is_not_a_profile_is_an_error() -> None:
    assert read(frames.ProfileRequest("bob", "n"), b"<html>").error == NO_PROFILE


def test_flagpost_is_recognised_by_its_welcome_and_barertc_by_its_answer() -> None:
    dialects = Dialects(URL)
    assert [*dialects.opened()] == []
    assert [*dialects.silent()] == [PROBE]
    welcome = frames.Welcome("e", "Room", [], frames.Webhooks(report=True, profile=True), [], frames.Limits())
    assert [*dialects.receive(msgspec.json.encode(welcome))] == [welcome]
    assert dialects.abilities is OF_FLAGPOST
    refusal = b'{"action":"error","message":"x","code":"unknown-action","username":"ChatServer"}'
    assert not dialects.receive(refusal)
    (unknown,) = dialects.receive(refusal)
    assert isinstance(unknown, frames.Error)
    dialects.opened()
    dialects.silent()
    assert not dialects.receive(refusal)
    assert dialects.abilities is OF_FLAGPOST
    dialects.silent()
    (synthetic,) = dialects.receive(recorded("before-login", "ghost")[-1])
    assert isinstance(synthetic, frames.Welcome)
    assert dialects.abilities is OF_BARERTC
    assert [*dialects.opened()] == [PROBE]
    assert dialects.abilities is OF_FLAGPOST
