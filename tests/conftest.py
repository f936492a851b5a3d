"""Fixtures that tests of several packages share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.golden import Golden
from tests.support.receiver import Receiver
from tests.support.server_process import ServerProcess, write_settings

# Hypothesis fails a slow example by default, and no test asserts a time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _data_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a client keeps for its next start stays within the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Iterator[Golden]:
    """Texts that this test expects, in files beside it, each of which it must look at."""
    golden = Golden(request)
    yield golden
    assert golden.unused() == []


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A website that takes everything, until its `behaviour` is set."""
    with Receiver() as website:
        yield website


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server with the channels lobby and tea, and no webhooks."""
    with ServerProcess(write_settings(tmp_path)) as process:
        yield process
