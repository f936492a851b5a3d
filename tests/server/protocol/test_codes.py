"""Every code has a meaning, and a client reconnects after some."""

import pytest

from server.protocol.codes import CLOSE_MEANINGS, ERROR_MEANINGS, CloseCode, ErrorCode, may_reconnect

BACK = {
    CloseCode.GOING_AWAY,
    CloseCode.INTERNAL_ERROR,
    CloseCode.SERVICE_RESTART,
    CloseCode.TRY_AGAIN_LATER,
    CloseCode.LOGIN_TIMEOUT,
}


def test_every_code_has_a_meaning() -> None:
    assert set(CLOSE_MEANINGS) == set(CloseCode)
    assert set(ERROR_MEANINGS) == set(ErrorCode)


@pytest.mark.parametrize("code", CloseCode)
def test_a_client_reconnects_where_that_can_help(code: CloseCode) -> None:
    assert may_reconnect(code) is (code in BACK)


@pytest.mark.parametrize("code", [1006, 1005, 3000, 4999])
def test_a_client_reconnects_after_a_cut_and_an_unknown_code(code: int) -> None:
    assert may_reconnect(code)
