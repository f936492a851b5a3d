"""Fixtures that make clients cheap: most of a test's time is spent on what it does not look at."""

from collections.abc import Iterator

import pytest

from tests.support import quiet, style_rules
from tests.support.drawing import FRAMES


@pytest.fixture(autouse=True, scope="session")
def _cheap_clients() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        style_rules.share(patch)
        quiet.replace_sleeps(patch)
        yield


@pytest.fixture(autouse=True)
def drawn_when_looked_at() -> Iterator[None]:
    """Draw the screen only when a test looks at it. Modules about what is hard to draw replace this fixture."""
    with FRAMES.saved():
        yield
