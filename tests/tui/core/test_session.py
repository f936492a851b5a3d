"""Who logs in, and how long to wait before the next try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol.codes import CLOSE_MEANINGS, CloseCode
from server.protocol.frames import Login, Since
from tui.core.session import FIRST_SECONDS, LONGEST_SECONDS, RESTART_SECONDS, Session

CUT = 1006


def test_the_login_has_name_token_and_where_to_catch_up_from() -> None:
    session = Session("ada", "a-token-of-16-or-more")
    assert session.login(None) == Login("ada", "a-token-of-16-or-more")
    assert session.login(Since("e1", 7)) == Login("ada", "a-token-of-16-or-more", Since("e1", 7))


def test_each_session_has_a_token_of_its_own_that_the_wire_takes() -> None:
    tokens = {Session("ada").token for _ in range(50)}
    assert len(tokens) == 50
    assert all(16 <= len(token) <= 128 and token.isascii() for token in tokens)


def test_nothing_that_is_printed_has_the_token_in_it() -> None:
    session = Session("ada")
    assert session.token not in f"{session} {session.login(None)}"


def test_the_next_login_is_by_the_name_that_was_granted() -> None:
    session = Session("ada")
    token = session.token
    session.entered("ada 2")
    assert session.login(None) == Login("ada 2", token)


def test_the_wait_doubles_with_each_failure_up_to_the_longest() -> None:
    session = Session("ada")
    waits = [session.wait_seconds(CUT, 1.0) for _ in range(9)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_half_of_the_wait_is_left_to_chance() -> None:
    for failures in range(12):
        least, middle, most = (
            Session("ada", failures=failures).wait_seconds(CUT, chance) or 0.0 for chance in (0.0, 0.5, 1.0)
        )
        assert least == most / 2
        assert middle == pytest.approx((least + most) / 2)


def test_an_entry_makes_the_wait_short_again() -> None:
    session = Session("ada")
    for _ in range(6):
        session.wait_seconds(CUT, 1.0)
    session.entered("ada")
    assert session.wait_seconds(CUT, 1.0) == FIRST_SECONDS


@given(st.integers(0, 10**6), st.floats(0, 1), st.sampled_from([CUT, 1012, 1011, 1001, 4002, 4999, 1005]))
def test_the_wait_is_within_bounds_whatever_happened(failures: int, chance: float, code: int) -> None:
    wait = Session("ada", failures=failures).wait_seconds(code, chance)
    assert wait is not None
    assert FIRST_SECONDS / 2 <= wait <= LONGEST_SECONDS


@pytest.mark.parametrize("code", [code for code, (_, again) in CLOSE_MEANINGS.items() if not again])
def test_there_is_no_next_try_after_a_code_that_forbids_it(code: CloseCode) -> None:
    assert Session("ada").wait_seconds(code, 0.5) is None


def test_the_codes_that_forbid_it() -> None:
    forbidding = {code for code in range(1000, 5000) if Session("ada").wait_seconds(code, 0.5) is None}
    assert forbidding == {1000, 1002, 1003, 1007, 1009, 4001}


@given(st.floats(0, 1), st.integers(0, 10))
def test_after_a_restart_chance_spreads_the_clients_over_seconds(chance: float, failures: int) -> None:
    least, wait, most = (
        Session("ada", failures=failures).wait_seconds(CloseCode.SERVICE_RESTART, each) or 0.0
        for each in (0.0, chance, 1.0)
    )
    assert least <= wait <= most
    assert most - least >= RESTART_SECONDS / 2
