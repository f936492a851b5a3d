"""The client limits every text and list of every frame; what is longer is cut and marked."""

from collections.abc import Iterator

import msgspec
import pytest
from msgspec import inspect

from server.handlers.catch_up import MAX_CHANGED, MAX_KEPT, MAX_MISSED
from server.protocol.codec import encode
from server.protocol.frames import (
    MAX_COMMENT_CHARS,
    MAX_MESSAGE_CHARS,
    MAX_PAGE,
    Disconnect,
    ServerFrame,
    Who,
    WhoEntry,
)
from server.reporting.desk import MAX_LISTED
from server.rules.reactions import MAX_EMOJI, MAX_REACTIONS
from server.webhooks.profiles import MAX_FIELDS
from tests.support.frames import KINDS, bare, fields, frame_of, lists
from tui.clean_frames import clean_frame
from tui.limits import LIMITS, MARK, MAX_FRAME_BYTES, Items

FIELDS = {name: kind for each in KINDS for name, kind in fields(each).items()}
WITHOUT_TEXT = inspect.BoolType | inspect.IntType | inspect.DateTimeType | inspect.NoneType | inspect.StructType


def limit_of(kind: inspect.Type) -> type[int] | type[Items] | None:
    """Return the kind of limit that a type needs: int for characters, Items for entries, None for none."""
    kind = bare(kind)
    if isinstance(kind, inspect.StrType):
        return int
    if isinstance(kind, inspect.ListType):
        return Items
    if isinstance(kind, inspect.UnionType):
        return next((limit for each in kind.types if (limit := limit_of(each))), None)
    if isinstance(kind, inspect.BytesType):
        assert kind.max_length, "bytes are bounded by their type, before they are decoded"
        return None
    assert isinstance(kind, WITHOUT_TEXT), f"say how {kind} is limited"
    return None


def test_each_text_and_list_of_each_frame_has_a_limit_and_nothing_else_has() -> None:
    needed = {name: limit for name, kind in FIELDS.items() if (limit := limit_of(kind))}
    assert {name: type(limit) for name, limit in LIMITS.items()} == needed


def test_a_list_limits_its_texts_where_it_holds_texts() -> None:
    for name, limit in LIMITS.items():
        kind = FIELDS[name]
        if isinstance(kind, inspect.ListType):
            assert isinstance(limit, Items)
            assert bool(limit.chars) == isinstance(bare(kind.item_type), inspect.StrType), name


def sizes(value: object, path: str = "") -> Iterator[tuple[str, int]]:
    """Yield path and length of each text and list; the path of an entry of a list is like "Relations.muted[]"."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from sizes(getattr(value, name), f"{type(value).__name__}.{name}")
    elif isinstance(value, str):
        yield path, len(value)
    elif isinstance(value, list):
        yield path, len(value)
        for each in value:
            yield from sizes(each, f"{path}[]")


def most(path: str) -> int:
    """Return the limit of a text or list."""
    limit = LIMITS[path.removesuffix("[]")]
    if isinstance(limit, int):
        return limit
    return limit.chars if path.endswith("[]") else limit.most


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_texts_that_are_too_long_are_cut_with_a_mark(kind: type[ServerFrame]) -> None:
    frame = clean_frame(frame_of(kind, "x" * 30_000))
    assert {path: size for path, size in sizes(frame) if size > most(path)} == {}
    assert all(text.endswith(MARK) for text in texts(frame) if len(text) > 128)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in lists(kind)])
def test_lists_that_are_too_long_are_cut_and_the_cut_is_recorded(kind: type[ServerFrame], name: str) -> None:
    noticed: list[str] = []
    frame = clean_frame(frame_of(kind, "x", most(name) + 10, name), lambda: noticed.append(name))
    assert {path: size for path, size in sizes(frame) if size > most(path)} == {}
    assert set(noticed) == {name}


def texts(value: object) -> Iterator[str]:
    """Yield every text in a frame."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from texts(getattr(value, name))


def test_frames_of_an_honest_server_are_never_cut() -> None:
    honest = {
        "Message.message": MAX_MESSAGE_CHARS,
        "ReportEntry.comment": MAX_COMMENT_CHARS,
        "Echo.messages": MAX_MISSED + MAX_KEPT,
        "Echo.taken_back": MAX_CHANGED,
        "Echo.reacted": MAX_CHANGED,
        "History.messages": MAX_PAGE,
        "Message.reactions": MAX_EMOJI,
        "Reaction.usernames": MAX_REACTIONS,
        "Profile.profile_fields": MAX_FIELDS,
        "Reports.reports": MAX_LISTED,
    }
    assert {path: size for path, size in honest.items() if size > most(path)} == {}


def test_list_of_thousands_of_people_fits_into_a_frame() -> None:
    ordinary = Who([WhoEntry(f"somebody{number:04}", 1_790_000_000) for number in range(10_000)])
    assert len(encode(ordinary)) < MAX_FRAME_BYTES
    longest = Who([WhoEntry("🙂" * 32, 1_790_000_000, "🙂" * 32, 0, op=True, dnd=True)] * 2_500)
    assert len(encode(longest)) < MAX_FRAME_BYTES


def test_a_text_that_is_cut_is_as_long_as_its_limit() -> None:
    assert clean_frame(Disconnect("x" * 512, 1000, reconnect=True)).why == "x" * 512
    assert clean_frame(Disconnect("x" * 513, 1000, reconnect=True)).why == "x" * 511 + MARK


def test_a_frame_within_the_limits_is_the_same_object() -> None:
    frame = Who([WhoEntry("ada", 1)])
    assert clean_frame(frame).who_list[0] is frame.who_list[0]
