"""The bots: their names, profiles and answers."""

import re
from typing import NamedTuple

HOST = "tove"
"""Greets newcomers."""
SPAMMER = "Lucky Deals"
"""The user to report."""


class Part(NamedTuple):
    """A bot; `answers` are given in turn, with `{name}` replaced by the name of the person who asked."""

    name: str
    called: re.Pattern[str]
    headline: str
    fields: tuple[tuple[str, str], ...]
    answers: tuple[str, ...]
    private: bool = False


def _called(*names: str) -> re.Pattern[str]:
    """Return a pattern that finds one of these names, but not inside a Latin word: 小林さん matches 小林."""
    anyone = "|".join(map(re.escape, names))
    return re.compile(f"(?<![a-z0-9])(?:{anyone})(?![a-z0-9])", re.IGNORECASE)


TOVE = Part(
    HOST,
    _called("tove"),
    "Harbour radio, channel 12. Ask me anything 📻",
    (
        ("Role", "Harbour radio, day watch"),
        ("Here since", "The lamp was still oil"),
        ("Speaks", "Dansk, English, weather"),
        ("Favourite word", "lagom, although it is Swedish"),
        ("Status", "☕ second pot"),
    ),
    (
        "Reading you loud and clear, {name}. Over.",
        "Good question, {name}. The *official* answer is: it depends on the tide.",
        "Noted in the log, right after **coffee**. 📻",
    ),
)

MARLOW = Part(
    "marlow",
    _called("marlow"),
    "Night ferry engineer. Two diesels, one kettle.",
    (
        ("Role", "Engineer, night ferry"),
        ("Ship", "MV Patience (1961)"),
        ("Shift", "22:00 to 06:00"),
        ("Tools", "14 mm spanner, a torch, stubbornness"),
        ("Motto", "If it drips, it still has oil in it."),
    ),
    (
        "Sorry {name}, had my head in the bilge. What was it?",
        "I would try a `14 mm` spanner first. If that fails: a *bigger* one.",
        "Ha! The engine says the same, {name}, only louder.",
    ),
)

INES = Part(
    "Inés ⚓",
    _called("inés", "ines"),
    "Sailmaker. If it is torn, bring it; if it is not, give it a week. ⛵",
    (
        ("Role", "Sailmaker, loft above the chandler"),
        ("From", "Cádiz"),
        ("Speaks", "Español, English, português"),
        ("Boat", "Golondrina, 7.4 m, red sails"),
        ("Open", "Tue to Sat, or when the light is on 💡"),
        ("Website", "https://golondrina.example"),
    ),
    (
        "¡Hola {name}! Bring it to the loft and we will have a look. ⛵",
        "Three stitches per needle, {name}. **Never** two.",
        "Claro. After lunch, when the wind turns.",
    ),
)

KOBAYASHI = Part(
    "小林",
    _called("小林", "kobayashi"),
    "港のパン屋です。Bread at six, until it is gone 🥐",
    (
        ("名前", "小林 (kobayashi)"),
        ("Role", "Baker, quay no. 4"),
        ("Opens", "06:00 ☀️"),
        ("Bakes", "メロンパン, rye, cardamom buns"),
        ("Sold out by", "09:30, on a slow day"),
    ),
    (
        "はい、{name}さん！ One melon bun is put aside for you. 🍈",
        "The secret is patience: **12 hours** in the cold. ゆっくり、ゆっくり。",
        "ありがとう！ Come before nine, later there are only crumbs.",
    ),
)

JUNIPER = Part(
    "juniper",
    _called("juniper"),
    "I fix the tide clock. The tide fixes me.",
    (
        ("Role", "Keeps the harbour's computers afloat"),
        ("Editor", "whichever is open"),
        ("Works on", "tideclock 0.9, nearly 1.0 since spring"),
        ("Terminal", "80x24, amber"),
        ("Pet", "A cat named /dev/null 🐈‍⬛"),
    ),
    (
        "Works on my quay, {name}. 😄",
        "Try `tideclock --verbose` and read the *last* line, it is the honest one.",
        "I would like to see the log of that. Four spaces in front, please!",
    ),
)

PIKE = Part(
    "old pike",
    _called("old pike", "pike"),
    "",
    (),
    (
        "Hm.",
        "I was here before the pier, {name}. The pier asked fewer questions.",
        "*mutters something about gulls*",
    ),
    private=True,
)

LUCKY_DEALS = Part(
    SPAMMER,
    _called("lucky deals", "lucky"),
    "TRUSTED SELLER ⭐⭐⭐⭐⭐ since yesterday",
    (
        ("Member since", "Yesterday, 23:58"),
        ("Location", "Everywhere 🌍"),
        ("Website", "http://free-gold-compass.example"),
        ("Reviews", "⭐⭐⭐⭐⭐ (5, all by Lucky Deals)"),
    ),
    (
        "Dear {name}, YOU are our **lucky winner**! Claim now: http://free-gold-compass.example/winner",
        "Only 3 left, dear {name}!! Send your password so that we can *reserve* yours.",
    ),
)

CAST = (TOVE, MARLOW, INES, KOBAYASHI, JUNIPER, PIKE, LUCKY_DEALS)
