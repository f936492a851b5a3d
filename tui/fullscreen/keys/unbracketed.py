"""Recognises pastes in terminals that do not mark them: several lines at once, which nobody types."""


def lines_of(read: str) -> str | None:
    """Return the lines of one read, without the line ends around them; None if there are fewer than two."""
    lines = read.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    return lines if "\n" in lines and is_text(read) else None


def is_text(read: str) -> bool:
    """Return whether a read consists only of text, tabs and line ends, so that no other key was pressed."""
    return all(each in "\r\n\t" or each.isprintable() for each in read)
