"""The statements that change a collection in place (rule L14), as signs of a `Fold`.

A plan has versions of names and no places, so a change is a fold of one item or, in a loop, of one item for each time
that it is reached. A change by key folds tuples of the key and what is put there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from superscalar.plan.ir import BINARY_SIGNS

KEYED: Final = {
    "[]=": "{0}[{1}] = {2}",
    ".setdefault": "{0}.setdefault({1}, {2})",
    "setdefault.append": "{0}.setdefault({1}, []).append({2})",
    "setdefault.extend": "{0}.setdefault({1}, []).extend({2})",
    "setdefault.add": "{0}.setdefault({1}, set()).add({2})",
    **{f"[]{sign}=": f"{{0}}[{{1}}] {sign}= {{2}}" for sign in BINARY_SIGNS},
    **{f"get{sign}": f"{{0}}[{{1}}] = {{0}}.get({{1}}, {{2}}) {sign} {{3}}" for sign in BINARY_SIGNS},
}
NESTED: Final = {
    f"{at}{method}": f"{{0}}[{{1}}]{more}{method}({{{number}}})"
    for at, more, number in (("[]", "", 2), ("[][]", "[{2}]", 3))
    for method in (".append", ".extend", ".add")
} | {f"[][]{sign}=": f"{{0}}[{{1}}][{{2}}] {sign}= {{3}}" for sign in ("", *BINARY_SIGNS)}
"""What changes a collection that stands in another one."""
WHOLE: Final = {
    ".append": "{0}.append({1})",
    ".extend": "{0}.extend({1})",
    ".add": "{0}.add({1})",
    ".update": "{0}.update({1})",
    "+=": "{0} += {1}",
}
MIXED: Final = "changes"
"""Folds tuples of the name of a change and its parts: a loop changes one collection in several ways."""
BEGUN: Final = "begun"
"""Folds tuples of a key, the value with which its entry begins, and changes by that key of an entry that is there."""
CHANGES: Final[Mapping[str, str]] = (
    KEYED | NESTED | WHOLE | {MIXED: "", BEGUN: "if {1} in {0}:\n    {3}\nelse:\n    {0}[{1}] = {2}"}
)
"""How each is written: the name, and the parts of what it is given."""

_OF: Final = {
    ".append": ("list",), ".extend": ("list",), "+=": ("list",), ".add": ("set",), ".update": ("dict", "set"),
}  # fmt: skip
BY_ITEM: Final = frozenset({*KEYED, ".append", ".add", ".update"})
"""The changes that need not all of what they change, nor of what they are given (rule L33)."""


def is_keyed(operator: str) -> bool:
    """Whether it folds tuples whose first is a key."""
    return operator in KEYED or operator in NESTED or operator in (MIXED, BEGUN)


def goes_inside(operator: str) -> bool:
    """Whether it changes a collection that stands in the one that it is of."""
    return operator in NESTED or operator.startswith("setdefault.")


def puts_as_it_is(operator: str) -> bool:
    """Whether what it is given stands in the collection then, and not only what that holds or what is made of it."""
    return operator.endswith((".append", ".add", "]=")) or operator in (".setdefault", MIXED, BEGUN)


def kinds_of(operator: str) -> tuple[str, ...]:
    """Which collections have it."""
    return _OF.get(operator, ("dict", "list") if operator.startswith("[]") else ("dict",))


def may_mix(operators: set[str]) -> bool:
    """Whether there is a collection that has all of these."""
    kinds = [set(kinds_of(operator)) for operator in operators if operator in CHANGES]
    return len(kinds) == len(operators) and bool(set.intersection(*kinds))
