"""Lists when each setting takes effect after a reload, according to the model."""

from collections.abc import Iterator

import msgspec
from msgspec import inspect

from server.settings.model import Settings
from server.settings.reload_effect import Effect


def of_field(field: inspect.Field) -> Effect:
    """Return when a changed field takes effect."""
    kind = field.type
    extra = (kind.extra or {}) if isinstance(kind, inspect.Metadata) else {}
    return Effect(extra.get("effect", Effect.NOW))


def inner_kind(field: inspect.Field) -> type[msgspec.Struct] | None:
    """Return the type of the table, or of the list of tables, in a field; None for a plain setting."""
    kind = field.type.type if isinstance(field.type, inspect.Metadata) else field.type
    kind = kind.item_type if isinstance(kind, inspect.VarTupleType) else kind
    return kind.cls if isinstance(kind, inspect.StructType) else None


def effects(kind: type[msgspec.Struct] = Settings, where: str = "") -> Iterator[tuple[str, Effect]]:
    """Yield each setting, like `Limits.FrameBytes`, and when it takes effect."""
    info = inspect.type_info(kind)
    for field in info.fields if isinstance(info, inspect.StructType) else ():
        if inner := inner_kind(field):
            yield from effects(inner, f"{where}{field.encode_name}.")
        else:
            yield f"{where}{field.encode_name}", of_field(field)
