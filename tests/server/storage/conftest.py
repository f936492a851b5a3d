"""What reporters and the site do with a room's reports, on both kinds of database."""

import pytest

from tests.support.empty_room import Connection
from tests.support.stored_reports import Desk


@pytest.fixture
def desk(connection: Connection) -> Desk:
    return Desk(connection=connection)
