"""Facts about a person in the site's tokens: the words beside a name, and the lines of a profile."""

from urllib.parse import urljoin, urlsplit

from server.protocol.frames import WhoEntry

GENDERS = {"m": "male", "f": "female", "o": "other"}


def badge(entry: WhoEntry) -> str:
    """Return the role of a person in the room: "op", "vip" or ""."""
    return "op" if entry.op else "vip" if entry.vip else ""


def short_emoji(entry: WhoEntry) -> str:
    """Return the emoji of a person without the words that may follow it; "" if there is none."""
    first = entry.emoji.partition(" ")[0]
    return first if first and not any(char.isascii() or char.isalnum() for char in first) else ""


def has_facts(entry: WhoEntry) -> bool:
    """Return whether the site says more about a person than their name."""
    return bool(entry.nickname or entry.avatar or entry.profile_url or entry.emoji or entry.gender)


def facts(entry: WhoEntry | None, website: str) -> tuple[tuple[str, str], ...]:
    """Return names and values for a profile; paths become links to the website."""
    if entry is None:
        return ()
    lines = {
        "Nickname": entry.nickname,
        "Role": {"op": "operator", "vip": "VIP"}.get(badge(entry), ""),
        "Gender": GENDERS.get(entry.gender, entry.gender),
        "Emoji": entry.emoji,
        "Page": link(entry.profile_url, website),
        "Picture": link(entry.avatar, website),
    }
    return tuple((name, value) for name, value in lines.items() if value)


def link(target: str, website: str) -> str | None:
    """Return a URL, or a path on the website, as a link; None unless it is a web page."""
    try:
        url = urljoin(f"{website.rstrip('/')}/", target) if target else ""
        parts = urlsplit(url)
        return url if parts.scheme in {"http", "https"} and parts.hostname else None
    except ValueError:
        return None
