"""Mutes and blocks, in any order, hide the right messages from the right people."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from server.protocol.codes import ErrorCode
from server.rules.refusal import Refusal
from server.rules.relations import MAX_RELATIONS, Relation, RelationIndex

PEOPLE = "abc"
ACTS = st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), st.sampled_from([None, False, True])))


@given(ACTS)
def test_visibility_follows_from_mutes_and_blocks(acts: list[tuple[str, str, bool | None]]) -> None:
    relations, wants = RelationIndex(), dict[tuple[str, str], bool]()
    for one, other, blocked in acts:
        if one == other:
            continue
        if blocked is None:
            relations.remove(one, other)
            wants.pop((one, other), None)
        else:
            relations.set(Relation(one, other, other.upper(), blocked))
            wants[one, other] = blocked
    for one in PEOPLE:
        apart = {other for other in PEOPLE if wants.get((one, other)) or wants.get((other, one))}
        assert set(relations.blocked_with(one)) == apart
        assert set(relations.muted_by(one)) == apart | {other for other in PEOPLE if (other, one) in wants}
        assert set(relations.hidden_to(one)) == apart | {other for other in PEOPLE if (one, other) in wants}
        assert {relation.other for relation in relations.of(one)} == {other for by, other in wants if by == one}


def test_messages_before_a_block_stay_visible_and_later_ones_are_not() -> None:
    relations = RelationIndex()
    relations.set(Relation("a", "b", "B", blocked=False, after=3))
    assert not relations.sent_during_block("a", "b", 9)
    relations.set(Relation("a", "b", "B", blocked=True, after=5))
    relations.set(Relation("b", "a", "A", blocked=True, after=7))
    for one, other in (("a", "b"), ("b", "a")):
        assert [relations.sent_during_block(one, other, msg_id) for msg_id in (5, 6, 8)] == [False, True, True]
    relations.remove("a", "b")
    assert [relations.sent_during_block("a", "b", msg_id) for msg_id in (7, 8)] == [False, True]


def test_a_person_can_mute_and_block_only_a_limited_number_of_people() -> None:
    relations = RelationIndex()
    for number in range(MAX_RELATIONS):
        relations.check("a", str(number))
        relations.set(Relation("a", str(number), "B", blocked=bool(number % 2)))
    relations.check("a", "7")
    relations.check("b", "a")
    with pytest.raises(Refusal) as refused:
        relations.check("a", "one more")
    assert refused.value.code == ErrorCode.TOO_MANY_RELATIONS
