"""What people see of hidden operators and of VIPs."""

import pytest

from server.protocol.frames import Presence, WhoEntry
from server.rules.ranks import Rank
from server.rules.refusal import Refusal
from server.rules.statuses import check_status
from server.rules.visibility import GONE, JOINED, View, entry_for, presence_for, view_of

SHOWN, HIDDEN = WhoEntry("op", 1, op=True), WhoEntry("op", 1, "hidden", op=True)
LEFT = Presence("op", GONE)


def test_hidden_operators_are_seen_by_operators_and_secret_vips_by_vips_and_operators() -> None:
    assert [view_of(rank, vips_are_secret=True) for rank in Rank] == [
        View(hidden=False, vips=False),
        View(hidden=False, vips=True),
        View(hidden=True, vips=True),
    ]
    assert view_of(Rank.PERSON, vips_are_secret=False).vips


def test_an_entry_hides_hidden_operators_and_the_rank_of_vips() -> None:
    vip = WhoEntry("vic", 1, vip=True, nickname="Vicky")
    assert entry_for(View(hidden=False, vips=False), vip) == WhoEntry("vic", 1, nickname="Vicky")
    assert entry_for(View(hidden=False, vips=True), vip) == vip
    assert entry_for(View(hidden=False, vips=True), HIDDEN) is None
    assert entry_for(View(hidden=True, vips=True), HIDDEN) == HIDDEN


@pytest.mark.parametrize(
    ("presence", "was_hidden", "for_others", "for_operators"),
    [
        (Presence("op", "", HIDDEN), False, LEFT, Presence("op", "", HIDDEN)),
        (Presence("op", "", HIDDEN), True, None, Presence("op", "", HIDDEN)),
        (Presence("op", "", SHOWN), True, Presence("op", JOINED, SHOWN), Presence("op", "", SHOWN)),
        (Presence("op", "", SHOWN), False, Presence("op", "", SHOWN), Presence("op", "", SHOWN)),
        (LEFT, True, None, LEFT),
        (LEFT, False, LEFT, LEFT),
    ],
    ids=["hides", "changes while hidden", "shows up", "changes", "leaves hidden", "leaves"],
)
def test_an_operator_who_hides_seems_to_leave(
    presence: Presence, was_hidden: bool, for_others: Presence | None, for_operators: Presence
) -> None:
    assert presence_for(View(hidden=False, vips=True), presence, was_hidden=was_hidden) == for_others
    assert presence_for(View(hidden=True, vips=True), presence, was_hidden=was_hidden) == for_operators


def test_only_an_operator_can_be_hidden() -> None:
    assert check_status("Hidden", Rank.OPERATOR) == "hidden"
    with pytest.raises(Refusal, match="Only operators"):
        check_status(" HIDDEN ", Rank.VIP)
