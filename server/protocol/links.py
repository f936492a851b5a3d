r"""Finds bare links in text, and normalises the addresses that links open. Takes linear time.

A bare link is one of

    http://HOST[:PORT][PATH]      also https://; not after a letter, a digit or "+"; HOST may be an IPv6 address in [ ]
    HOST[:PORT][PATH]             of two labels or more, the last of them in TOP_LEVEL_DOMAINS or beginning with "xn--";
                                  or of three labels or more, the first of them "www"
    [mailto:]NAME@HOST            of two labels or more, the last of at least two characters that are not digits

where HOST is labels joined by dots (letters and digits of any script, symbols, and hyphens within; at most 63
characters each and 253 together), PORT is up to five digits, and NAME up to 64 ASCII letters, digits and "._+-", with
a letter or digit first. HOST may not be followed by "@", hyphen or underscore with a letter or digit after it, so a
bare link has no user name. The last two forms do not start inside a word, nor after ``. - + / : @ \``.

PATH starts with "/", "?" or "#" and ends before white space, a control character, one of ``< > " ` \`` or U+FF5C, or a
closing bracket that PATH has not opened. It does not end with punctuation, a Markdown mark, a closing quotation mark
or an opening bracket.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_HOST_CHARS = 253
MAX_LABEL_CHARS = 63
MAX_NAME_CHARS = 64
_COUNTRIES = (
    "ac ad ae af ag ai al am an ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bv bw by bz "
    "ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr "
    "ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it "
    "je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly "
    "ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om "
    "pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr st su sv "
    "sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za "
    "zm zw"
)
_OTHERS = "biz com edu gov net org pro web xxx aero asia coop info museum name shop рф"
TOP_LEVEL_DOMAINS = frozenset(_COUNTRIES.split() + _OTHERS.split())
"""Country codes, and generic domains that rarely end a file name or a sentence."""

# Linear time: every repetition is possessive, and after a failed candidate the look-behind keeps the next one from
# starting inside it.
_BREAK = (
    r"\s\x00-\x2c./:-@\[-`{-\xbf\u2000-\u206f\u3000-\u303f"
    r"\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
_LABEL = rf"[^{_BREAK}\-][^{_BREAK}]*+"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*+(?!@|_++[^\W_])"
_DOTTED = rf"{_LABEL}(?:\.{_LABEL})++(?!@|_++[^\W_])"
_IPV6 = r"\[[0-9A-Fa-f]{0,4}+:[0-9A-Fa-f:.]{1,41}+\](?!@)"
_PORT = r"(?::[0-9]{1,5}+(?![0-9]))?+"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]*+"
_START = rf"(?<![^{_BREAK}])(?<![._+/:@\\-])_*+"
_CANDIDATE = re.compile(
    rf"(?<![A-Za-z0-9+])(?P<web>[Hh][Tt][Tt][Pp][Ss]?://(?:{_HOST}|{_IPV6}){_PORT})"
    rf"|(?:(?<![A-Za-z0-9+])(?P<scheme>[Mm][Aa][Ii][Ll][Tt][Oo]:)|{_START})(?P<mail>{_NAME}@{_DOTTED})"
    rf"|{_START}(?P<bare>{_DOTTED}{_PORT})"
)
_PERHAPS = re.compile(r"\.\S|://|@")
_PATH_PART = re.compile(r"[^\s\x00-\x1f\x7f<>\"`\\\uff5c()\[\]{}]++|[()\[\]{}]")
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_NOT_LAST = ".,:;!?'*_~([{…’”»›。、，．：；！？）］」』】〉》"

_HOST_OF = re.compile(r"((?:https?:)//(?:[^/?#]*@)?|mailto:[^@]*@)([^/?#:]*)", re.IGNORECASE)
_IPV6_ADDRESS = re.compile(_IPV6)
_LITERAL = re.compile(r"https?://(?:[^/?#@]*@)?(?=\[)", re.IGNORECASE)
_DOTS = re.compile("[.\u3002\uff0e\uff61]")
_IS_LABEL = re.compile(r"(?:[A-Za-z0-9_-]|[^\x00-\x7f])++")
_UNSAFE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9;/?:@&=+$,\-_.!~*'()#%]")


class Link(NamedTuple):
    """The position of a bare link, and the address that it opens."""

    start: int
    end: int
    href: str


def bare_links(line: str) -> Iterator[Link]:
    """Yield the bare links of a line, in order."""
    if not _PERHAPS.search(line):
        return
    position = 0
    while found := _CANDIDATE.search(line, position):
        position = found.end()
        if link := _link(line, found):
            position = link.end
            yield link


def address(target: str) -> str:
    """Convert an address to printable ASCII: labels of other scripts to Punycode, the rest percent-encoded."""
    if not _UNSAFE.search(target):
        return target
    if found := _HOST_OF.match(target):
        start, end = found.span(2)
        if not target[start:end].isascii():
            target = target[:start] + ".".join(map(_punycode, _DOTS.split(target[start:end]))) + target[end:]
    start = literal.end() if (literal := _LITERAL.match(target)) else 0
    end = start + len(ipv6[0]) if start and (ipv6 := _IPV6_ADDRESS.match(target, start)) else start
    return _UNSAFE.sub(_percent, target[:start]) + target[start:end] + _UNSAFE.sub(_percent, target[end:])


def _link(line: str, found: re.Match[str]) -> Link | None:
    """Return the link of a candidate, or None if its host is not valid."""
    text = found["web"] or found["bare"] or found["mail"]
    start, end = found.span(found.lastgroup or 0)
    if found["mail"]:
        name, _, host = text.partition("@")
        scheme = found["scheme"] or ""
        good = len(name) <= MAX_NAME_CHARS and _is_mail_domain(host)
        return Link(start - len(scheme), end, address(f"{scheme or 'mailto:'}{text}")) if good else None
    host = text.rpartition("//")[2].partition(":")[0]
    if not (_is_host(host.lstrip("[")) if found["web"] else _is_site(host)):
        return None
    end = _path_end(line, end)
    return Link(start, end, address(f"{'' if found['web'] else 'http://'}{line[start:end]}"))


def _path_end(line: str, start: int) -> int:
    """Return the end of the path that starts here; `start` if there is no path."""
    if line[start : start + 1] not in {"/", "?", "#"}:
        return start
    end, open_brackets = start, {"(": 0, "[": 0, "{": 0}
    while part := _PATH_PART.match(line, end):
        if part[0] in open_brackets:
            open_brackets[part[0]] += 1
        elif opener := _BRACKETS.get(part[0]):
            if not open_brackets[opener]:
                break
            open_brackets[opener] -= 1
        end = part.end()
    return start + len(line[start:end].rstrip(_NOT_LAST))


def _is_host(host: str) -> bool:
    labels = host.split(".")
    return len(host) <= MAX_HOST_CHARS and all(
        len(label) <= MAX_LABEL_CHARS and not label.endswith("-") for label in labels
    )


def _is_site(host: str) -> bool:
    """Return whether this is a host name, and not a number, a file name or the end of a sentence."""
    first, *middle, last = host.lower().split(".")
    known = last in TOP_LEVEL_DOMAINS or last.startswith("xn--") or (first == "www" and bool(middle))
    return known and _is_host(host)


def _is_mail_domain(host: str) -> bool:
    last = host.rpartition(".")[2]
    return len(last) > 1 and not last.isdigit() and _is_host(host)


def _punycode(label: str) -> str:
    # Punycode takes quadratic time, so longer or invalid labels are percent-encoded instead.
    if label.isascii() or len(label) > MAX_LABEL_CHARS or not _IS_LABEL.fullmatch(label):
        return label
    return "xn--" + label.encode("punycode").decode("ascii")


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))
