"""A database in PostgreSQL for each test."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import SharedPostgres


@pytest.fixture
def url(postgres: SharedPostgres) -> Iterator[str]:
    """The URL of an empty schema."""
    with postgres.schema() as url:
        yield url
