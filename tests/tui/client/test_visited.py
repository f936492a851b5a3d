"""Going back and forward through the places visited."""

from tui.client.visited import MOST, Visited


def test_steps_go_back_and_forward_and_stop_at_the_ends() -> None:
    visited = Visited()
    assert visited.step(-1) is None
    for place in ("", "a", "b", "b", "c"):
        visited.visit(place)
    assert [visited.step(-1), visited.step(-1), visited.step(-1)] == ["b", "a", None]
    assert [visited.step(1), visited.step(1), visited.step(1)] == ["b", "c", None]


def test_a_visit_after_a_step_back_is_the_new_end() -> None:
    visited = Visited()
    for place in ("a", "b", "c"):
        visited.visit(place)
    visited.step(-1)
    visited.visit("b")
    visited.visit("d")
    assert visited.step(1) is None
    assert [visited.step(-1), visited.step(-1)] == ["b", "a"]


def test_only_the_latest_places_are_remembered() -> None:
    visited = Visited()
    for number in range(3 * MOST):
        visited.visit(str(number))
    assert [visited.step(-1) for _ in range(MOST)][-1] is None
