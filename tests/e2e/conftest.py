"""Fixtures of the end-to-end tests."""

from collections.abc import Iterator

import pytest

from tests.support.cluster import Cluster
from tests.support.postgres import SharedPostgres


@pytest.fixture(scope="module")
def cluster(postgres: SharedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two servers that share a room, for all tests of a module: each test has people of its own."""
    with postgres.database() as database, Cluster(tmp_path_factory.mktemp("cluster"), database) as cluster:
        yield cluster
