"""Cleans text before it is shown: no character controls the terminal and, in text of others, none misleads readers."""

import re

from server.protocol.characters import BIDI, CONTROL, INVISIBLE, JOINERS, SURROGATES, VARIATIONS, limit_marks

_LINE_END = re.compile("\r\n|[\r\x85\u2028\u2029]")
_UNSEEN = re.compile(f"[{BIDI}{INVISIBLE}]")
_GLUE = re.compile(f"[{JOINERS}{VARIATIONS}]+")
_JOINER, _VARIATION = re.compile(f"[{JOINERS}]"), re.compile(f"[{VARIATIONS}]")
_KEYCAPS = frozenset("0123456789#*")
TAB = "    "
_COMMAND = re.compile(f"(?![\n\t])[{CONTROL}{SURROGATES}]")
_REORDERING = re.compile("[\u202a-\u202e]")


def clean(text: str) -> str:
    """Return text of any number of lines, safe to show: control characters become their pictures (ESC: ␛).

    Tabs are preserved, because tables and Makefiles need them; the code that shows the text turns them into spaces.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _LINE_END.sub("\n", text)
    if not text.isascii():
        text = limit_marks(_GLUE.sub(_glue, _UNSEEN.sub("", text)))
    return _COMMAND.sub(_picture, text)


def clean_line(text: str) -> str:
    """Return text that is safe to show in one line."""
    return " ".join(clean(text).replace("\t", TAB).split("\n"))


def clean_own(text: str) -> str:
    """Return the user's own text, safe to show: only characters that control the terminal are replaced.

    Embeddings and overrides of the text direction are removed: pasted ones would make the text look different from
    what is sent.
    """
    return _COMMAND.sub(_picture, _REORDERING.sub("", _LINE_END.sub("\n", text)))


def _glue(match: re.Match[str]) -> str:
    """Keep a joiner or a variation selector only after what it can join or vary, and only once."""
    start, glue = match.start(), match[0]
    base = match.string[max(0, start - 1) : start]
    variation, joiner = _VARIATION.search(glue), _JOINER.search(glue)
    if base.isascii() or base == "\xa0":
        joiner = None
        variation = variation if base in _KEYCAPS else None
    return (variation[0] if variation else "") + (joiner[0] if joiner else "")


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
