"""Reads API bodies like Go's encoding/json: keys match regardless of case; null and unknown keys are ignored."""

from http import HTTPStatus
from typing import Annotated, TypeVar, get_args, get_origin

import msgspec

from server.protocol.characters import ZERO_NAME, has_zero
from server.rules.requests import RefusedRequest

Kind = TypeVar("Kind", bound=msgspec.Struct)


def read(body: bytes, kind: type[Kind]) -> Kind:
    """Decode the body of a call. Raises RefusedRequest if it is not valid JSON of this type."""
    try:
        found = msgspec.json.decode(body)
        if has_zero(body):
            raise RefusedRequest(HTTPStatus.BAD_REQUEST, f"Invalid body: it contains {ZERO_NAME}. Remove it.")
        return msgspec.convert(_spelled({} if found is None else found, kind), kind)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        field = f"{name}: " if (name := where.strip("`.")) else ""
        message = f"Invalid body: {field}{what[0].lower()}{what[1:]}."
        raise RefusedRequest(HTTPStatus.BAD_REQUEST, message) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RefusedRequest(HTTPStatus.BAD_REQUEST, "Invalid body: it is not JSON in UTF-8.") from None


def _spelled(value: object, kind: type[msgspec.Struct]) -> object:
    """Return an object with its keys as the type spells them; the exact spelling takes precedence over others."""
    if not isinstance(value, dict):
        return value
    fields = {field.encode_name.casefold(): field for field in msgspec.structs.fields(kind)}
    found: dict[str, object] = {}
    for key in sorted(value, key=lambda key: any(field.encode_name == key for field in fields.values())):
        field = fields.get(key.casefold())
        if field and value[key] is not None:
            inner = _struct(field.type)
            found[field.encode_name] = _spelled(value[key], inner) if inner else value[key]
    return found


def _struct(kind: object) -> type[msgspec.Struct] | None:
    """Return the type of a field, without its description, if it is a struct."""
    plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return plain if isinstance(plain, type) and issubclass(plain, msgspec.Struct) else None
