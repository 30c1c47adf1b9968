"""Whatever a tool's signature is and whatever a plan gives it: what a question shows is what the function receives."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from superscalar import Ask, LabelledCall, LLMCompiler, Policy, Question, Secret, Tool, tool
from superscalar import events as ev
from superscalar.codec import dumps, loads
from superscalar.policy.spelling import spelled
from superscalar.schedule.effective import digest_of
from superscalar.testing import run
from superscalar.unseen import revealed
from superscalar.values import WITHHELD
from support.depth import examples


class Tone(enum.Enum):
    WARM = "warm"
    COLD = "cold"


@dataclass
class Stamp:
    """A record."""

    country: str
    extra: Any = None


class Sheet(BaseModel):
    """A model that takes more than it declares."""

    model_config = ConfigDict(extra="allow")
    title: str


class Pair(NamedTuple):
    left: int
    right: str = ""


TEXTS = st.sampled_from(["'a'", "''", "'ann@x'", "'\\u00e9'", "t()", "f'{t()}!'", "t()[1:]"])
NUMBERS = st.sampled_from(["0", "-3", "7 + 1", "len(t())", "10 ** 30"])
KINDS: list[tuple[Any, st.SearchStrategy[str], st.SearchStrategy[Any]]] = [
    (str, TEXTS, st.text(max_size=3)),
    (int, NUMBERS, st.integers()),
    (float, NUMBERS, st.floats(allow_nan=False)),
    (bool, st.sampled_from(["True", "False", "1 > 2"]), st.booleans()),
    (str | None, st.one_of(TEXTS, st.just("None")), st.none()),
    (list[str], st.sampled_from(["[]", "['a', t()]", "[w for w in t()]", "v('list')"]), st.lists(st.text(max_size=2))),
    (
        dict[str, int],
        st.sampled_from(["{}", "{'a': 1}", "{t(): 2}", "v('dict')"]),
        st.dictionaries(st.text(), st.just(1)),
    ),
    (tuple[int, str], st.sampled_from(["(1, 'a')", "[2, t()]", "v('pair')"]), st.just((1, "a"))),
    (set[str], st.sampled_from(["set()", "{'a'}", "{'a', t()}"]), st.sets(st.sampled_from("abc"))),
    (Iterable[int], st.sampled_from(["[1, 2]", "range(3)"]), st.just([])),
    (Sequence[int], st.sampled_from(["[1, 2]", "(1,)"]), st.just(())),
    (Mapping[str, Any], st.sampled_from(["{'a': [1]}", "v('ordered')", "v('own')"]), st.just({"a": []})),
    (collections.deque[int], st.sampled_from(["[1, 2]", "v('list of int')"]), st.just(collections.deque([1], 2))),
    (Tone, st.sampled_from(["'warm'", "'cold'"]), st.sampled_from(Tone)),
    (dt.date, st.sampled_from(["'2026-01-02'", "date(2026, 1, 2)"]), st.dates()),
    (Stamp, st.sampled_from(["{'country': t()}", "v('stamp')"]), st.builds(Stamp, st.text(max_size=2), st.just([1]))),
    (
        Sheet,
        st.sampled_from(["{'title': 'a'}", "{'title': t(), 'bcc': ['a']}", "v('sheet')"]),
        st.just(Sheet(title="b")),
    ),
    (Pair, st.sampled_from(["[1, 'a']", "v('pair')"]), st.just(Pair(1))),
    (Annotated[str, AfterValidator(str.upper)], TEXTS, st.just("as it is")),
    (Annotated[int, Field(ge=-100)], st.sampled_from(["0", "len(t())"]), st.just(-1_000)),
    (Any, st.sampled_from(["1", "v('stamp')", "v('sheet')", "v('list')", "v('user')", "{'a': {1, 2}}"]), st.just(None)),
]
SECRETS: list[tuple[Any, st.SearchStrategy[str], st.SearchStrategy[Any]]] = [
    (SecretStr, TEXTS, st.builds(SecretStr, st.text(max_size=3))),
    (Annotated[str, Secret], TEXTS, st.text(max_size=3)),
]
VALUES: dict[str, Callable[[], Any]] = {
    "list": lambda: ["a", "b"],
    "list of int": lambda: [3],
    "dict": lambda: {"x": 3},
    "pair": lambda: Pair(1, "r"),
    "ordered": lambda: collections.OrderedDict(a=[1]),
    "own": lambda: collections.UserDict(a={"b": 1}),
    "user": lambda: collections.UserList([[1]]),
    "stamp": lambda: Stamp("de", {"a": [1]}),
    "sheet": lambda: Sheet.model_validate({"title": "a", "more": {"b": [1]}}),
}


@tool(effect="read", trust="trusted", dedupe=False)
async def t() -> str:
    """A text."""
    return "xyz"


@tool(effect="read", trust="trusted", dedupe=False)
async def v(name: str) -> Any:
    """A value."""
    return VALUES[name]()


def a_default(draw: Any, annotation: Any, default: Any, name: str) -> tuple[Any, Any, str]:
    """An annotation and a default in one of the ways to say them, or without one, and what plans call the parameter."""
    match draw(st.sampled_from(["none", "plain", "field", "annotated", "anew"])):
        case "plain":
            return annotation, default, name
        case "field":
            return annotation, Field(default), name
        case "annotated":
            return Annotated[annotation, Field(alias=f"{name}-as-sent")], default, f"{name}_as_sent"
        case "anew":
            return annotation, Field(default_factory=lambda: default), name
    return annotation, inspect.Parameter.empty, name


@st.composite
def called(draw: Any) -> tuple[Tool[..., Any], str, list[dict[str, Any]], set[str]]:
    """A tool, a plan that calls it, where it puts what it receives, and the names of its secrets."""
    got: list[dict[str, Any]] = []

    async def call(**received: Any) -> str:
        got.append(received)
        return "done"

    parameters: list[inspect.Parameter] = []
    given: list[str] = []
    hidden: set[str] = set()
    for number in range(draw(st.integers(1, 5))):
        secret = draw(st.integers(0, 7)) == 0
        kind, texts, defaults = draw(st.sampled_from(SECRETS if secret else KINDS))
        name = f"p{number}"
        annotation, default, alias = a_default(draw, kind, draw(defaults), name)
        parameters.append(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        )
        if secret:
            hidden.add(name)
        if default is inspect.Parameter.empty or draw(st.booleans()):
            given.append(f"{alias}={draw(texts)}")
    call.__signature__ = inspect.Signature(parameters, return_annotation=str)  # type: ignore[attr-defined]
    plan = f"x = call({', '.join(draw(st.permutations(given)))})\njoin(x)\n"
    return tool(effect="write", name="call")(call), plan, got, hidden


def _line(name: str, text: str) -> str:
    """What a question shows of an argument: cut if it is long, and what nobody would see as escapes."""
    return revealed(f"    {name} = {text if len(text) <= 300 else text[:270]}")  # the rest says how long it is


@settings(max_examples=examples(30, 750))
@given(called())
def test_what_a_question_shows_is_what_the_function_receives(
    case: tuple[Tool[..., Any], str, list[dict[str, Any]], set[str]],
) -> None:
    one, plan, got, hidden = case
    judged: list[dict[str, str]] = []
    asked: list[Question] = []

    def rule(call: LabelledCall) -> Ask | None:
        if call.tool != "call":
            return None
        judged.append({name: spelled(argument.value) for name, argument in call.arguments.items()})
        return Ask("look")

    async def approve(question: Question) -> bool:
        asked.append(question)
        return True

    async def main() -> tuple[ev.Event, ...]:
        agent = LLMCompiler(tools=[one, t, v], policy=Policy(rules=[rule]), approve=approve)
        async with agent.stream_plan(plan, run_id="run") as running:
            return (await running.result()).events

    happened = run(main())
    (question,), (received,) = asked, got
    wanted = {name: spelled(value) for name, value in received.items()}
    assert list(wanted) == list(one.aliases)
    assert judged == [wanted]
    told = {name: spelled(value) for name, value in question.arguments.items()}
    assert told == {name: spelled(WITHHELD) if name in hidden else text for name, text in wanted.items()}
    assert list(question.origins) == list(told)
    shown = str(question)
    assert all(_line(name, " ".join(text.splitlines())) in shown for name, text in told.items())
    (started,) = [event for event in happened if isinstance(event, ev.Started) and event.id == "x"]
    (decided,) = [event for event in happened if isinstance(event, ev.Decided)]
    assert {name: spelled(value) for name, value in started.arguments.items()} == told
    recorded = loads(dumps(decided))
    assert isinstance(recorded, ev.Decided)
    assert recorded.arguments is not None
    assert digest_of("run", "x", "call", recorded.arguments) == decided.digest == question.digest
