"""What was sent can be recalled, in the place where it was sent, and what is being written is not lost."""

from tui.client.recall import MOST_KEPT, Recall


def test_texts_are_recalled_in_their_place_and_the_draft_is_restored() -> None:
    recall = Recall()
    for text, place in (("one", "lobby"), ("two", "lobby"), ("two", "lobby"), ("secret", "@bob")):
        recall.add(text, place)
    assert recall.step(1, "draft", "lobby") == "two"
    assert recall.step(1, "two", "lobby") == "one"
    assert recall.step(1, "one", "lobby") is None
    assert recall.step(-1, "one", "lobby") == "two"
    assert recall.step(-1, "two", "lobby") == "draft"
    assert recall.step(-1, "draft", "lobby") is None
    assert recall.step(1, "", "galley") is None


def test_an_edited_recalled_text_becomes_the_draft() -> None:
    recall = Recall()
    recall.add("one", "lobby")
    recall.step(1, "", "lobby")
    assert recall.step(1, "one and more", "lobby") == "one"
    assert recall.step(-1, "one", "lobby") == "one and more"


def test_the_history_of_sent_texts_is_bounded() -> None:
    recall = Recall()
    for number in range(MOST_KEPT + 5):
        recall.add(str(number), "lobby")
    text: str | None = ""
    steps = -1
    while text is not None:
        text, steps = recall.step(1, text, "lobby"), steps + 1
    assert steps == MOST_KEPT
