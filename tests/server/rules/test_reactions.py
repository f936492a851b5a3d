"""The reactions to a message fit into every page."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from server.handlers.pages import fit_messages, fit_reactions
from server.protocol.codec import encode
from server.protocol.frames import MAX_MESSAGE_CHARS, Echo, Reaction, Reactions
from server.protocol.name_text import MAX_NAME_CHARS
from server.rules.messages import EVERYWHERE, Person, Publication
from server.rules.reactions import MAX_EMOJI, MAX_REACTIONS, ReactionChange, check_reaction
from server.rules.refusal import Refusal
from server.storage.base import MAX_PAGE_BYTES, MAX_REACTED_BYTES, Page

ALICE = Person("alice", "a-1")
AT = datetime(2026, 11, 24, 2, 57, tzinfo=UTC)
NAME = "\U0001f47b" * MAX_NAME_CHARS
FULL = Publication(
    7, AT, ALICE, "lobby", None, "\x01" * MAX_MESSAGE_CHARS, None,
    reactions=(Reaction("👻", [NAME] * (MAX_REACTIONS - 1)), Reaction("❤️", [NAME])),
)  # fmt: skip


def test_the_number_of_reactions_is_limited() -> None:
    with pytest.raises(Refusal, match=str(MAX_REACTIONS)):
        check_reaction(FULL, ReactionChange(7, ALICE, "👻", remove=False), EVERYWHERE)
    assert check_reaction(FULL, ReactionChange(7, ALICE, "👻", remove=True), EVERYWHERE) is FULL
    less = replace(FULL, reactions=FULL.reactions[:1])
    assert check_reaction(less, ReactionChange(7, ALICE, "👻", remove=False), EVERYWHERE) is less
    many = replace(FULL, reactions=tuple(Reaction(str(number), ["bob"]) for number in range(MAX_EMOJI)))
    with pytest.raises(Refusal, match=str(MAX_EMOJI)):
        check_reaction(many, ReactionChange(7, ALICE, "👻", remove=False), EVERYWHERE)


def test_a_page_has_room_for_a_message_with_all_reactions() -> None:
    assert len(fit_messages(Page([FULL] * 9, more=False), ALICE)[0]) >= 1


def test_reactions_that_were_missed_fit_into_one_frame_beside_a_page() -> None:
    many, few = Reactions(7, list(FULL.reactions)), Reactions(8, [Reaction("👻", ["bob"])])
    found = fit_reactions([many] * 500 + [few])
    assert [each.msg_id for each in found] == [8]
    assert len(encode(Echo(reacted=fit_reactions([few] * 5000)))) < MAX_REACTED_BYTES + 10_000
    assert MAX_PAGE_BYTES + MAX_REACTED_BYTES < 256 * 1024
