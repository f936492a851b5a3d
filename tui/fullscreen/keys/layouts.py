"""Letters of other keyboard layouts, by their place on a US keyboard."""

_PLACES = "qwertyuiopasdfghjklzxcvbnm"
_LAYOUTS = (
    # Russian, with letters of Ukrainian and Belarusian; Greek; Arabic, and Persian. A space: no letter of its own.
    "йцукенгшщзфывапролдячсмить",
    "        ў  і              ",
    " ςερτυθιοπασδφγηξκλζχψωβνμ",
    "ضصثقفغعهخحشسيبلاتنمئءؤرﻻىة",
    "            ی      ظطز ذدپ",
    # Hebrew has punctuation in two places.
    "  קראטוןםפשדגכעיחלךזסבהנמצ",
)
_LATIN = {
    letter: latin for letters in _LAYOUTS for letter, latin in zip(letters, _PLACES, strict=True) if letter != " "
}


def same_place(letter: str) -> str | None:
    """Return the Latin letter at the same place, or None."""
    return _LATIN.get(letter)
