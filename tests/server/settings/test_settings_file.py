"""The settings.toml at the root: it has every option, with its default and its description as a comment."""

import re
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
import pytest
import tomli

from server.settings import (
    JWT,
    TLS,
    VIP,
    WEBHOOK_NAMES,
    DirectMessageHistory,
    DMLinkSpamProtection,
    Logging,
    MessageFilter,
    PublicChannel,
    RoomLimits,
    Settings,
    WebhookSecurity,
    WebhookURL,
    load,
)

FILE = Path(__file__).parents[3] / "settings.toml"
TEXT = FILE.read_text(encoding="utf-8")
TABLES = tomli.loads(TEXT)


def options(kind: type[msgspec.Struct]) -> set[str]:
    """Return the keys that a table of this type can have."""
    return {field.encode_name for field in msgspec.structs.fields(kind)}


def test_the_file_has_exactly_the_options_of_the_code() -> None:
    assert set(TABLES) == options(Settings)
    assert set(TABLES["Limits"]) == options(RoomLimits)
    assert set(TABLES["TLS"]) == options(TLS)
    assert set(TABLES["WebhookSecurity"]) == options(WebhookSecurity)
    for channel in TABLES["PublicChannels"]:
        assert set(channel) == options(PublicChannel)
    for webhook in TABLES["WebhookURLs"]:
        assert set(webhook) == options(WebhookURL)
    for table in (JWT, VIP, DirectMessageHistory, DMLinkSpamProtection, Logging):
        assert set(TABLES[table.__name__]) == options(table)
    assert set(TABLES["MessageFilters"][0]) == options(MessageFilter)


def test_the_file_changes_no_default() -> None:
    loaded = load(FILE, {})
    assert not loaded.notices
    assert Path(loaded.settings.database).name == Settings().database
    assert Path(loaded.settings.logging.directory) == FILE.parent / Logging().directory
    assert loaded.settings.message_filters == (MessageFilter(),)
    mine = {"database": Settings().database, "logging": Logging(), "message_filters": (), "webhook_urls": ()}
    assert msgspec.structs.replace(loaded.settings, **mine) == Settings()


def test_every_webhook_is_in_the_file_and_disabled() -> None:
    webhooks = load(FILE, {}).settings.webhook_urls
    assert tuple(webhook.name for webhook in webhooks) == WEBHOOK_NAMES
    assert not any(webhook.enabled for webhook in webhooks)


@pytest.mark.parametrize("block", re.split(r"\n{2,}", TEXT.strip())[1:])
def test_a_comment_precedes_each_option(block: str) -> None:
    before_options, _, _ = block.partition(" = ")
    assert before_options.startswith("# ")


def test_each_block_is_one_option_or_one_table() -> None:
    blocks = re.split(r"\n{2,}", TEXT.strip())[1:]
    assert len(blocks) == len(options(Settings)) - 2 + len(TABLES["PublicChannels"]) + len(TABLES["WebhookURLs"])


@pytest.mark.parametrize(
    "kind", [Settings, RoomLimits, TLS, WebhookSecurity, JWT, VIP, DirectMessageHistory, DMLinkSpamProtection, Logging]
)
def test_the_comment_of_each_option_is_its_description_in_the_code(kind: type[msgspec.Struct]) -> None:
    comments = " ".join(line.removeprefix("# ") for line in TEXT.splitlines() if line.startswith("#"))
    hints = get_type_hints(kind, include_extras=True)
    for field in hints.keys() - {"webhook_urls"}:
        (meta,) = (one for one in get_args(hints[field]) if isinstance(one, msgspec.Meta))
        assert meta.description
        assert meta.description in comments
