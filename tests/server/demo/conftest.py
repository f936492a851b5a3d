"""Fixtures of the demo site."""

from collections.abc import AsyncIterator

import pytest

from tests.server.demo.caller import Caller


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    caller = Caller()
    async with caller.site:
        yield caller
