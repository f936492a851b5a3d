"""Authors, channels and texts that imitate other parts of a line."""

from hypothesis import strategies as st

NEWLINES = ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
PIECES = (
    *NEWLINES,
    *(",", ", ", ":", ": ", "：", "∶", "ः", "»", "» ", "«", "›", "“", "”", '"', "'", "`", "*", ">", "|", "│", "┊", "─"),
    *(
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "<",
        "#",
        "@",
        "/",
        "\t",
        "\x1b[2J",
        "\x07",
        "\u202e",
        "\u2066",
        "\u200b",
        "\u200d",
    ),
    *("[2] 14:02 # Lobby, ada» ", "* ada has left", "    ", "  > 14:02:00 ada» ", "· ", "✓ ", "> ada» ", " (reported)"),
    *("ada", "bob", "Zoë", "李小龍", "محمد", "🦊", "has left", " ", "  ", "14:02", "\u0301", "\ufe0f"),
)
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=10).map("".join)
