"""Frames of a client with one invalid field, from the types of the frames: all of a list, or generated."""

from base64 import b64encode
from collections.abc import Iterator
from typing import NamedTuple, get_args

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import inspect

from server.protocol.frames import ClientFrame

Json = object

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-(10**30), 10**30)
fractions = st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer())
plain: SearchStrategy[Json] = st.none() | st.booleans() | numbers | fractions | texts
anything: SearchStrategy[Json] = plain | st.lists(plain, max_size=3) | st.dictionaries(texts, plain, max_size=3)


class Spot(NamedTuple):
    """A field of a client's frame."""

    action: str
    field: str


def _frames() -> dict[str, inspect.StructType]:
    kinds = [inspect.type_info(kind) for kind in get_args(ClientFrame)]
    return {str(kind.tag): kind for kind in kinds if isinstance(kind, inspect.StructType)}


FRAMES = _frames()
SPOTS = [Spot(action, field.encode_name) for action, kind in FRAMES.items() for field in kind.fields]


def good(kind: inspect.Type) -> SearchStrategy[Json]:
    """Generate valid values of this type."""
    match kind:
        case inspect.Metadata(type=inner):
            return good(inner)
        case inspect.UnionType(types=types):
            return st.one_of([good(each) for each in types])
        case inspect.StrType(min_length=least, max_length=most):
            return st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
                min_size=least or 0,
                max_size=min(most or 40, 40),
            )
        case inspect.BytesType(min_length=least, max_length=most):
            return st.binary(min_size=least or 0, max_size=most).map(_base64)
        case inspect.IntType(ge=least, le=most):
            return st.integers(least, most)
        case inspect.VarTupleType(item_type=item, max_length=most):
            return st.lists(good(item), max_size=most)
        case inspect.StructType():
            return st.fixed_dictionaries({field.encode_name: good(field.type) for field in kind.fields})
        case inspect.BoolType():
            return st.booleans()
        case inspect.LiteralType() | inspect.NoneType():
            return st.sampled_from(kind.values if isinstance(kind, inspect.LiteralType) else [None])
    raise NotImplementedError(kind)


def bad(kind: inspect.Type) -> SearchStrategy[Json]:
    """Generate invalid values of this type: of another type, or out of bounds."""
    match kind:
        case inspect.Metadata(type=inner):
            return bad(inner)
        case inspect.UnionType(types=[inner, inspect.NoneType()]):
            return bad(inner).filter(lambda value: value is not None)
        case inspect.StrType(min_length=least, max_length=most):
            beyond = ([st.just("x" * (most + 1))] if most else []) + ([st.just("x" * (least - 1))] if least else [])
            return st.one_of([_but(str), *beyond])
        case inspect.BytesType(min_length=int(least), max_length=int(most)):
            sizes = st.binary(max_size=least - 1) | st.binary(min_size=most + 1)
            return _but(str) | sizes.map(_base64) | good(kind).map(lambda text: f"{text}\n")
        case inspect.IntType(ge=int(least), le=int(most)):
            outside = st.integers(max_value=least - 1) | st.integers(min_value=most + 1)
            return outside | anything.filter(lambda value: not isinstance(value, int) or isinstance(value, bool))
        case inspect.VarTupleType(item_type=item, max_length=int(most)):
            return _but(list) | st.lists(bad(item), min_size=1) | st.lists(good(item), min_size=most + 1)
        case inspect.StructType():
            return _but(dict) | st.sampled_from(kind.fields).flatmap(lambda field: _spoiled(kind, field.encode_name))
        case inspect.BoolType():
            return _but(bool)
        case inspect.LiteralType(values=values):
            return _but(str) | st.text().filter(lambda text: text not in values)
    raise NotImplementedError(kind)


VALUES: list[Json] = [
    None, False, True, 0, -1, 1.5, 10**30, -(10**30), "", "x", "🦊", [], [None], ["x"], {}, {"a": 1},
]  # fmt: skip


def sample(kind: inspect.Type) -> Json:
    """Return a valid value of this type, the smallest."""
    match kind:
        case inspect.Metadata(type=inner):
            return sample(inner)
        case inspect.UnionType(types=[first, *_]):
            return sample(first)
        case inspect.StrType(min_length=least):
            return "x" * (least or 0)
        case inspect.BytesType(min_length=least):
            return _base64(b"x" * (least or 0))
        case inspect.IntType(ge=least):
            return least
        case inspect.VarTupleType():
            return []
        case inspect.StructType():
            return {field.encode_name: sample(field.type) for field in kind.fields}
        case inspect.BoolType():
            return False
        case inspect.LiteralType(values=(first, *_)):
            return first
    raise NotImplementedError(kind)


def wrong(kind: inspect.Type) -> Iterator[Json]:
    """Yield invalid values of this type: of each other type, and just out of bounds."""
    match kind:
        case inspect.Metadata(type=inner):
            yield from wrong(inner)
        case inspect.UnionType(types=[inner, inspect.NoneType()]):
            yield from (value for value in wrong(inner) if value is not None)
        case inspect.StrType(min_length=least, max_length=most):
            yield from (*_others(str), *_out_of_bounds(least, most))
        case inspect.BytesType(min_length=int(least), max_length=int(most)):
            yield from _others(str)
            yield from (_base64(bytes(size)) for size in (least - 1, most + 1))
            yield f"{sample(kind)}\n"
        case inspect.IntType(ge=int(least), le=int(most)):
            yield from _others(int)
            yield from (False, True, least - 1, most + 1, -(10**30), 10**30)
        case inspect.VarTupleType(item_type=item, max_length=int(most)):
            yield from _others(list)
            yield from ([value] for value in wrong(item))
            yield [sample(item)] * (most + 1)
        case inspect.StructType():
            yield from _others(dict)
            yield from (value for field in kind.fields for value in wrong_in(kind, field))
        case inspect.BoolType():
            yield from _others(bool)
        case inspect.LiteralType(values=values):
            yield from _others(str)
            yield from ("", f"{values[0]}x")
        case _:
            raise NotImplementedError(kind)


def wrong_in(kind: inspect.StructType, field: inspect.Field) -> Iterator[dict[str, Json]]:
    """Yield objects in which only this field is invalid."""
    fields = {each.encode_name: sample(each.type) for each in kind.fields}
    return ({**fields, field.encode_name: value} for value in wrong(field.type))


def spoiled(spot: Spot) -> SearchStrategy[dict[str, Json]]:
    """Generate frames in which only this field is invalid."""
    return _spoiled(FRAMES[spot.action], spot.field).map(lambda fields: {"action": spot.action, **fields})


def encoded(frame: Json) -> bytes:
    """Return the bytes of a frame on the wire."""
    return msgspec.json.encode(frame)


def _spoiled(kind: inspect.StructType, spoiled: str) -> SearchStrategy[dict[str, Json]]:
    return st.fixed_dictionaries(
        {
            field.encode_name: bad(field.type) if field.encode_name == spoiled else good(field.type)
            for field in kind.fields
        }
    )


def _base64(content: bytes) -> Json:
    return b64encode(content).decode()


def _out_of_bounds(least: int | None, most: int | None) -> Iterator[str]:
    if least:
        yield "x" * (least - 1)
    if most is not None:
        yield "x" * (most + 1)


def _others(kind: type[object]) -> Iterator[Json]:
    return (value for value in VALUES if not isinstance(value, kind))


def _but(kind: type[object]) -> SearchStrategy[Json]:
    return anything.filter(lambda value: not isinstance(value, kind))
