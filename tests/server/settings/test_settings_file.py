"""The settings.toml at the root: it has every option, with its default and its description as a comment."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
import pytest
import tomli
from msgspec.inspect import Metadata, StructType, VarTupleType, type_info

from server.settings import (
    WEBHOOK_NAMES,
    Logging,
    MessageFilter,
    Settings,
    load,
)

FILE = Path(__file__).parents[3] / "settings.toml"
TEXT = FILE.read_text(encoding="utf-8")
TABLES = tomli.loads(TEXT)


def options(kind: type[msgspec.Struct]) -> set[str]:
    """Return the keys that a table of this type can have."""
    return {field.encode_name for field in msgspec.structs.fields(kind)}


def tables(kind: type[msgspec.Struct], table: dict[str, object]) -> Iterator[tuple[type[msgspec.Struct], set[str]]]:
    """Yield the type and the keys of a table of the file, and of each table within it."""
    yield kind, set(table)
    info = type_info(kind)
    assert isinstance(info, StructType)
    for field in info.fields:
        of = field.type.type if isinstance(field.type, Metadata) else field.type
        inner = of.item_type if isinstance(of, VarTupleType) else of
        if isinstance(inner, StructType):
            found = table[field.encode_name]
            for each in msgspec.convert(found if isinstance(found, list) else [found], list[dict[str, object]]):
                yield from tables(inner.cls, each)


ALL_TABLES = list(tables(Settings, TABLES))


def test_the_file_has_exactly_the_options_of_the_code() -> None:
    assert all(keys == options(kind) for kind, keys in ALL_TABLES)


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


@pytest.mark.parametrize("kind", dict(ALL_TABLES))
def test_the_comment_of_each_option_is_its_description_in_the_code(kind: type[msgspec.Struct]) -> None:
    comments = " ".join(line.removeprefix("# ") for line in TEXT.splitlines() if line.startswith("#"))
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        (meta,) = (one for one in get_args(hints[field.name]) if isinstance(one, msgspec.Meta))
        words = meta.description
        assert words
        # A table that can be repeated has the comments of its shorter options above it.
        assert words in comments or f"{field.encode_name}: {words[0].lower()}{words[1:]}" in comments, words
