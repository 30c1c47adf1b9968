"""One table of functions and methods: everything that knows of them says of each what its row says.

Docs that are behind fail here; `SUPERSCALAR_UPDATE_GOLDEN=1 pytest tests/plan/test_table.py` writes them anew.
"""

from __future__ import annotations

import datetime as dt
import inspect
import os
import re
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from grammar_matcher import follows

from superscalar.plan import check, grammar
from superscalar.plan.evaluate.bounds import EvaluationError, WorkLeft
from superscalar.plan.evaluate.kinds import BY_NAME
from superscalar.plan.evaluate.methods import TEXT
from superscalar.plan.evaluate.table import APPLIED, FUNCTIONS, HOLDS, METHODS, METHODS_OF
from superscalar.plan.grammars.language import _GIVEN
from superscalar.plan.grammars.rules import read
from superscalar.plan.ir.forms import BY_OUTCOME
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.read.fronts.detect import Syntax
from superscalar.plan.read.instead import functions, methods
from superscalar.plan.read.lowering.outputs import SAMPLES
from superscalar.planner import conversation
from superscalar.tools.toolset import Toolset
from support import language_page

NAMES = list(FUNCTIONS)
GIVEN = {"1": "start stop step year week days seconds", "[3, 1]": "x y k xs ys text pairs keys value fallback"}
ABOVE = "day = date(2026, 1, 31)\n" + "".join(f"{n} = {value}\n" for value, ns in GIVEN.items() for n in ns.split())
PROMPTS = Path(__file__).parent / "golden_prompts.txt"
LANGUAGE = read(grammar(Signatures([])).gbnf)


def errors(call: str) -> list[str]:
    return [d.code for d in check(f"{ABOVE}it = {call}\njoin(it)", Signatures([])) if d.severity == "error"]


def call_of(name: str, given: int, *more: str) -> str:
    return f"{name}({', '.join([*['x'] * given, *more])})"


def is_wrong(name: str, given: int, *more: str) -> bool:
    return "E305" in errors(call_of(name, given, *more))


def test_the_page_of_the_language_says_what_the_table_says() -> None:
    if os.environ.get("SUPERSCALAR_UPDATE_GOLDEN"):
        language_page.write()
    assert language_page.parts()[1] == language_page.section()


def test_planners_are_told_of_the_functions_that_say_so_each_in_its_place() -> None:
    told = re.search(r"f-strings and ([\w ]+)\. There is", instructions())
    assert told is not None
    assert dict(enumerate(told[1].split(), 1)) == {row.told: name for name, row in FUNCTIONS.items() if row.told}


def test_planners_are_told_of_the_language_in_these_words() -> None:
    """Models were measured with them: what changes them is to be seen."""
    told = "\n\n---\n\n".join([instructions(), instructions(blocks=True), instructions("json")])
    if os.environ.get("SUPERSCALAR_UPDATE_GOLDEN"):
        PROMPTS.write_text(told)
    assert told == PROMPTS.read_text()


def instructions(syntax: Syntax = "python", *, blocks: bool = False) -> str:
    """What a planner is told of the language."""
    return conversation(Toolset([]), "", [], "", syntax, blocks=blocks)[0].text


def test_the_checker_takes_as_many_arguments_as_the_row_says() -> None:
    zone = {"datetime.fromtimestamp": ["tz=timezone.utc"]}  # which it cannot do without
    for name, row in FUNCTIONS.items():
        right = {row.fewest, row.most or row.fewest} if name != "next" else set()  # names are no generators
        wrong = {row.fewest - 1} - {-1} | ({row.most + 1} if row.most is not None else set())
        found = {given: is_wrong(name, given, *zone.get(name, [])) for given in right | wrong}
        assert (name, found) == (name, dict.fromkeys(right, False) | dict.fromkeys(wrong, True))


def test_the_checker_takes_the_keywords_that_the_row_says() -> None:
    takes_any = {name for name in NAMES if not is_wrong(name, FUNCTIONS[name].most or 1, "nothing_like_it=x")}
    assert takes_any == {name for name, row in FUNCTIONS.items() if row.keywords is None}
    takes_key = {name for name in NAMES if not errors(call_of(name, 1, "key=lambda each: each"))}
    assert takes_key == {name for name, row in FUNCTIONS.items() if row.takes_key}


def test_the_call_that_helps_show_is_right() -> None:
    written = {name: row.form.partition("(")[0] for name, row in FUNCTIONS.items()}
    assert written == {name: name for name in NAMES}
    assert {name: found for name, row in FUNCTIONS.items() if (found := errors(row.form))} == {}


def test_what_evaluates_takes_what_the_row_says() -> None:
    for name, row in APPLIED.items():
        signature = inspect.signature(row.run)
        if name in BY_OUTCOME:
            assert len(signature.parameters) == 2  # the call, and the frame of its evaluation
            continue
        for given in {row.fewest, row.most or row.fewest}:
            signature.bind(None, *[None] * given)
        takes_any = any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values())
        assert takes_any or (row.keywords or frozenset()) <= signature.parameters.keys()


def test_the_grammars_write_the_functions_that_say_so() -> None:
    given = {"how many": "2, x", "digits": "x, 2", "span": "days=x", "start": "x, start=2"}
    least = {"three": 3, "three to six": 3, "two or more": 2}
    for name, row in FUNCTIONS.items():
        if row.keywords is not None and row.grammar:
            assert set(re.findall(r'"(\w+)=', _GIVEN[row.grammar][0])) <= row.keywords
        several = ", ".join(["x"] * max(row.fewest, least.get(row.grammar, 1)))
        written = follows(f"it = {name}({given.get(row.grammar, several)})", LANGUAGE)
        assert (name, written) == (name, bool(row.grammar))


def test_the_grammars_write_no_other_functions() -> None:
    written = set(re.findall(r'"\.?([A-Za-z_.]+)\("', grammar(Signatures([])).gbnf))
    in_the_table = {name for name, row in FUNCTIONS.items() if row.grammar}
    assert written == in_the_table | METHODS | {"join", "append"}


def test_the_grammars_write_every_method_and_of_text_those_of_text() -> None:
    assert {m for m in METHODS if follows(f"it = x.{m}()", LANGUAGE)} == METHODS
    assert {m for m in METHODS if follows(f'it = "x".{m}()', LANGUAGE)} == TEXT.keys()


def test_the_methods_of_one_name_are_told_apart_by_their_owner_alone() -> None:
    """What looks at plans before there are values goes by the name: what may come out is the same whoever owns it."""
    for rows in METHODS_OF.values():
        assert {name: row.holds for name, row in rows.items()} == {name: HOLDS[name] for name in rows}
        for row in rows.values():
            inspect.signature(row.run).bind_partial(None, None, *[None] * (row.most or row.fewest))


def test_what_hands_on_what_it_is_given_says_so() -> None:
    inner = [1]
    handing_on: set[str] = set()
    for name, row in FUNCTIONS.items():
        if name in BY_OUTCOME or name == "parse_json":  # which takes text; what is data already is as it is
            continue
        for given in ([inner, inner], [[inner, inner]], {"k": inner}):
            with suppress(EvaluationError):
                if reaches(row.run(WorkLeft(), *[given] * max(row.fewest, 1)), inner):
                    handing_on.add(name)
    assert {name for name in handing_on if FUNCTIONS[name].holds in ("nothing", "numbers")} == set()
    assert {"list", "zip", "max", "dict", "next"} <= handing_on


def reaches(value: Any, wanted: object) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return value is wanted or any(reaches(part, wanted) for part in parts)


def test_no_help_is_about_what_is_there() -> None:
    assert {name for name, _ in methods._FORMS} & METHODS == set()
    assert {name for name, _ in functions._FORMS} & FUNCTIONS.keys() == set()


def test_what_a_method_of_dates_and_amounts_gives_is_of_the_type_that_its_row_says() -> None:
    values = {**SAMPLES, "datetime": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}  # some methods want a zone
    given: dict[str, list[Any]] = {"strftime": ["%Y"], "astimezone": [dt.UTC], "quantize": [Decimal(1)]}
    for name, kind in BY_NAME.items():
        rows = {method: row for method, row in kind.methods.items() if row.gives}
        made = {method: row.run(WorkLeft(), values[name], *given.get(method, [])) for method, row in rows.items()}
        assert {method: type(value).__name__ for method, value in made.items()} == {m: r.gives for m, r in rows.items()}
