"""Which errors mean that a connection has to be opened again."""

import psycopg
import pytest
from psycopg import errors

from server.storage.postgres.connecting import ends_connection


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (psycopg.OperationalError("connection refused"), True),
        (psycopg.DataError("NUL"), False),
        (errors.ConnectionFailure(), True),
        (errors.AdminShutdown(), True),
        (errors.CrashShutdown(), True),
        (errors.CannotConnectNow(), True),
        (errors.IdleInTransactionSessionTimeout(), True),
        # The primary became a standby.
        (errors.ReadOnlySqlTransaction(), True),
        (errors.QueryCanceled(), False),
        (errors.LockNotAvailable(), False),
        (errors.DiskFull(), False),
        (errors.DivisionByZero(), False),
    ],
)
def test_connection_is_reopened_after_errors_that_end_it(error: psycopg.Error, ends: bool) -> None:
    assert ends_connection(error) == ends
