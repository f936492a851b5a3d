"""Login, verifying the server, and the backoff before the next attempt."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol.codes import CLOSE_MEANINGS, CUT, CloseCode
from server.protocol.frames import Echo, Limits, Login, Me, Message, Say, Since, Webhooks, Welcome
from tests.support.key_login import Desk
from tui.net.client_session import (
    FIRST_SECONDS,
    LONGEST_SECONDS,
    QUICK_RETRIES,
    RESTART_SECONDS,
    ClientSession,
    ServerNews,
)


def welcome(desk: Desk) -> Welcome:
    """Return the first frame of a desk's server."""
    hooks = Webhooks(report=False, profile=False)
    return Welcome("e1", "Room", [], hooks, [], Limits(), server=desk.server, challenge=desk.challenge)


def enter(session: ClientSession, desk: Desk) -> list[ServerNews] | None:
    """Log in on a new connection; return None if the session did not trust the server."""
    session.connected()
    login: Login | None = session.login(welcome(desk), None)
    while login:
        answer = desk.login(login)
        login = session.again(answer)
    if not session.passes(answer):
        return None
    assert isinstance(answer, Me)
    return session.entered(answer.username)


def texts(told: list[ServerNews] | None) -> list[str]:
    """Return the beginning of each line of news."""
    assert told is not None
    return [line.text.partition(" at ")[0] for line in told]


def copy(desk: Desk) -> Desk:
    """Another server with the ID of this one."""
    return Desk(desk.server)


SAID = Message("lobby", "bob", "hi", 1, datetime(2026, 3, 14, tzinfo=UTC))


def test_a_login_at_a_server_without_an_identity_sends_nothing_but_the_name() -> None:
    session = ClientSession("ada")
    hooks = Webhooks(report=False, profile=False)
    old = Welcome("e1", "Room", [], hooks, [], Limits())
    assert session.login(old, Since("e1", 7)) == Login("ada", since=Since("e1", 7))


def test_the_first_login_enrols_and_the_next_ones_prove() -> None:
    session, desk = ClientSession("ada"), Desk()
    first = session.login(welcome(desk), Since("e1", 7))
    assert first.enrol
    assert (first.token, first.prove) == (None, None)
    assert first.since == Since("e1", 7)
    assert [enter(session, desk) for _ in range(3)] == [[], [], []]
    later = session.login(welcome(desk), None)
    assert later.prove
    assert (later.token, later.enrol) == (None, None)
    assert len(set(desk.entered)) == 1


def test_an_enrolment_whose_answer_was_lost_is_not_made_twice() -> None:
    session, desk = ClientSession("ada"), Desk()
    session.connected()
    desk.login(session.login(welcome(desk), None))
    assert enter(session, desk) == []
    assert len(desk.people) == 1
    session, desk = ClientSession("ada"), Desk()
    session.connected()
    lost = session.login(welcome(desk), None)
    assert enter(session, desk) == []
    assert lost.enrol
    assert lost.enrol.stored_key not in [keys.stored_key for keys in desk.people.values()]


def test_each_login_has_a_nonce_and_each_enrolment_a_secret_of_its_own() -> None:
    session, desk = ClientSession("ada"), Desk()
    enrolled = [ClientSession("ada").login(welcome(desk), None).enrol for _ in range(5)]
    enter(session, desk)
    proven = [session.login(welcome(desk), None).prove for _ in range(5)]
    assert len({each.stored_key for each in enrolled if each}) == 5
    assert len({each.client_nonce for each in proven if each}) == 5


def test_nothing_that_is_printed_has_a_secret_in_it() -> None:
    session, desk = ClientSession("ada"), Desk()
    enter(session, desk)
    (key,) = session.keys.of(desk.server)
    login = session.login(welcome(desk), None)
    assert login.prove
    for printed in (f"{session} {key} {login} {login.prove}", repr(session.login(welcome(Desk()), None).enrol)):
        assert repr(key.secret)[2:8] not in printed
        assert repr(login.prove.proof)[2:8] not in printed


def test_the_client_leaves_a_server_that_claims_to_be_a_known_one_without_proof() -> None:
    session, desk = ClientSession("ada"), Desk()
    enter(session, desk)
    for answer in (
        Me("ada", op=False),
        Me("ada", op=False, proof=b""),
        Me("ada", op=False, proof=b"p" * 32),
    ):
        session.impostor = False
        session.connected()
        session.login(welcome(copy(desk)), None)
        assert not session.passes(answer)
        assert session.impostor
        assert not session.passes(SAID)
        assert not session.may_send(Say("lobby", "hi"))
        assert session.wait_seconds(CUT, 0.5) is None


def test_before_a_known_server_has_proven_itself_nothing_is_sent_to_it_or_believed() -> None:
    session, desk = ClientSession("ada"), Desk()
    enter(session, desk)
    assert session.may_send(Say("lobby", "hi"))
    session.connected()
    assert not session.may_send(Say("lobby", "hi"))
    assert not any(session.passes(frame) for frame in (SAID, Me("ada", op=False), Echo([SAID])))
    assert session.passes(welcome(desk))
    login = session.login(welcome(desk), None)
    assert session.may_send(login)
    assert not session.may_send(Say("lobby", "hi"))
    assert not session.passes(SAID)
    assert session.passes(desk.login(login))
    assert session.may_send(Say("lobby", "hi"))
    assert session.passes(SAID)


def test_a_proof_of_an_earlier_connection_proves_nothing() -> None:
    session, desk = ClientSession("ada"), Desk()
    enter(session, desk)
    session.connected()
    overheard = desk.login(session.login(welcome(desk), None))
    assert session.passes(overheard)
    session.connected()
    session.login(welcome(desk), None)
    assert not session.passes(overheard)


def test_a_replaced_server_is_noticed_and_the_old_one_recognises_its_user() -> None:
    session, real, other = ClientSession("ada"), Desk(), Desk("server-2")
    enter(session, real)
    assert texts(enter(session, other)) == ["This is not the server you used before"]
    assert texts(enter(session, other)) == []
    assert texts(enter(session, real)) == ["You are back on the server you used before"]
    assert texts(enter(session, real)) == []
    assert len(set(real.entered)) == 1
    assert not set(real.entered) & set(other.entered)


def test_a_known_server_that_lost_its_identity_is_shown_at_each_login() -> None:
    session, desk = ClientSession("ada"), Desk()
    enter(session, desk)
    for old in (Desk("", ""), Desk("", ""), Desk(desk.server, "")):
        assert texts(enter(session, old)) == ["This is not the server you used before"]
    assert texts(enter(session, desk)) == []


def test_a_forgotten_user_enrols_with_another_secret_and_keeps_the_first() -> None:
    session, real, restored = ClientSession("ada"), Desk(), Desk()
    enter(session, real)
    assert texts(enter(session, restored)) == ["The server"]
    first, second = session.keys.of(real.server)
    assert first.secret != second.secret
    assert texts(enter(session, restored)) == []
    assert texts(enter(session, real)) == ["You are back on the server you used before"]
    assert texts(enter(session, restored)) == ["The server"]
    assert len(set(restored.entered)) == 1
    assert set(real.entered) == {first.identity}


def test_the_first_key_is_kept_however_often_the_server_forgets_the_user() -> None:
    session, real = ClientSession("ada"), Desk()
    enter(session, real)
    for _ in range(5):
        assert texts(enter(session, Desk())) == ["The server"]
    assert len(session.keys.of(real.server)) == 2
    enter(session, real)
    assert len(set(real.entered)) == 1


def test_a_server_started_by_the_client_causes_no_identity_notice() -> None:
    session = ClientSession("ada", own=True)
    assert [enter(session, desk) for desk in (Desk(), Desk("server-2"), Desk())] == [[], [], []]


def test_the_next_login_uses_the_name_that_was_granted() -> None:
    session, desk = ClientSession("ada"), Desk()
    session.entered("ada 2")
    assert session.login(welcome(desk), None).username == "ada 2"


def test_the_wait_doubles_with_each_failure_up_to_the_longest() -> None:
    session = ClientSession("ada")
    waits = [session.wait_seconds(CUT, 1.0) for _ in range(9)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_half_of_the_wait_is_random() -> None:
    for failures in range(12):
        least, middle, most = (
            ClientSession("ada", failures=failures).wait_seconds(CUT, chance) or 0.0 for chance in (0.0, 0.5, 1.0)
        )
        assert least == most / 2
        assert middle == pytest.approx((least + most) / 2)


def test_a_login_resets_the_wait() -> None:
    session = ClientSession("ada")
    for _ in range(6):
        session.wait_seconds(CUT, 1.0)
    session.entered("ada")
    assert session.wait_seconds(CUT, 1.0) == FIRST_SECONDS


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_the_first_attempts_after_an_accepted_login_are_made_within_a_second(chance: float) -> None:
    session = ClientSession("ada")
    session.entered("ada")
    waits = [session.wait_seconds(CUT, chance) or 0.0 for _ in range(6)]
    assert sum(waits[: 1 + QUICK_RETRIES]) <= 1
    # Then they are as rare as those of a client whose login was never accepted.
    never = ClientSession("ada")
    assert waits[1 + QUICK_RETRIES :] == [never.wait_seconds(CUT, chance) for _ in range(4)][1:]


@pytest.mark.parametrize("code", [CloseCode.TRY_AGAIN_LATER, CloseCode.SERVICE_RESTART, CloseCode.INTERNAL_ERROR])
def test_an_attempt_that_a_server_answered_is_not_repeated_sooner(code: CloseCode) -> None:
    session = ClientSession("ada")
    session.entered("ada")
    session.wait_seconds(CUT, 0.0)
    assert (session.wait_seconds(code, 0.0) or 0.0) >= FIRST_SECONDS


@given(st.integers(0, 10**6), st.floats(0, 1), st.sampled_from([CUT, 1012, 1011, 1001, 4002, 4999, 1005]))
def test_the_wait_is_within_bounds_whatever_happened(failures: int, chance: float, code: int) -> None:
    wait = ClientSession("ada", failures=failures).wait_seconds(code, chance)
    assert wait is not None
    assert FIRST_SECONDS / 2 <= wait <= LONGEST_SECONDS


@pytest.mark.parametrize("code", [code for code, (_, again) in CLOSE_MEANINGS.items() if not again])
def test_client_does_not_retry_after_a_close_code_that_forbids_it(code: CloseCode) -> None:
    assert ClientSession("ada").wait_seconds(code, 0.5) is None


def test_the_close_codes_that_forbid_a_retry_are_listed() -> None:
    forbidding = {code for code in range(1000, 5000) if ClientSession("ada").wait_seconds(code, 0.5) is None}
    assert forbidding == {1000, 1002, 1003, 1007, 1009, 4001, 4003, 4004}


@given(st.floats(0, 1), st.integers(0, 10))
def test_random_delays_spread_the_clients_over_seconds_after_a_restart(chance: float, failures: int) -> None:
    least, wait, most = (
        ClientSession("ada", failures=failures).wait_seconds(CloseCode.SERVICE_RESTART, each) or 0.0
        for each in (0.0, chance, 1.0)
    )
    assert least <= wait <= most
    assert most - least >= RESTART_SECONDS / 2
