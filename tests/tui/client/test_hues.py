"""People in the room do not share a hue while another is free, and keep theirs."""

from hypothesis import given
from hypothesis import strategies as st

from tui.client.hues import HUES, Hues, usual

ROOMS = st.lists(st.frozensets(st.sampled_from([f"sailor {number}" for number in range(20)])), max_size=8)


@given(ROOMS)
def test_nobody_shares_a_hue_while_another_is_free_and_everyone_keeps_theirs(rooms: list[frozenset[str]]) -> None:
    hues, before = Hues(), frozenset[str]()
    shared = set[str]()
    for present in rooms:
        old = hues.of
        hues.assign(present)
        assert {name: hues.of[name] for name in present & before} == {name: old[name] for name in present & before}
        # Those who came when all hues were taken share one until they leave.
        free = HUES - len(present)
        if free < 0:
            shared |= present
        shared &= present
        alone = [hues.of[name] for name in present - shared]
        assert len(alone) == len(set(alone))
        before = present


def test_an_empty_room_gives_each_name_its_usual_hue() -> None:
    hues = Hues()
    hues.assign(["ada"])
    assert hues.of == {"ada": usual("ada")}


def test_a_returning_person_gets_the_same_hue() -> None:
    hues = Hues()
    hues.assign([f"sailor {number}" for number in range(HUES)])
    known = dict(hues.of)
    hues.assign([])
    assert hues.of == known
    hues.assign(["sailor 3"])
    assert hues.of == known


def test_the_map_of_hues_is_replaced_only_when_it_changes() -> None:
    hues = Hues()
    hues.assign(["ada", "bob"])
    known = hues.of
    hues.assign(["bob", "ada"])
    hues.assign(["bob"])
    assert hues.of is known
