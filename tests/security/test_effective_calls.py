"""What is judged, asked, recorded and made is one call: all its arguments, those that nobody wrote too."""

from __future__ import annotations

import asyncio
import collections
import enum
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, AnyUrl, BaseModel, ConfigDict, Field, SecretStr
from typing_extensions import TypeAliasType

from superscalar import (
    Ask,
    Deny,
    Failure,
    LabelledCall,
    Limit,
    LLMCompiler,
    Observation,
    Policy,
    Question,
    Retry,
    tool,
)
from superscalar import events as ev
from superscalar.policy.spelling import spelled
from superscalar.testing import ScriptedModel, run
from superscalar.values import WITHHELD, Handle

GOT: list[dict[str, Any]] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    GOT.clear()


class Tone(enum.Enum):
    WARM = "warm"
    COLD = "cold"


@dataclass
class Stamp:
    """A record of which the repr leaves something out."""

    country: str = "de"
    hidden: str = field(default="eve", repr=False)


class Letter(BaseModel):
    """A model that takes more than it declares."""

    model_config = ConfigDict(extra="allow")
    to: str = "ann"
    secret: str = Field(default="mallory", repr=False)


def plain(text: str, to: str = "eve@x", amount: int = 10_000) -> str:
    GOT.append({"text": text, "to": to, "amount": amount})
    return "done"


def of_a_field(text: str, to: str = Field("eve@x", min_length=1)) -> str:
    GOT.append({"text": text, "to": to})
    return "done"


def made_anew(text: str, to: list[str] = Field(default_factory=lambda: ["eve@x"])) -> str:  # noqa: B008
    GOT.append({"text": text, "to": to})
    return "done"


def annotated(text: str, to: Annotated[str, Field(default="eve@x")]) -> str:
    GOT.append({"text": text, "to": to})
    return "done"


def by_keyword(text: str, *, to: str = "eve@x") -> str:
    GOT.append({"text": text, "to": to})
    return "done"


def with_an_alias(text: str, sender: Annotated[str, Field(alias="from")] = "eve@x") -> str:
    GOT.append({"text": text, "sender": sender})
    return "done"


def with_an_enum(text: str, tone: Tone = Tone.WARM) -> str:
    GOT.append({"text": text, "tone": tone})
    return "done"


def with_a_record(text: str, stamp: Stamp = Stamp()) -> str:  # noqa: B008
    GOT.append({"text": text, "stamp": stamp})
    return "done"


def with_a_model(letter: Letter) -> str:
    GOT.append({"letter": letter})
    return "done"


def with_a_list(text: str, to: list[str] = ["eve@x"]) -> str:  # noqa: B006
    GOT.append({"text": text, "to": to})
    return "done"


def with_none(text: str, to: str = None) -> str:  # type: ignore[assignment]  # noqa: RUF013
    GOT.append({"text": text, "to": to})
    return "done"


def changed_on_the_way(text: Annotated[str, AfterValidator(str.upper)], to: str = "eve@x") -> str:
    GOT.append({"text": text, "to": to})
    return "done"


def gone_through(text: Iterable[str], to: str = "eve@x") -> str:
    GOT.append({"text": list(text), "to": to})
    return "done"


def with_an_address(text: str, to: AnyUrl = AnyUrl("https://eve.example/x")) -> str:  # noqa: B008
    GOT.append({"text": text, "to": to})
    return "done"


def with_a_secret(text: str, key: SecretStr = SecretStr("k-77"), to: str = "eve@x") -> str:  # noqa: B008
    GOT.append({"text": text, "key": key, "to": to})
    return "done"


class Office:
    """Tools that are methods."""

    @tool(effect="write", name="call")
    def call(self, text: str, to: str = "eve@x") -> str:
        """Call."""
        GOT.append({"text": text, "to": to})
        return "done"


FUNCTIONS: list[Callable[..., Any]] = [
    *(plain, of_a_field, made_anew, annotated, by_keyword, with_an_alias, with_an_enum, with_a_record, with_a_list),
    *(with_none, changed_on_the_way, with_an_address, with_a_secret, partial(plain, to="mallory@x")),
]


def calling(function: Callable[..., Any]) -> Any:
    return tool(effect="write", name="call")(function)


CASES = [
    *((calling(function), "x = call('hello')\njoin(x)\n") for function in FUNCTIONS),
    (Office().call, "x = call('hello')\njoin(x)\n"),
    (calling(gone_through), "x = call(['a', 'b'])\njoin(x)\n"),
    (calling(with_a_model), "x = call({'to': 'bob', 'bcc': ['mallory']})\njoin(x)\n"),
    (calling(with_an_alias), "x = call('hello', from_='bob')\njoin(x)\n"),
    (calling(plain), "x = call(amount=3, text='hello')\njoin(x)\n"),
]


def seen_in(one: Any, plan: str, approve: Any = None) -> tuple[Any, ...]:
    """What a rule, a person, the tool and the log of a run saw, and how the call ended."""
    judged: list[dict[str, Any]] = []
    asked: list[Question] = []

    def rule(call: LabelledCall) -> Ask | None:
        if call.tool != "call":
            return None
        judged.append({name: argument.value for name, argument in call.arguments.items()})
        return Ask("look")

    def yes(question: Question) -> bool:
        asked.append(question)
        return approve is None or bool(approve(question))

    async def main() -> Any:
        agent = LLMCompiler(tools=one if isinstance(one, list) else [one], policy=Policy(rules=[rule]), approve=yes)
        async with agent.stream_plan(plan, run_id="run") as running:
            return await running.result()

    result = run(main())
    started = [dict(e.arguments) for e in result.events if isinstance(e, ev.Started) and e.tool == "call"]
    return judged, asked, started, result.outcomes["x"]


@pytest.mark.parametrize(("one", "plan"), CASES)
def test_a_rule_a_person_the_log_and_the_tool_see_the_same_call(one: Any, plan: str) -> None:
    judged, (question,), (started,), outcome = seen_in(one, plan)
    assert outcome == Observation("done")
    (got,) = GOT
    wanted = {name: spelled(value) for name, value in got.items()}
    assert {name: spelled(value) for name, value in judged[0].items()} == wanted
    hidden = {"key": "**********"} if "key" in wanted else {}
    texts = {name: spelled(str(value)) for name, value in got.items() if isinstance(value, AnyUrl)}
    assert {name: spelled(value) for name, value in started.items()} == wanted | hidden | texts
    assert question.arguments == started
    assert question.origins.keys() == got.keys()
    text = str(question)
    for name in got:
        assert f"    {name} = {spelled(question.arguments[name])}\n" in text


def test_what_a_record_leaves_out_of_its_own_repr_is_in_the_question() -> None:
    _, (question,), _, _ = seen_in(calling(with_a_record), "x = call('hello')\njoin(x)\n")
    assert "stamp = Stamp(country='de', hidden='eve')" in str(question)
    _, (question,), _, _ = seen_in(calling(with_a_model), "x = call({'bcc': ['mallory']})\njoin(x)\n")
    assert "letter = Letter(to='ann', secret='mallory', bcc=['mallory'])" in str(question)


def test_a_secret_default_is_in_the_question_and_withheld() -> None:
    @tool(effect="write", name="call", secret="key")
    def pay(amount: int, key: str = "k-77") -> str:
        """Pay."""
        GOT.append({"amount": amount, "key": key})
        return "done"

    _, (question,), (started,), _ = seen_in(pay, "x = call(1)\njoin(x)\n")
    assert question.arguments == started == {"amount": 1, "key": WITHHELD}
    assert GOT == [{"amount": 1, "key": "k-77"}]


@pytest.mark.parametrize(
    "said",
    ["x = call('t')", "x = call('t', 'eve@x')", "x = call(to='eve@x', text='t')", "x = call('t', f'{\"eve\"}@x')"],
)
def test_a_rule_that_forbids_an_address_forbids_it_as_a_default_too(said: str) -> None:
    def rule(call: LabelledCall) -> Deny | None:
        return Deny("eve") if any("eve" in str(argument.value) for argument in call.sinks.values()) else None

    one = tool(effect="write", name="call", sink="to")(plain)
    found = run(LLMCompiler(tools=[one], policy=Policy(rules=[rule])).execute(f"{said}\njoin(x)\n"))["x"]
    assert found == Failure("denied", "eve")
    assert GOT == []


def test_a_default_names_who_reads_a_call() -> None:
    @tool(effect="read", trust="trusted", readers="ann@x")
    def diary() -> str:
        """What Ann wrote."""
        return "dear diary"

    @tool(effect="write", sink="to")
    def send(text: str, to: str = "eve@x") -> str:
        """Send."""
        return "sent"

    found = run(LLMCompiler(tools=[diary, send]).execute("x = send(diary())\njoin(x)\n"))["x"]
    assert found == Failure("denied", "`text` of send is only for ann@x, but eve@x would read it")


def test_a_default_is_made_once_for_each_call() -> None:
    made: list[int] = []

    def number() -> int:
        made.append(len(made))
        return made[-1]

    @tool(
        effect="write", name="call", retry=Retry(3, on=(OSError,)), idempotent=True, resource=lambda key: f"key {key}"
    )
    def call(text: str, key: int = Field(default_factory=number)) -> str:
        """Call."""
        GOT.append({"text": text, "key": key})
        if len(GOT) < 3:
            raise OSError("again")
        return "done"

    judged, (question,), started, outcome = seen_in(call, "x = call('t')\njoin(x)\n")
    assert outcome == Observation("done")
    assert made == [0]
    assert {one["key"] for one in (*judged, question.arguments, *started, *GOT)} == {0}


def test_who_may_read_what_a_call_returns_is_named_by_what_it_was_made_with() -> None:
    made: list[str] = []

    def reader() -> str:
        made.append(f"ann{len(made)}@x")
        return made[-1]

    @tool(effect="read", trust="trusted", readers=lambda owner: [owner])
    def diary(owner: str = Field(default_factory=reader)) -> str:
        """What somebody wrote."""
        return "dear diary"

    @tool(effect="write", sink="to")
    def send(to: str, text: str) -> str:
        """Send."""
        return "sent"

    plan = 'd = diary()\nx = send("ann0@x", d)\ny = send("ann1@x", d)\njoin(x, y)\n'
    found = run(LLMCompiler(tools=[diary, send]).execute(plan))
    assert (found["x"], type(found["y"])) == (Observation("sent"), Failure)
    assert made == ["ann0@x"]


def test_it_is_so_where_no_rule_looks_at_the_call() -> None:
    @tool(effect="read", trust="trusted", readers=lambda owner: [owner])
    def diary(owner: str = Field(default_factory=lambda: "ann@x")) -> str:
        """What somebody wrote."""
        return "dear diary"

    agent = LLMCompiler(ScriptedModel("d = diary()\njoin(d)\n"), [diary], policy="off", joiner=None)
    assert run(agent.run("What did she write?")).messages[-1].label.readers == frozenset({"ann@x"})


def test_a_default_that_cannot_be_made_fails_the_call_before_anybody_is_asked() -> None:
    def broken() -> int:
        raise OSError("no number")

    @tool(effect="write", name="call")
    def call(text: str, key: int = Field(default_factory=broken)) -> str:
        """Call."""
        return "done"

    judged, asked, started, outcome = seen_in(call, "x = call('t')\njoin(x)\n")
    assert (judged, asked, started) == ([], [], [])
    assert outcome == Failure("arguments", "call(): making the default of `key` raised OSError('no number')")


def test_identical_calls_are_those_that_are_made_alike() -> None:
    @tool(effect="pure")
    def twice(x: float, factor: int = 2) -> float:
        """A product."""
        GOT.append({"x": x, "factor": factor})
        return x * factor

    plan = "a = twice(1)\nb = twice(1.0, 2)\nc = twice(factor=2, x=1)\nd = twice(1, 3)\njoin(a, b, c, d)\n"
    assert run(LLMCompiler(tools=[twice]).execute(plan)).joined == [2.0, 2.0, 2.0, 3.0]
    assert len(GOT) == 2


# ------------------------------------------------------------------------------------------- values that change


class Stateful(dict[str, Any]):
    """A mapping that gives what stands somewhere else."""

    def __init__(self, behind: dict[str, Any]) -> None:
        super().__init__(behind)
        self.behind = behind

    def __getitem__(self, key: str) -> Any:
        return self.behind[key]


@dataclass
class Held:
    """A record that holds a collection."""

    inside: Any


def _changed(value: Any) -> bool:
    """Put Eve in the place of Ann, wherever that stands; and approve of whatever is asked."""
    if isinstance(value, types.SimpleNamespace):
        value.to = "eve"
    elif isinstance(value, Held):
        _changed(value.inside)
    elif isinstance(value, list | collections.deque | collections.UserList):
        value[0] = "eve"
    elif isinstance(value, bytearray):
        value[:] = b"eve"
    elif isinstance(value, Letter):
        value.to = "eve"
        value.bcc[0] = "eve"  # type: ignore[attr-defined]
    elif isinstance(value, Stateful):
        value.behind["to"] = "eve"
    else:
        value["to"] = "eve"
    return True


SHARED: list[Callable[[], Any]] = [
    lambda: {"to": "ann"},
    lambda: ["ann"],
    lambda: bytearray(b"ann"),
    lambda: collections.OrderedDict(to="ann"),
    lambda: collections.defaultdict(str, to="ann"),
    lambda: collections.UserDict(to="ann"),
    lambda: collections.UserList(["ann"]),
    lambda: collections.ChainMap({"to": "ann"}),
    lambda: collections.deque(["ann"]),
    lambda: Stateful({"to": "ann"}),
    lambda: Letter.model_validate({"to": "ann", "bcc": ["ann"]}),
    lambda: Held({"to": "ann"}),
    lambda: Held(collections.OrderedDict(to="ann")),
    lambda: types.SimpleNamespace(to="ann"),  # no data: what it holds cannot be copied
]


@pytest.mark.parametrize("make", SHARED)
def test_what_changes_while_a_person_thinks_is_not_called_unseen(make: Callable[[], Any]) -> None:
    value = make()

    @tool(effect="read", trust="trusted", dedupe=False)
    async def draft() -> Any:
        """A draft."""
        return value

    @tool(effect="write", name="call")
    async def send(m: Any) -> str:
        """Send."""
        GOT.append({"m": spelled(m)})
        return "done"

    _, asked, _, outcome = seen_in([draft, send], "d = draft()\nx = call(d)\njoin(x)\n", lambda _: _changed(value))
    assert outcome == Observation("done")
    shown = spelled(asked[-1].arguments["m"])
    handle = isinstance(asked[-1].arguments["m"], Handle)
    assert shown == (f"<opaque SimpleNamespace: {GOT[0]['m']}>" if handle else GOT[0]["m"])
    assert ("eve" in GOT[0]["m"], len(asked)) == ((True, 2) if handle else (False, 1))


@pytest.mark.parametrize("make", SHARED[:-1])
def test_a_tool_that_changes_what_it_is_given_changes_nothing_that_was_shown(make: Callable[[], Any]) -> None:
    @tool(effect="read", trust="trusted")
    async def draft() -> Any:
        """A draft."""
        return make()

    @tool(effect="write", name="call", retry=Retry(2, on=(OSError,)), idempotent=True)
    async def send(m: Any, more: list[str] = ["ann"]) -> str:  # noqa: B006
        """Send."""
        GOT.append({"m": spelled(m), "more": spelled(more)})
        if isinstance(m, bytes):
            m = Held({})
        _changed(m)
        more[0] = "eve"
        if len(GOT) == 1:
            raise OSError("again")
        return "done"

    judged, (question,), started, outcome = seen_in([draft, send], "d = draft()\nx = call(d)\njoin(x)\n")
    assert outcome == Observation("done")
    assert len(GOT) == len(started) == 2
    for one in (*judged, question.arguments, *started):
        assert {name: spelled(value) for name, value in one.items()} == GOT[0] == GOT[1]
    assert "eve" not in str(GOT)


def test_a_rule_that_changes_what_it_is_shown_changes_no_call() -> None:
    def rule(call: LabelledCall) -> None:
        call.arguments["to"].value.append("eve@x")

    one = tool(effect="write", name="call")(made_anew)
    outcomes = run(LLMCompiler(tools=[one], policy=Policy(rules=[rule])).execute("x = call('t', ['ann@x'])\njoin(x)\n"))
    assert outcomes["x"] == Observation("done")
    assert GOT == [{"text": "t", "to": ["ann@x"]}]


def test_calls_of_a_batch_are_given_copies_too() -> None:
    @tool(effect="read")
    async def price(ticker: str, fields: list[str] = ["last"]) -> str:  # noqa: B006
        """A price."""
        return ticker

    @price.batch
    async def prices(tickers: list[str], fields: list[str]) -> list[str]:
        GOT.append({"tickers": list(tickers), "fields": list(fields)})
        found = list(tickers)
        tickers.clear()
        fields.clear()
        return found

    async def main() -> Any:
        async with LLMCompiler(tools=[price]).stream_plan("x = [price(t) for t in 'ABC']\njoin(x)\n") as running:
            return await running.result()

    result = run(main())
    assert result.answer == ["A", "B", "C"]
    assert GOT == [{"tickers": ["A", "B", "C"], "fields": ["last"]}]
    started = [e.arguments for e in result.events if isinstance(e, ev.Started)]
    assert started == [{"ticker": t, "fields": ["last"]} for t in "ABC"]


# ------------------------------------------------------------------------------------------- names of parameters

From = TypeAliasType("From", Annotated[str, Field(alias="from")])


@pytest.mark.parametrize(
    "annotation", [Annotated[str, Field(alias="from")], From, Annotated[str, Field("x", alias="from")]]
)
@pytest.mark.parametrize("key", ["from", "from_", "sender"])
def test_a_parameter_is_called_by_its_alias_in_every_form(annotation: Any, key: str) -> None:
    async def call(sender: str) -> str:
        return sender

    call.__annotations__["sender"] = annotation
    agent = LLMCompiler(tools=[tool(effect="read")(call)])
    native = [{"type": "tool_use", "id": "1", "name": "call", "input": {key: "ann"}}]
    assert run(agent.execute_calls(native))[0].outcome == Observation("ann")
    steps = f'{{"steps": [{{"id": "x", "tool": "call", "arguments": {{"{key}": "ann"}}}}]}}'
    assert run(agent.execute(steps))["x"] == Observation("ann")
    assert run(agent.execute('x = call(from_="ann")\njoin(x)\n'))["x"] == Observation("ann")


def test_what_changes_between_an_approval_and_the_call_is_not_called() -> None:
    held = types.SimpleNamespace(to="ann")

    @tool(effect="read", trust="trusted", dedupe=False)
    async def draft() -> Any:
        """A draft that is no data."""
        return held

    @tool(effect="read", trust="trusted", limit="line", resource="clock")
    async def busy() -> str:
        """It has the only slot while a person says yes, and changes what was approved then."""
        await asyncio.sleep(10)
        held.to = "eve"
        return "done"

    @tool(effect="write", name="call", policy="ask", limit="line", resource="post")
    async def send(m: Any) -> str:
        """Send."""
        GOT.append({"m": m})
        return "done"

    plan = "b = busy()\nx = call(draft())\njoin(b, x)\n"
    agent = LLMCompiler(tools=[draft, busy, send], limits={"line": Limit(concurrency=1)}, approve=lambda _: True)
    outcomes = run(agent.execute(plan))
    assert outcomes["x"] == Failure("denied", "what would be called now is not what was approved")
    assert (outcomes["b"], GOT) == (Observation("done"), [])


def test_calls_whose_defaults_are_equal_go_out_together() -> None:
    @tool(effect="read")
    async def price(ticker: str, fields: Any = collections.deque(["last"])) -> str:  # noqa: B006
        """A price."""
        return ticker

    @price.batch
    async def prices(tickers: list[str], fields: Any) -> list[str]:
        GOT.append({"tickers": tickers, "fields": fields})
        return tickers

    run(LLMCompiler(tools=[price]).execute("x = [price(t) for t in 'ABC']\njoin(x)\n"))
    assert [{"tickers": ["A", "B", "C"], "fields": collections.deque(["last"])}] == GOT


def test_what_a_record_holds_that_is_no_data_is_shown_as_a_handle() -> None:
    @tool(effect="read", trust="trusted")
    async def draft() -> Held:
        """A record of which a field is of a class that nobody can copy."""
        return Held(collections.UserDict(to="ann"))

    @tool(effect="write", name="call")
    async def send(m: Any) -> str:
        """Send."""
        return "done"

    _, (question,), (started,), _ = seen_in([draft, send], "x = call(draft())\njoin(x)\n")
    assert isinstance(question.arguments["m"].inside, Handle)
    assert spelled(started["m"]) == "Held(inside=<opaque UserDict: {'to': 'ann'}>)"


class Broken(BaseModel):
    """A record that cannot be copied."""

    text: str

    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            raise OSError("no copy")
        return super().__getattribute__(name)


@pytest.mark.parametrize("policy", [None, "ask"])
def test_an_argument_that_cannot_be_copied_fails_its_call_alone(policy: Any) -> None:
    @tool(effect="write", name="call", policy=policy)
    async def send(m: Broken) -> str:
        """Send."""
        return "done"

    @tool(effect="read")
    async def other() -> str:
        """Something else."""
        return "fine"

    plan = "x = call({'text': 'a'})\ny = other()\njoin(x, y)\n"
    outcomes = run(LLMCompiler(tools=[send, other], approve=lambda _: True).execute(plan))
    assert outcomes["x"] == Failure("arguments", "`m` cannot be copied: OSError('no copy')")
    assert outcomes["y"] == Observation("fine")
