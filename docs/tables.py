"""Markdown tables of the fields of frames, settings and bodies."""

from collections.abc import Collection, Iterable, Sequence

import msgspec
from msgspec import inspect

from server.protocol.frames import ABSENT
from server.settings import Secret, SigningSecrets
from server.settings.secret import ApiKeys

UNBOUNDED = 2**63 - 1
MAX_SHOWN_CHARS = 40
"""Maximum length of a default that is a list; docs/settings.md links to settings.toml for longer ones."""


def rows(fields: Sequence[inspect.Field]) -> list[Sequence[str]]:
    """Return a row for each field: name, type, default and meaning."""
    return [[f"`{field.encode_name}`", _type(field.type), _default(field), _meaning(field.type)] for field in fields]


def fields_of(kind: type[msgspec.Struct]) -> Sequence[inspect.Field]:
    """Return the fields of a type."""
    info = inspect.type_info(kind)
    return info.fields if isinstance(info, inspect.StructType) else ()


def inner_kinds(outer: Collection[type[msgspec.Struct]]) -> list[type[msgspec.Struct]]:
    """Return the types that fields of the outer types have, at any depth, except the outer types themselves."""
    found: list[type[msgspec.Struct]] = []

    def visit(kind: inspect.Type) -> None:
        match kind:
            case inspect.StructType(cls=cls, fields=fields) if cls not in outer and cls not in found:
                found.append(cls)
                for field in fields:
                    visit(field.type)
            case inspect.UnionType(types=types):
                for each in types:
                    visit(each)
            case (
                inspect.Metadata(type=inner) | inspect.ListType(item_type=inner) | inspect.VarTupleType(item_type=inner)
            ):
                visit(inner)

    for each in outer:
        for field in fields_of(each):
            visit(field.type)
    return found


def _type(kind: inspect.Type) -> str:
    match kind:
        case inspect.Metadata(type=inner):
            return _type(inner)
        case inspect.UnionType(types=types):
            return " or ".join(_type(each) for each in types)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return _list(_type(item), kind.max_length)
        case inspect.StructType(cls=cls, tag=tag):
            return f"`{tag}`" if tag else cls.__name__
        case inspect.DateTimeType():
            return "RFC 3339, UTC"
        case inspect.CustomType(cls=cls) if issubclass(cls, ApiKeys | SigningSecrets):
            return "text or list of texts"
    return _bounded(kind) or {
        "StrType": "text",
        "IntType": "number",
        "FloatType": "number",
        "BoolType": "true or false",
        "NoneType": "null",
        "BytesType": "32 bytes in base64",
        "DictType": "table",
    }.get(type(kind).__name__, "text")


def _list(item: str, most: int | None) -> str:
    """Return the type of a list of items of this type, of which there are at most so many."""
    kind, comma, bounds = item.partition(", ")
    items = f"{kind}s" if kind in {"text", "number"} else kind
    each = f"{comma}each {bounds}" if comma else ""
    return f"list of {f'at most {most} ' if most is not None else ''}{items}{each}"


def _bounded(kind: inspect.Type) -> str:
    """Return the type of a text or number with its bounds; "" if it has none."""
    match kind:
        case inspect.StrType(min_length=int(least), max_length=int(longest)):
            return f"text, {least} to {longest:,} characters"
        case inspect.StrType(max_length=int(longest)):
            return f"text, at most {longest:,} characters"
        case inspect.IntType(ge=int(least), le=int(most)) if most < UNBOUNDED:
            return f"number, {least:,} to {most:,}"
        case inspect.IntType(ge=int(least)):
            return f"number, at least {least}"
        case inspect.FloatType(ge=bound) if bound is not None:
            return f"number, at least {bound:g}"
    return ""


def _meaning(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.Metadata):
        found = str((kind.extra_json_schema or {}).get("description", ""))
        return found or _meaning(kind.type)
    if isinstance(kind, inspect.UnionType):
        return next((text for text in map(_meaning, kind.types) if text), "")
    return ""


def _default(field: inspect.Field) -> str:
    if field.default_factory is dict:
        return "none"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory
    if value is msgspec.NODEFAULT or value is ABSENT:
        return "required" if field.required or value is ABSENT else "left out"
    if isinstance(value, Secret | SigningSecrets):
        return '`""`'
    if value is list or value in ((), []):
        return "`[]`"
    if isinstance(value, msgspec.Struct):
        return "`{}`"
    shown = f"{value:g}" if isinstance(value, float) else msgspec.json.encode(value).decode()
    if isinstance(value, tuple) and len(shown) > MAX_SHOWN_CHARS:
        return "see [settings.toml](../settings.toml)"
    return f"`{shown}`"


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Format a table in Markdown."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"
