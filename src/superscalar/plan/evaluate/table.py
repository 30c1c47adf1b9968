"""The functions and methods that a plan may use besides tools (rule L3): one row each, and all that is read off them.

A row stands beside the function that it runs: in `functions`, `dates`, `decimals`, `methods` and `members`, and here
where it looks at outcomes. What it may say is in `listed`. Reading, checking, evaluating, labels, grammars, the
planner's prompt and the documentation's list know of a function what its row says, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from superscalar.plan.evaluate import dates, decimals, functions, kinds
from superscalar.plan.evaluate.attempts import attempted
from superscalar.plan.evaluate.itemwise import default, first_items, ok
from superscalar.plan.evaluate.json_text import parse_json
from superscalar.plan.evaluate.listed import Function, Holds, Listed
from superscalar.plan.evaluate.members import LIST, SET, TUPLE
from superscalar.plan.evaluate.methods import MAPPING, TEXT
from superscalar.plan.ir.forms import EXCEPT

FUNCTIONS: Final[Mapping[str, Function]] = {
    **functions.FUNCTIONS,
    "ok": Function(
        ok, 1, 1, holds="itself", grammar="one", form="ok(xs)", about="the items that have a value"
    ),
    "default": Function(
        default, 2, 2, holds="itself", grammar="otherwise", form="default(x, fallback)",
        about="the fallback where `x` has no value",
    ),
    "first": Function(
        first_items, 2, 2, holds="items", grammar="how many", form="first(k, xs)", about="the first `k` that succeed"
    ),
    "parse_json": Function(
        parse_json, 1, 1, grammar="one", form="parse_json(text)", about="the data that a JSON text says"
    ),
    **dates.FUNCTIONS,
    **decimals.FUNCTIONS,
}  # fmt: skip
"""By name; one with a dot is a function of a class, and called by the name of that."""


APPLIED: Final[Mapping[str, Function]] = {
    **FUNCTIONS,
    **functions.UNCALLED,
    **dates.UNCALLED,
    EXCEPT: Function(attempted, 4, 5, holds="tried", form="try: x = e"),
}
"""All that an `ir.Apply` may name. Those of `BY_OUTCOME` are run with the call and the frame of its evaluation."""

TOLD: Final = tuple(name for _, name in sorted((row.told, name) for name, row in FUNCTIONS.items() if row.told))
"""Those that planners are told of, in that order."""

TAKEN: Final = FUNCTIONS.keys() | {"join", "match", "case", "type"}
"""Names that mean something where a tool is called; an argument may have them."""

METHODS_OF: Final[Mapping[str, Mapping[str, Listed]]] = {
    "text": TEXT,
    "a mapping": MAPPING,
    "a list": LIST,
    "a tuple": TUPLE,
    "a set": SET,
    **{f"a {name}": kind.methods for name, kind in kinds.BY_NAME.items()},
}
METHODS: Final = frozenset[str]().union(*METHODS_OF.values())
NOT_OF_TEXT: Final = METHODS - TEXT.keys()

MUTATING: Final = frozenset(
    "append extend insert remove pop popitem clear sort reverse add discard update setdefault".split()
)
"""Methods that change a value in Python. Values of a plan do not change, so they are refused with what to write."""

HOLDS: Final[Mapping[str, Holds]] = {name: row.holds for rows in METHODS_OF.values() for name, row in rows.items()}
"""Of each method, whosever it is, what of its owner may come out."""
