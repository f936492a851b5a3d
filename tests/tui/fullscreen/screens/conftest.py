"""A client that the tests of screens share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support import pilots
from tests.support.shared_client import SharedClient


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this package in one event loop: that of the client."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="package"), append=False)


@pytest_asyncio.fixture(scope="package", loop_scope="package", autouse=True)
async def _shared_client() -> AsyncIterator[None]:
    pilots.shared = shared = SharedClient()
    yield
    pilots.shared = None
    await shared.stop()
