"""The style rules of Textual's apps, parsed once for each theme instead of once for each app."""

from weakref import WeakKeyDictionary

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation

Variables = frozenset[tuple[str, str]]


def share(patch: pytest.MonkeyPatch) -> None:
    """Let all apps share the rules that one of them has parsed; nobody changes a rule afterwards."""
    parse = Stylesheet._parse_rules
    parsed: dict[tuple[Variables, str, CSSLocation, bool, int, str], list[RuleSet]] = {}
    frozen: WeakKeyDictionary[Stylesheet, tuple[dict[str, str], Variables]] = WeakKeyDictionary()

    def variables(sheet: Stylesheet) -> Variables:
        known = frozen.get(sheet)
        if known is None or known[0] is not sheet._variables:
            known = frozen[sheet] = sheet._variables, frozenset(sheet._variables.items())
        return known[1]

    def shared(
        sheet: Stylesheet,
        css: str,
        read_from: CSSLocation,
        is_default_rules: bool = False,
        tie_breaker: int = 0,
        scope: str = "",
    ) -> list[RuleSet]:
        key = (variables(sheet), css, read_from, is_default_rules, tie_breaker, scope)
        if key not in parsed:
            parsed[key] = parse(sheet, css, read_from, is_default_rules, tie_breaker, scope)
        return parsed[key]

    patch.setattr(Stylesheet, "_parse_rules", shared)
    # A rule is hashed thousands of times in a start; Textual's method in Python returns its address as well.
    patch.setattr(RuleSet, "__hash__", object.__hash__)
