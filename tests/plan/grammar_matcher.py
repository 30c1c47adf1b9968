"""Says whether a text follows a grammar: every way through the rules is tried, each place of each rule once."""

from __future__ import annotations

from collections.abc import Mapping

from superscalar.plan.grammars.rules import AnyOf, Chars, Exactly, GrammarRule, InOrder, Repeated, Use


def follows(text: str, rules: Mapping[str, GrammarRule]) -> bool:
    """Whether the whole text is one of `root`."""
    return len(text) in _Matcher(text, rules).ends(Use("root"), 0)


class _Matcher:
    def __init__(self, text: str, rules: Mapping[str, GrammarRule]) -> None:
        self._text = text
        self._rules = rules
        self._known: dict[tuple[str, int], frozenset[int]] = {}

    def ends(self, rule: GrammarRule, at: int) -> frozenset[int]:
        """Where a text of the rule that begins at `at` may end."""
        match rule:
            case Exactly(text):
                return frozenset([at + len(text)] if self._text.startswith(text, at) else [])
            case Chars(ranges, negated):
                sign = self._text[at : at + 1]
                return frozenset([at + 1] if sign and any(a <= sign <= z for a, z in ranges) != negated else [])
            case Use(name):
                if (name, at) not in self._known:
                    self._known[name, at] = self.ends(self._rules[name], at)
                return self._known[name, at]
            case InOrder(parts):
                places = frozenset([at])
                for part in parts:
                    places = frozenset(end for place in places for end in self.ends(part, place))
                return places
            case AnyOf(options):
                return frozenset(end for option in options for end in self.ends(option, at))
            case Repeated(part, least, most):
                reached = places = frozenset([at])
                found = places if least == 0 else frozenset[int]()
                times = 0
                while places and times != most:
                    times += 1
                    places = frozenset(end for place in places for end in self.ends(part, place))
                    if times > least:
                        places -= reached
                    reached |= places
                    found |= places if times >= least else frozenset()
                return found
