"""Every setting states when it takes effect, and a reload does what it states."""

from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from server.pacing.limiter import Limiter
from server.pacing.rate import Meter
from server.settings import Effect, RoomLimits, Settings, effects, renewed
from server.settings.model import OwnMetrics

EFFECTS = dict(effects())
ELSEWHERE = {"free_megabytes", "reports_per_hour"}
"""Limits that the limiter does not apply alone: the server also reads them for each sample, or with the webhooks."""


def test_the_settings_page_says_when_each_setting_takes_effect() -> None:
    page = (Path(__file__).parents[3] / "docs/settings.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for path, effect in EFFECTS.items():
        key = path.rpartition(".")[2]
        assert any(row.startswith(f"| `{key}` |") and row.endswith(f"| {effect} |") for row in rows), path


def test_the_settings_that_need_a_restart_are_those_that_a_reload_keeps() -> None:
    fresh = Settings(
        title="Changed", address="[::1]:1", database="changed.sqlite", metrics=OwnMetrics("127.0.0.1:1"), message_days=3
    )
    kept, waiting = renewed(Settings(), fresh)
    needing = {path.partition(".")[0] for path, effect in EFFECTS.items() if effect is Effect.RESTART}
    assert set(waiting) == needing
    before = Settings()
    names = [field.name for field in structs.fields(Settings)]
    changed = {name for name in names if getattr(kept, name) != getattr(before, name)}
    assert changed == {"title", "message_days"}


def changed(value: object) -> object:
    """Return another value of the same type."""
    return (*value, "192.0.2.0/24") if isinstance(value, tuple) else msgspec.convert(value, float) + 7


def snapshot(limiter: Limiter) -> dict[str, object]:
    """Return all numbers that a limiter uses."""
    found: dict[str, object] = {}
    for name, part in vars(limiter).items():
        meters = part.values() if isinstance(part, dict) else vars(part).values() if hasattr(part, "__dict__") else ()
        found[name] = [each.rate for each in (part, *meters) if isinstance(each, Meter)] or getattr(part, "limit", part)
    return found


@pytest.mark.parametrize("field", [each.name for each in structs.fields(RoomLimits) if each.name not in ELSEWHERE])
def test_each_limit_reaches_a_limiter_that_is_in_use(field: str) -> None:
    limits = RoomLimits()
    limiter = Limiter(limits)
    before = snapshot(limiter)
    limiter.configure(structs.replace(limits, **{field: changed(getattr(limits, field))}))
    assert snapshot(limiter) != before
