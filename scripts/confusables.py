"""Writes `server/rules/confusables.py` from a file of the Unicode Consortium.

`python -m scripts.confusables FILE`, with the file https://www.unicode.org/Public/security/latest/confusables.txt
"""

import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import wrap

TABLE = Path(__file__).parent.parent / "server/rules/confusables.py"
WIDTH = 116
HEADER = '''\
"""Characters that look alike, by Unicode's confusables.txt (UTS 39), {version}.

Its data is © Unicode, Inc.; see https://www.unicode.org/terms_of_use.html.

Written by `python -m scripts.confusables`. Characters that compatibility normalization (NFKC) already unites are left
out, and small capitals are added, which that file does not count as look-alikes.
"""

LOOKALIKES = """\\
{rows}
"""
"""In hexadecimal, a line for each text: the text, a colon, and the characters that look like it."""
'''
SMALL_CAPITAL = "LATIN LETTER SMALL CAPITAL "


def pairs(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each character of confusables.txt, and the text that it looks like."""
    for line in lines:
        fields = line.partition("#")[0].split(";")
        if len(fields) > 1:
            yield _text(fields[0]), _text(fields[1])


def small_capitals() -> Iterator[tuple[str, str]]:
    """Yield the small capitals of Latin letters."""
    for char in map(chr, range(sys.maxunicode + 1)):
        letter = unicodedata.name(char, "").removeprefix(SMALL_CAPITAL)
        if len(letter) == 1:
            yield char, letter.lower()


def rows(lookalikes: dict[str, str]) -> Iterator[str]:
    """Yield the lines of the table."""
    by_text: defaultdict[str, list[str]] = defaultdict(list)
    for char, text in sorted(lookalikes.items()):
        if unicodedata.normalize("NFKD", char) != unicodedata.normalize("NFKD", text):
            by_text[text].append(char)
    for text, chars in sorted(by_text.items()):
        start = f"{_hexadecimal(text)}:"
        for row in wrap(" ".join(map(_hexadecimal, chars)), WIDTH - len(start)):
            yield f"{start} {row}"


def _text(codes: str) -> str:
    return "".join(chr(int(code, 16)) for code in codes.split())


def _hexadecimal(text: str) -> str:
    return " ".join(f"{ord(char):x}" for char in text)


def main() -> None:
    lines = Path(sys.argv[1]).read_text(encoding="utf-8-sig").splitlines()
    (version,) = (line.strip("# ").lower() for line in lines if line.startswith("# Version:"))
    table = {**dict(small_capitals()), **dict(pairs(lines))}
    TABLE.write_text(HEADER.format(version=version.replace(":", ""), rows="\n".join(rows(table))), encoding="utf-8")


if __name__ == "__main__":
    main()
