"""Ranking of names by a few letters."""

BEGINNING, WORD, WITHIN, LETTERS = range(4)


def rank(letters: str, name: str) -> int | None:
    """Return the rank of a match: BEGINNING (the best), WORD, WITHIN, or LETTERS if only their order matches.

    Return None if they do not match.
    """
    letters, name = letters.casefold().strip(), name.casefold()
    if name.startswith(letters):
        return BEGINNING
    place = name.find(letters)
    if place > 0:
        return WITHIN if name[place - 1].isalnum() else WORD
    rest = iter(name)
    return LETTERS if all(letter in rest for letter in letters if not letter.isspace()) else None
