"""The one door through which other people's text reaches a widget: what could command or deceive is made harmless."""

import re
from typing import TypeVar

import msgspec

from server.protocol.characters import BIDI, CONTROL, INVISIBLE, JOINERS, SURROGATES, VARIATIONS

MAX_MARKS = 6
"""Combining marks kept on one character; more of them would paint over the neighbouring lines."""

_MARK = "\u0300-\u036f\u0483-\u0489\u0e31-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
_SUSPECT = re.compile(f"[{CONTROL}{BIDI}{JOINERS}{VARIATIONS}{INVISIBLE}{SURROGATES}{_MARK}]")
_LINE_END = re.compile("\r\n|[\r\x85\u2028\u2029]")
_UNSEEN = re.compile(f"[{BIDI}{INVISIBLE}]")
# A joiner or a variation selector belongs behind something that it can join or vary, and there only once.
_LOOSE = re.compile(
    rf"(?:^|(?<=[\x00-\x7f\xa0{JOINERS}]))[{JOINERS}]+|(?:^|(?<=[\sA-Za-z{VARIATIONS}]))[{VARIATIONS}]+", re.MULTILINE
)
_TOO_MANY_MARKS = re.compile(f"([{_MARK}]{{{MAX_MARKS}}})[{_MARK}]+")
_COMMAND = re.compile(f"(?!\n)[{CONTROL}{SURROGATES}]")
_LINES_ALLOWED = frozenset({"message", "value"})

Value = TypeVar("Value")


def clean(text: str) -> str:
    """Text of one or more lines as it can be shown: control characters become pictures of themselves (ESC: ␛)."""
    if not _SUSPECT.search(text):
        return text
    text = _LINE_END.sub("\n", text).replace("\t", "    ")
    text = _LOOSE.sub("", _UNSEEN.sub("", text))
    text = _TOO_MANY_MARKS.sub(r"\1", text)
    return _COMMAND.sub(_picture, text)


def clean_line(text: str) -> str:
    """Text as it can be shown in one line."""
    return " ".join(clean(text).split("\n"))


def clean_frame(frame: Value) -> Value:
    """A frame with every string in it, however deep, cleaned; only messages and profile values keep several lines."""
    cleaned = _cleaned(frame, lines=False)
    return cleaned if isinstance(cleaned, type(frame)) else frame


def _cleaned(value: object, *, lines: bool) -> object:
    if isinstance(value, str):
        return clean(value) if lines else clean_line(value)
    if isinstance(value, list):
        return [_cleaned(each, lines=lines) for each in value]
    if isinstance(value, msgspec.Struct):
        fields = {
            name: _cleaned(getattr(value, name), lines=name in _LINES_ALLOWED) for name in value.__struct_fields__
        }
        return msgspec.structs.replace(value, **fields)
    return value


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
