"""Which frames a session expects, by the fields of its login."""

import pytest

from server.protocol.frames import Login, Since
from server.rules.dialects import BARERTC, EITHER, FLAGPOST, Dialect, dialect_of


@pytest.mark.parametrize(
    ("login", "dialect"),
    [
        (Login("bob"), EITHER),
        (Login("bob", jwt="a.b.c"), BARERTC),
        (Login("bob", jwt="", dnd=False), BARERTC),
        (Login("bob", jwt="a.b.c", since=Since("e", 1)), FLAGPOST),
        (Login("bob", "a-token-of-16-or-more"), FLAGPOST),
        (Login("bob", jwt="a.b.c", dialect="flagpost"), FLAGPOST),
        (Login("bob", "a-token-of-16-or-more", dialect="barertc"), BARERTC),
    ],
    ids=str,
)
def test_the_fields_of_a_login_decide_the_dialect(login: Login, dialect: Dialect) -> None:
    assert dialect_of(login) == dialect
