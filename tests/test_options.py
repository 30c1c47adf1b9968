"""The options of an agent: each is written once, and what is given for it is checked where it is given."""

from __future__ import annotations

import functools
import inspect
import math
import os
import random
import types
from dataclasses import MISSING, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import superscalar
from superscalar import Limit, LLMCompiler, Options, Policy, Retry, Toolset, UsageError
from superscalar.given import WANTED
from superscalar.options import (
    AnswerOptions,
    BoundOptions,
    BudgetOptions,
    ModelOptions,
    RecordOptions,
    SafetyOptions,
    meanings,
)
from superscalar.testing import ScriptedModel, run

wrong: Any = functools.partial  # type checkers would say so, too


class Held(ScriptedModel):
    """A model whose plans are held to a grammar."""

    constrains = True


def price(ticker: str) -> float:
    """Latest price."""
    return float(len(ticker))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"timeout": -1}, "timeout=-1: write a number above 0 (seconds); or None"),
    ({"timeout": True}, "timeout=True: write a number"),
    ({"timeout": math.nan}, "timeout=nan: write a number"),
    ({"timeout": math.inf}, "timeout=inf: write a number above 0 (seconds); or None"),
    ({"timeout": "60"}, "timeout='60': write a number"),
    ({"timeout": 10**400}, "an integer of 1,329 bits>: write a number above 0 (seconds)"),
    ({"timeout": 1e300}, "timeout=1e+300: write a number above 0 (seconds)"),
    ({"limits": {"max_concurrency": Limit(1)}}, 'limits={"max_concurrency": ...}: that is the name of a limit that is'),
    ({"limits": {"tool threads": Limit(1)}}, 'limits={"tool threads": ...}: that is the name of a limit'),
    ({"max_cost": 10**400}, "bits>: write a number above 0 (what a run may cost"),
    ({"max_tasks": 10**5_000}, "write a whole number from 1 on"),
    ({"max_bytes": 1 << 63}, "max_bytes=9223372036854775808: write a whole number from"),
    ({"journal": "a\0b"}, 'write journal="runs.db", or a Journal; or None'),
    ({"journal": "\ud800"}, 'write journal="runs.db", or a Journal; or None'),
    ({"journal": Path}, 'write journal="runs.db", or a Journal; or None'),
    ({"grace": None}, "grace=None: write a number from 0 on (seconds)"),
    ({"planner_timeout": 0}, "planner_timeout=0"),
    ({"joiner_timeout": Decimal(3)}, "joiner_timeout="),
    ({"extractor_timeout": -0.5}, "extractor_timeout=-0.5"),
    ({"max_replans": -1}, "max_replans=-1: write a whole number from 0 on"),
    ({"max_replans": True}, "max_replans=True: write a whole number"),
    ({"max_replans": None}, "max_replans=None: write a whole number"),
    ({"max_repairs": 1.5}, "max_repairs=1.5: write a whole number"),
    ({"max_concurrency": 0}, "max_concurrency=0: write a whole number from 1 on"),
    ({"max_tasks": 10.0}, "max_tasks=10.0: write a whole number"),
    ({"max_fan_out": "many"}, "max_fan_out='many'"),
    ({"max_bytes": math.nan}, "max_bytes=nan"),
    ({"max_plan_tokens": 0}, "max_plan_tokens=0"),
    ({"max_answer_tokens": None}, "max_answer_tokens=None"),
    ({"max_result_tokens": -3}, "max_result_tokens=-3"),
    ({"max_tokens": 0}, "max_tokens=0: write a whole number from 1 on (tokens); or None"),
    ({"max_cost": "3"}, "max_cost='3': write a number above 0 (what a run may cost, such as max_cost=0.10)"),
    ({"max_cost": Decimal("0.1")}, "max_cost="),
    ({"max_cost": False}, "max_cost=False"),
    ({"limits": {"q": 5}}, 'write limits={"quotes": Limit(concurrency=5)}'),
    ({"limits": [Limit(5)]}, 'write limits={"quotes": Limit(concurrency=5)}'),
    ({"limits": Limit(5)}, 'write limits={"quotes": Limit(concurrency=5)}'),
    ({"limits": {1: Limit(5)}}, 'write limits={"quotes": Limit(concurrency=5)}'),
    ({"policy": "maybe"}, "policy='maybe': write one of 'off', 'warn', 'ask', 'enforce', or Policy(...)"),
    ({"policy": None}, "policy=None: write one of"),
    ({"policy": Policy}, "or Policy(...)"),
    ({"policy": ["enforce"]}, "policy=['enforce']: write one of"),
    ({"replan": "sometimes"}, "replan='sometimes': write one of 'never', 'planned-tools', 'read-only', 'ask', 'any'"),
    ({"replanner_sees": True}, "replanner_sees=True: write one of 'summaries', 'text'"),
    ({"approve": "ann"}, "approve='ann': write a function of the question to True or False"),
    ({"approve": lambda: True}, "write a function of the question"),
    ({"approve": lambda question, by: True}, "write a function of the question"),
    ({"approve_plan": "yes"}, "approve_plan='yes': write True or False"),
    ({"approve_plan": 1}, "approve_plan=1: write True or False"),
    ({"redact": True}, "redact=True: write a function of a text to a text, such as lambda text: ..."),
    ({"redact": lambda: ""}, "write a function of a text"),
    ({"tools": price}, "write a list, such as tools=[price], or a Toolset"),
    ({"tools": superscalar.tool(price)}, "write a list"),
    ({"tools": "price"}, "write a list"),
    ({"tools": {"price": price}}, "write a list"),
    ({"tools": types.ModuleType("money")}, "write a list"),
    ({"tools": None}, "write a list"),
    ({"tools": [5]}, "is no tool: write a function"),
    ({"tools": [[price]]}, "is no tool: write a function"),
    ({"tools": ["price"]}, "is no tool: write a function"),
    ({"model": object()}, 'write a name such as "openai:gpt-5-mini" or "local"'),
    ({"model": ScriptedModel}, "write a name such as"),
    ({"model": 5}, "model=5: write a name such as"),
    ({"model": "gpt-5-mini"}, "There is no model 'gpt-5-mini'"),
    ({"joiner": True}, "joiner=True: write a name such as"),
    ({"extractor": object()}, "write a name such as"),
    ({"base_url": "localhost:8000", "model": "openai:x"}, "write an address such as http://localhost:8000/v1"),
    ({"base_url": "http://localhost:8000/v1"}, "base_url="),
    ({"instructions": None}, "instructions=None: write a text"),
    ({"instructions": ["be brief"]}, "write a text"),
    ({"schemas": [int]}, "write types by name"),
    ({"schemas": {"Invoice": object()}}, "cannot be"),
    ({"output_type": object(), "model": ScriptedModel("")}, "output_type="),
    ({"grammar": "gbnf"}, "grammar='gbnf': write True or False"),
    ({"syntax": "yaml"}, "syntax='yaml': write one of 'python', "),
    ({"syntax": True}, "syntax=True: write a text; or None"),
    ({"journal": True}, 'write journal="runs.db", or a Journal'),
    ({"journal": ""}, 'write journal="runs.db", or a Journal'),
    ({"journal": b"runs.db"}, 'write journal="runs.db", or a Journal'),
    ({"random": 7}, "random=7: write random=Random(seed)"),
    ({"random": random}, "write random=Random(seed)"),
    ({"max_replan": 1}, "LLMCompiler(...) has no option max_replan=; did you mean max_replans=?"),
    ({"concurrency": 1}, "did you mean max_concurrency=?"),
    ({"xyzzy": 1}, "LLMCompiler(...) has no option xyzzy=; there are approve, approve_plan"),
]


@pytest.mark.parametrize(("given", "says"), WRONG, ids=[f"{next(iter(given))}-{says[:40]}" for given, says in WRONG])
def test_what_an_option_cannot_be_is_said_where_it_is_given(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as error:
        LLMCompiler(**given)
    assert says in str(error.value)


def test_a_third_positional_argument_and_one_given_twice_are_errors_that_say_so() -> None:
    with pytest.raises(UsageError, match="too many positional arguments; it takes a model, tools, and options by key"):
        LLMCompiler(None, [], 5)  # type: ignore[call-overload]
    with pytest.raises(UsageError, match="multiple values for argument 'model'"):
        LLMCompiler("local", model="local")  # type: ignore[call-overload]


@pytest.mark.parametrize("option", fields(Options), ids=lambda option: option.name)
def test_no_option_takes_a_value_of_a_class_that_nobody_knows(option: Any) -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError("not to be compared")

        def __repr__(self) -> str:
            raise RuntimeError("not to be shown")

        __hash__ = None  # type: ignore[assignment]

    with pytest.raises(UsageError):
        LLMCompiler(**dict[str, Any]({"model": ScriptedModel("")}, **{option.name: Odd()}))


CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("run_sync", (5,), {}, "question=5: write a text"),
    ("run_sync", ("?",), {"deadline": -1}, "deadline=-1: write a number above 0 (seconds from now); or None"),
    ("run_sync", ("?",), {"deadline": True}, "deadline=True"),
    ("run_sync", ("?",), {"history": "hello"}, "history='hello': write a list"),
    ("run_sync", ("?",), {"history": 5}, "history=5: write a list"),
    ("run_sync", ("?",), {"history_trusted": "no"}, "history_trusted='no': write True or False"),
    ("run_sync", ("?",), {"run_id": 7}, "run_id=7: write a name"),
    ("run_sync", ("?",), {"run_id": "\ud800"}, "write a name of your own"),
    ("run_sync", ("?",), {"deadline": 10**400}, "write a number above 0"),
    ("run_sync", ("?",), {"deadline": 1e300}, "deadline=1e+300: write a number above 0"),
    ("run_sync", ("?",), {"run_id": ""}, "run_id='': write a name"),
    ("stream", ("?",), {"deadline": "5"}, "deadline='5'"),
    ("stream_plan", ("join(1)",), {"saw_untrusted": None}, "saw_untrusted=None"),
    ("stream_plan", ("join(1)",), {"seen": "all"}, "seen='all': write a Label"),
    ("stream_plan", (["join(1)"],), {}, "write the text of a plan, or what agent.compile(text) returned"),
    ("stream_planning", (None,), {}, "question=None: write a text"),
    ("resume_sync", ("r",), {"resolve": "done"}, "resolve='done': write a function of a doubt"),
    ("resume_sync", ("r",), {"rules_changed": 1}, "rules_changed=1: write True or False"),
    ("resume_sync", ("r",), {"deadline": 0}, "deadline=0"),
    ("compile", (b"join(1)",), {}, "write the text of a plan"),
    ("compile", ("join(1)",), {"syntax": "yaml"}, "syntax='yaml': write one of 'python', "),
    ("check", ("join(1)",), {"syntax": None}, "syntax=None: write a text"),
    ("execute_calls_sync", ([],), {"saw_untrusted": "yes"}, "saw_untrusted='yes'"),
]


@pytest.mark.parametrize(("method", "given", "named", "says"), CALLS, ids=[f"{c[0]}-{c[3][:30]}" for c in CALLS])
def test_so_is_what_a_method_cannot_be_given(
    method: str, given: tuple[Any, ...], named: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError) as error:
        getattr(LLMCompiler(ScriptedModel("join(1)", "1"), [price]), method)(*given, **named)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (wrong(Limit, True), "Limit(concurrency=True): write a whole number from 1 on"),
        (wrong(Limit, "5"), "Limit(concurrency='5')"),
        (wrong(Limit, rate=math.nan), "Limit(rate=nan): write a number above 0"),
        (wrong(Limit, rate="5/s"), "Limit(rate='5/s')"),
        (wrong(Limit, per=0), "Limit(per=0): write a number above 0 (seconds, such as per=60.0"),
        (wrong(Limit, rate=1e-320), "Limit(rate=9.99989e-321, per=1): write a rate between one call in 1e+09 seconds"),
        (wrong(Limit, rate=1, per=5e-324), "write a rate between one call in 1e+09 seconds and 1e+09 calls in one"),
        (wrong(Limit, rate=10**400), "write a number above 0"),
        (wrong(Limit, burst=1.5), "Limit(burst=1.5): write a whole number from 1 on"),
        (wrong(Retry, 0), "Retry(attempts=0): write a whole number from 1 on"),
        (wrong(Retry, None), "Retry(attempts=None)"),
        (wrong(Retry, on=ConnectionError), "write classes of errors, such as on=(ConnectionError"),
        (wrong(Retry, on=("ConnectionError",)), "write classes of errors"),
        (wrong(Retry, initial=-1), "Retry(initial=-1): write a number from 0 on (seconds)"),
        (wrong(Retry, maximum=math.inf), "Retry(maximum=inf)"),
        (wrong(Retry, initial=1e300), "Retry(initial=1e+300): write a number"),
        (wrong(Policy, "maybe"), "Policy(mode='maybe'): write one of 'off', 'warn', 'ask', 'enforce'"),
        (wrong(Policy, max_writes=1.5), "Policy(max_writes=1.5): write a whole number from 0 on"),
        (wrong(Policy, max_writes=True), "Policy(max_writes=True)"),
        (wrong(Policy, max_cost="1"), "Policy(max_cost='1'): write a number from 0 on"),
        (wrong(Policy, tools="price"), "Policy(tools='price'): write names"),
        (wrong(Policy, tools=[price]), "write names, such as tools={'price'}"),
        (wrong(Policy, control="all"), "Policy(control='all'): write one of 'none', 'sinks'"),
        (wrong(Policy, rules=5), "Policy(rules=5): a list of rules"),
        (wrong(Toolset, price), "write a list, such as tools=[price], or a Toolset"),
        (wrong(Toolset, [price], limits={"q": 5}), 'write limits={"quotes": Limit(concurrency=5)}'),
        (wrong(Toolset, [price], schemas=[int]), "write types by name"),
    ],
    ids=lambda case: case[:50] if isinstance(case, str) else case.func.__name__,
)
def test_so_are_limits_retries_policies_and_sets(make: Any, says: str) -> None:
    with pytest.raises(UsageError) as error:
        make()
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ({"name": 5}, "@tool(name=5): write a name"),
        ({"name": ""}, "@tool(name=''): write a name"),
        ({"resource": True}, "@tool(resource=True): write a name, or a function of arguments"),
        ({"dedupe": "yes"}, "@tool(dedupe='yes'): write True or False; or None"),
        ({"limit": 5}, "@tool(limit=5): write a name, or a list of names"),
        ({"limit": {"q": Limit(5)}}, "write a name, or a list of names"),
        ({"timeout": "5"}, "@tool(timeout='5'): write a number above 0 (seconds); or None"),
        ({"timeout": math.nan}, "@tool(timeout=nan)"),
        ({"timeout": True}, "@tool(timeout=True)"),
        ({"retry": "3"}, "@tool(retry='3'): write how many attempts there are in all"),
        ({"retry": None}, "such as retry=3, or Retry(...)"),
        ({"retry": True}, "@tool(retry=True)"),
        ({"idempotent": "no"}, "@tool(idempotent='no'): write True or False"),
        ({"cost": "1"}, "@tool(cost='1'): write a number from 0 on"),
        ({"cost": math.inf}, "@tool(cost=inf)"),
        ({"batch": len}, "write a text"),
        ({"batch": "prices", "max_batch": "x"}, "@tool(max_batch='x'): write a whole number from 1 on"),
        ({"secret": True}, "@tool(secret=True): write a name"),
        ({"trusted_fields": 5}, "@tool(trusted_fields=5): write paths"),
        ({"sink": [5]}, "@tool(sink=[5]): write a name"),
        ({"content": b"to"}, "@tool(content=b'to'): write a name"),
        ({"readers": True}, "@tool(readers=True): write names, such as {'ann@home.example'}"),
        ({"reads": [price]}, "write names, such as"),
        ({"effect": True}, 'write effect="pure"'),
    ],
    ids=lambda case: case[:50] if isinstance(case, str) else next(iter(case)),
)
def test_so_are_the_terms_of_a_tool(terms: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as error:
        superscalar.tool(**terms)(price)
    assert says in str(error.value)


@pytest.mark.parametrize("most", [0, "x", True, 1.5])
def test_so_is_how_many_calls_a_batched_form_takes(most: Any) -> None:
    with pytest.raises(UsageError) as error:
        superscalar.tool(price).batch(max_batch=most)
    assert f"@price.batch(max_batch={most!r}): write a whole number from 1 on" in str(error.value)


@pytest.mark.parametrize("tools", [[price], (price,), iter([price]), Toolset([price]), {price}])
def test_tools_may_be_any_list_of_them_and_a_set_of_its_own(tools: Any) -> None:
    agent = LLMCompiler(tools=tools)
    assert run(agent.execute("x = price('ab')\njoin(x)")).joined == 2.0
    assert len(list(agent.options.tools)) == 1


def test_type_checkers_and_help_know_each_option() -> None:
    shown = inspect.signature(LLMCompiler).parameters
    assert list(shown) == list(inspect.signature(Options).parameters)
    assert {name: p.default for name, p in shown.items()} == {f.name: f.default for f in fields(Options)}
    by_position = [name for name, p in shown.items() if p.kind is not p.KEYWORD_ONLY]
    assert by_position == ["model", "tools"]


def test_each_option_stands_in_one_group_with_a_default_and_what_it_is_for() -> None:
    groups = [ModelOptions, AnswerOptions, BoundOptions, BudgetOptions, SafetyOptions, RecordOptions]
    names = [field.name for group in groups for field in fields(group)]
    assert sorted(names) == sorted({field.name for field in fields(Options)})
    assert set(meanings()) == set(names)
    assert not [field.name for field in fields(Options) if field.default is MISSING]
    assert [field.name for field in fields(Options) if WANTED not in field.metadata] == ["output_type"]


def test_the_page_of_options_says_what_stands_beside_each() -> None:
    page = Path(__file__).parent.parent / "docs" / "options.md"
    if os.environ.get("SUPERSCALAR_UPDATE_GOLDEN"):
        page.write_text(_page())
    assert page.read_text() == _page()


def _page() -> str:
    """The options by group, as `docs/options.md` has them."""
    lines = [
        "# Options of an agent",
        "",
        "`LLMCompiler(model, tools, ...)` takes a model, tools, and all else by keyword; `agent.options` is what it",
        "was told, a frozen `superscalar.Options`. A value that an option cannot have is a `UsageError` that says what",
        "to write. This page is made from the source: see `tests/test_options.py`.",
    ]
    for group in (ModelOptions, AnswerOptions, BoundOptions, BudgetOptions, SafetyOptions, RecordOptions):
        lines += ["", f"## {group.__doc__}"[:-1], "", "| option | default | |", "|---|---|---|"]
        lines += [
            f"| `{field.name}` | `{field.default!r}` | {meanings()[field.name].replace('|', chr(92) + '|')} |"
            for field in fields(group)
        ]
    return "\n".join(lines) + "\n"


def test_a_planner_that_is_held_to_a_grammar_writes_in_no_other_syntax() -> None:
    model = Held("join(1)")
    with pytest.raises(UsageError, match="syntax='numbered': scripted is held to a grammar of plans in python"):
        LLMCompiler(model, syntax="numbered")
    assert LLMCompiler(model, syntax="numbered", grammar=False).options.syntax == "numbered"


def test_the_command_line_takes_defaults_and_help_from_where_an_option_is_written() -> None:
    from typer.testing import CliRunner

    from superscalar.cli.app import app

    shown = " ".join(CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "1000"}).output.split())
    for name in ("base_url", "extractor", "max_replans", "replan", "replanner_sees", "max_tokens", "policy", "journal"):
        assert f"--{name.replace('_', '-')}" in shown
        assert meanings()[name].partition(". ")[0].removesuffix(".") in shown
    for name in ("max_replans", "replan", "replanner_sees", "policy"):
        assert f"[default: {getattr(LLMCompiler().options, name)}]" in shown


def test_an_agent_is_made_again_with_other_options(tmp_path: Path) -> None:
    class Shop(LLMCompiler):
        """An agent with something of its own."""

        def __init__(self, name: str) -> None:
            super().__init__(ScriptedModel("join(price('IBM'))\n", "3."), [price], journal=tmp_path / "runs.db")
            self.name = name

    shop = Shop("corner")
    other = shop.with_options(joiner=None, max_cost=2.0)
    assert (type(other), other.name, other.journal) == (Shop, "corner", shop.journal)
    assert (other.options.max_cost, shop.options.max_cost, other.options.tools) == (2.0, None, shop.options.tools)
    assert run(other.run("How long?")).answer == 3.0
    assert len(shop.journal.runs() if shop.journal else ()) == 1
    with pytest.raises(UsageError, match="did you mean max_cost="):
        shop.with_options(max_costs=2.0)
    with pytest.raises(UsageError, match="max_cost=0"):
        shop.with_options(max_cost=0)
