"""How well a name answers to a few letters."""

BEGINNING, WORD, WITHIN, LETTERS = range(4)


def rank(letters: str, name: str) -> int | None:
    """Lower is better: the beginning, the beginning of a word, within, the letters in order; None: not at all."""
    letters, name = letters.casefold().strip(), name.casefold()
    if name.startswith(letters):
        return BEGINNING
    place = name.find(letters)
    if place > 0:
        return WITHIN if name[place - 1].isalnum() else WORD
    rest = iter(name)
    return LETTERS if all(letter in rest for letter in letters if not letter.isspace()) else None
