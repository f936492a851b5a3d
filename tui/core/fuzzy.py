"""How well a name answers to a few letters."""


def rank(letters: str, name: str) -> int | None:
    """Lower is better: the beginning, the beginning of a word, within, the letters in order; None: not at all."""
    letters, name = letters.casefold().strip(), name.casefold()
    if name.startswith(letters):
        return 0
    place = name.find(letters)
    if place > 0:
        return 2 if name[place - 1].isalnum() else 1
    rest = iter(name)
    return 3 if all(letter in rest for letter in letters if not letter.isspace()) else None
