"""What is secret stands in no journal, and a run that is resumed has the values that it had."""

from __future__ import annotations

import asyncio
import traceback
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from superscalar import (
    ApprovalPending,
    Ask,
    CallAgain,
    Failure,
    LabelledCall,
    LLMCompiler,
    Observation,
    Policy,
    ToolContext,
    events,
    tool,
)
from superscalar.errors import ModelError
from superscalar.journal import Journal
from superscalar.secrets import MARK
from superscalar.testing import ScriptedModel, run
from superscalar.values import WITHHELD
from support.depth import examples, share

KEY = "k-7781/ab+cd=="
QUOTED = urllib.parse.quote(KEY, safe="")
made: list[str] = []
CONTEXT = {"key": SecretStr(KEY)}


@pytest.fixture(autouse=True)
def _forget() -> None:
    made.clear()


@tool(effect="read")
async def urls(count: int, run: ToolContext[Any]) -> list[str]:
    """Signed addresses."""
    made.append("urls")
    return [f"https://x/{i}?k={QUOTED}" for i in range(count)]


@tool(effect="read")
async def size(text: str) -> int:
    """How long a text is."""
    made.append("size")
    await asyncio.sleep(1)
    return len(text)


@tool(effect="write", resource="desk")
async def put(text: str) -> str:
    """Put something on the desk."""
    made.append(f"put {len(text)}")
    return f"put with {KEY}"


@tool(effect="read", secret="key")
async def login(key: str) -> str:
    """Log in."""
    raise PermissionError(f"bad key {key} {key!r} {urllib.parse.quote(key, safe='')}")


@tool(effect="read")
async def leaky(run: ToolContext[Any]) -> str:
    """Raises what it has."""
    key = run.context["key"].get_secret_value()
    run.progress(f"trying {key}")
    await asyncio.sleep(1)
    raise type(f"Bad_{key}", (Exception,), {})(f"no: {key[:9]}... at https://u:p@h/x?sig=1")


TOOLS: list[Any] = [urls, size, put, login, leaky]
FORMS = (KEY, QUOTED, KEY.encode().hex(), KEY[:9], "eS03NzgxL2Fi")


def on_disk(folder: Path) -> str:
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir())).decode("latin-1")


def execute(folder: Path, plan: str, **more: Any) -> Any:
    agent = LLMCompiler(tools=TOOLS, journal=folder / "runs.db", policy="off", **more)
    return run(agent.execute(plan, run_id="r", context=CONTEXT))


PLANS = {
    "a value": "u = urls(2)\njoin(u)\n",
    "an item": "u = urls(2)\njoin(u[1])\n",
    "a key of a dict": "u = urls(2)\nd = {u[0]: 1}\njoin(d)\n",
    "a text made of it": "u = urls(2)\nt = f'see {u[0]}'\njoin(t)\n",
    "a map over it": "u = urls(3)\nn = [size(x) for x in u]\njoin(n, u)\n",
    "items kept": "u = urls(3)\nn = [x for x in u if size(x) > 3]\njoin(n)\n",
    "a condition on it": "u = urls(1)\nif u[0]:\n    s = size(u[0])\nelse:\n    s = 0\njoin(s, u)\n",
    "a write of it": "u = urls(2)\np = put(u[0])\nn = size(u[1])\njoin(n)\n",
    "the same call twice": "u = urls(2)\nv = urls(2)\njoin(u, v)\n",
    "an argument": "u = urls(1)\nn = size(u[0])\nm = size(u[0] + 'x')\njoin(n, m)\n",
    "a constant of the plan": f"n = size('{KEY}')\nm = size('b')\njoin(n, m)\n",
    "a failure": "x = leaky()\njoin(x)\n",
    "a secret parameter": f"x = login(key='{KEY}')\njoin(x)\n",
    "a name first": f"k = '{KEY}'\nx = login(key=k)\njoin(x)\n",
}


@pytest.mark.parametrize("name", PLANS)
def test_a_secret_stands_in_no_file_of_the_journal(tmp_path: Path, name: str) -> None:
    execute(tmp_path, PLANS[name])
    written = on_disk(tmp_path)
    assert [form for form in FORMS if form in written] == []


def test_what_a_plan_gives_to_a_secret_parameter_behind_other_lines_stands_in_no_file(tmp_path: Path) -> None:
    agent = LLMCompiler(tools=TOOLS, journal=tmp_path / "runs.db", policy="off")
    plan = f"k = '{KEY}'\nn = size(k)\nt = f'see {KEY}'\nx = login(k)\njoin(n, t, x)\n"
    assert run(agent.execute(plan, run_id="r")).joined[0] == len(KEY)
    assert KEY not in on_disk(tmp_path)


@pytest.mark.parametrize("key", ["ключ от двери 9Ω", 'пароль "\\x"', "\U0001f600" * 8])
def test_a_secret_in_any_script_is_found_in_what_is_recorded(tmp_path: Path, key: str) -> None:
    @tool(effect="read")
    async def page() -> dict[str, Any]:
        """A page."""
        return {"title": "Заявка", "text": f"<{key}>", "size": 10**4_000}

    agent = LLMCompiler(tools=[page], journal=tmp_path / "runs.db")
    assert run(agent.execute("p = page()\njoin(p)\n", run_id="r", context={"key": SecretStr(key)})).joined
    recorded = [record.event for record in Journal(tmp_path / "runs.db").read("r")]
    assert [event.value for event in recorded if isinstance(event, events.Succeeded) and event.id == "p"] == [WITHHELD]


def cut(journal: Journal, folder: Path) -> Iterator[Path]:
    """Journals of the run as it was after each of its events from the seal on."""
    recorded = [record.event for record in journal.read("r")]
    sealed = next(i for i, event in enumerate(recorded) if isinstance(event, events.Sealed))
    for count in range(sealed + 1, len(recorded)):
        path = folder / f"{count}.db"
        log = Journal(path).begin("r", {**journal.about("r")})
        for event in recorded[:count]:
            log.append(event)
        log.close()
        yield path


RESUMED = ["a value", "an item", "a key of a dict", "a text made of it", "a map over it", "items kept"]
RESUMED += ["a condition on it", "the same call twice", "an argument", "a failure"]


@pytest.mark.parametrize("name", RESUMED)
def test_a_run_that_is_resumed_anywhere_comes_to_what_it_comes_to(tmp_path: Path, name: str) -> None:
    undisturbed = execute(tmp_path, PLANS[name])
    (tmp_path / "cut").mkdir()
    for path in share(cut(Journal(tmp_path / "runs.db"), tmp_path / "cut"), 3):
        agent = LLMCompiler(tools=TOOLS, journal=path, policy="off")
        result = run(agent.resume("r", context=CONTEXT))
        assert dict(result.outcomes) == dict(undisturbed), path
    assert KEY not in on_disk(tmp_path / "cut")
    assert QUOTED not in on_disk(tmp_path / "cut")


@settings(max_examples=examples(4), deadline=None)
@given(st.text("abc/+%\"'\\ é", min_size=8, max_size=16).map(lambda s: f"z{s}z"), st.integers(1, 3), st.data())
def test_any_secret_is_read_again(tmp_path_factory: pytest.TempPathFactory, key: str, count: int, data: Any) -> None:
    @tool(effect="read")
    async def read(number: int, run: ToolContext[Any]) -> list[dict[str, str]]:
        """Read."""
        secret = run.context.get_secret_value()
        return [{"k": f"<{urllib.parse.quote(secret)}>", secret: "v"} for _ in range(number)]

    @tool(effect="read")
    async def count_of(text: str) -> int:
        """Count."""
        return len(text)

    plan = f"r = read({count})\nn = [count_of(x['k']) for x in r]\njoin(n, r)\n"
    folder = tmp_path_factory.mktemp("runs")
    tools: list[Any] = [read, count_of]
    agent = LLMCompiler(tools=tools, journal=folder / "runs.db", policy="off")
    undisturbed = run(agent.execute(plan, run_id="r", context=SecretStr(key)))
    assert undisturbed.joined is not None
    paths = list(cut(Journal(folder / "runs.db"), folder))
    path = data.draw(st.sampled_from(paths))
    result = run(LLMCompiler(tools=tools, journal=path, policy="off").resume("r", context=SecretStr(key)))
    assert dict(result.outcomes) == dict(undisturbed)


def test_what_a_write_returned_is_absent_and_it_is_not_made_again(tmp_path: Path) -> None:
    execute(tmp_path, "p = put('a')\nn = size('b')\nt = f'{p}!'\njoin(p, n, t)\n")
    made.clear()
    *_, path = cut(Journal(tmp_path / "runs.db"), tmp_path)
    result = run(LLMCompiler(tools=TOOLS, journal=path, policy="off").resume("r", context=CONTEXT))
    absent = "absent: the write was done, but something secret stands in the value, which is in no journal for that"
    assert result.outcomes["p"] == Failure("error", absent, "Withheld")
    assert result.outcomes["n"] == Observation(1)
    assert not isinstance(result.outcomes["t"], Observation)
    assert made == []
    assert MARK not in str(result.answer)


CONSTANTS = f"""
k = '{KEY}'
t = f'a {{k}}'
p = note(t)
q = note(k)
r = note(f'x {KEY}')
s = note(str(k))
u = note('a' + k)
v = note([k])
w = note({{'k': ','.join([k])}})
join(p, q, r, s, u, v, w)
"""


def test_no_call_is_made_with_what_stands_for_a_secret(tmp_path: Path) -> None:
    given: list[str] = []

    @tool(effect="write", resource="desk")
    async def note(text: Any) -> str:
        """Note anything."""
        given.append(repr(text))
        return "ok"

    agent = LLMCompiler(tools=[note], journal=tmp_path / "runs.db", policy="off")
    run(agent.execute(CONSTANTS, run_id="r", context=CONTEXT))
    right = set(given)
    for path in share(cut(Journal(tmp_path / "runs.db"), tmp_path), 3):
        again = LLMCompiler(tools=[note], journal=path, policy="off")
        run(again.resume("r", context=CONTEXT, resolve=lambda _: CallAgain()))
    assert set(given) == right
    assert KEY not in on_disk(tmp_path)


def test_a_list_that_has_other_items_now_is_not_taken_for_the_one_of_the_run(tmp_path: Path) -> None:
    lengths = iter([2, 3])

    @tool(effect="read")
    async def growing() -> list[str]:
        """Grows."""
        return [f"{KEY} {i}" for i in range(next(lengths))]

    tools: list[Any] = [growing, size, put]
    agent = LLMCompiler(tools=tools, journal=tmp_path / "runs.db", policy="off")
    run(agent.execute("g = growing()\nn = [size(x) for x in g]\njoin(n)\n", run_id="r", context=CONTEXT))
    *_, path = cut(Journal(tmp_path / "runs.db"), tmp_path)
    result = run(LLMCompiler(tools=tools, journal=path, policy="off").resume("r", context=CONTEXT))
    assert isinstance(found := result.outcomes["g"], Failure)
    assert "not what the run went on with" in found.message
    assert result.outcomes["n"] == Observation([len(KEY) + 2] * 2)


def test_a_read_that_fails_now_is_absent_and_the_rest_goes_on(tmp_path: Path) -> None:
    execute(tmp_path, "u = urls(1)\nn = size('b')\njoin(u, n)\n")
    *_, path = cut(Journal(tmp_path / "runs.db"), tmp_path)

    @tool(effect="read")
    async def urls(count: int, run: ToolContext[Any]) -> list[str]:
        """Gone."""
        raise OSError(f"gone: {KEY}")

    tools: list[Any] = [urls, size]
    result = run(LLMCompiler(tools=tools, journal=path, policy="off").resume("r", context=CONTEXT))
    assert isinstance(found := result.outcomes["u"], Failure)
    assert "reading it again failed: OSError" in found.message
    assert KEY not in str(result.outcomes)
    assert result.outcomes["n"] == Observation(1)


def test_doubts_of_a_run_are_told_without_reading_anything(tmp_path: Path) -> None:
    execute(tmp_path, PLANS["a map over it"])
    made.clear()
    *_, path = cut(Journal(tmp_path / "runs.db"), tmp_path)
    assert run(LLMCompiler(tools=TOOLS, journal=path, policy="off").doubts("r")) == ()
    assert made == []


def test_failures_class_names_and_progress_say_no_secret(tmp_path: Path) -> None:
    agent = LLMCompiler(tools=TOOLS, journal=tmp_path / "runs.db", policy="off")

    async def main() -> Any:
        async with agent.stream_plan("x = leaky()\njoin(x)\n", context=CONTEXT) as running:
            return await running.result()

    result = run(main())
    failed = result.outcomes["x"]
    assert failed == Failure("error", f"no: {MARK}... at https://h/x?...", f"Bad_{MARK}")
    assert [e.message for e in result.events if isinstance(e, events.Progressed)] == [f"trying {MARK}"]


def test_neither_do_reasons_of_rules_and_rounds_nor_the_questions_of_a_run_that_waits(tmp_path: Path) -> None:
    def asks(call: LabelledCall) -> Ask | None:
        return Ask(f"{KEY} is new") if call.tool == "put" else None

    model = ScriptedModel(
        "n = size('abc')\njoin(n)\n", f"REPLAN: what of {KEY}?", "u = urls(1)\np = put(u[0])\njoin(p)\n"
    )
    agent = LLMCompiler(model, TOOLS, journal=tmp_path / "runs.db", policy=Policy(rules=[asks]), replan="any")
    told: list[events.Event] = []

    async def follow() -> None:
        async with agent.stream("?", context=CONTEXT, run_id="r") as stream:
            async for event in stream:
                told.append(event)  # noqa: PERF401 -- those that came before it is left

    with pytest.raises(ApprovalPending) as caught:
        run(follow())
    assert [event.reason for event in told if isinstance(event, events.RoundStarted)] == ["", f"what of {MARK}?"]
    assert [event.reason for event in told if isinstance(event, events.Decided)] == [f"{MARK} is new"]
    assert f"{MARK} is new" in str(caught.value)
    assert [form for form in FORMS if form in str(caught.value)] == []


def test_no_model_is_shown_a_secret_of_a_result(tmp_path: Path) -> None:
    model = ScriptedModel("u = urls(1)\njoin(u)\n", "done")
    agent = LLMCompiler(model, tools=[urls], journal=tmp_path / "runs.db", policy="off")
    run(agent.run("?", context=CONTEXT))
    shown = " ".join(message.text for message in model.requests[1].messages)
    assert QUOTED not in shown
    assert MARK in shown


def test_an_answer_with_a_secret_in_it_is_asked_for_again(tmp_path: Path) -> None:
    model = ScriptedModel("n = size('abc')\njoin(n)\n", f"it is {KEY}")
    agent = LLMCompiler(model, tools=[size], journal=tmp_path / "runs.db")
    assert run(agent.run("?", context=CONTEXT, run_id="r")).answer == f"it is {KEY}"
    assert KEY not in on_disk(tmp_path)
    *_, path = cut(Journal(tmp_path / "runs.db"), tmp_path)
    again = LLMCompiler(ScriptedModel("it is 3"), tools=[size], journal=path)
    assert run(again.resume("r", context=CONTEXT)).answer == "it is 3"


def test_a_secret_that_is_written_in_pieces_stands_in_no_row(tmp_path: Path) -> None:
    answer = f"it is {KEY}, so {KEY}."
    model = ScriptedModel("n = size('abc')\njoin(n)\n", answer, chunk=3)
    agent = LLMCompiler(model, tools=[size], journal=tmp_path / "runs.db")
    run(agent.run("?", context=CONTEXT, run_id="r"))
    recorded = [record.event for record in Journal(tmp_path / "runs.db").read("r")]
    said = "".join(event.text for event in recorded if isinstance(event, events.AnswerWritten))
    assert said == answer.replace(KEY, MARK)


def test_an_exception_of_a_model_says_no_secret_nor_do_its_notes_and_causes(tmp_path: Path) -> None:
    class Broken(ScriptedModel):
        async def stream(self, request: Any) -> Any:
            error = ModelError(f"refused {KEY}")
            error.add_note(f"with {QUOTED}")
            raise error from ValueError(f"401 for {KEY}")
            yield

    agent = LLMCompiler(Broken(), tools=[size], journal=tmp_path / "runs.db")
    with pytest.raises(ModelError) as caught:
        run(agent.run("?", context=CONTEXT, run_id="r"))
    assert (str(caught.value), caught.value.__notes__) == (f"refused {MARK}", [f"with {MARK}"])
    assert str(caught.value.__cause__) == f"401 for {MARK}"
    assert KEY not in on_disk(tmp_path)


class OfItsOwn(Exception):
    def __init__(self, body: object) -> None:
        super().__init__("refused")
        self.body = body

    def __str__(self) -> str:
        return f"the server said {self.body}"


def with_a_context() -> Exception:
    error = ValueError("refused")
    error.__cause__, error.__context__ = KeyError("fine"), ValueError(KEY)
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OfItsOwn(KEY), f"the server said {MARK}"),
        (OfItsOwn({"key": KEY}), f"OfItsOwn: the server said {{'key': '{MARK}'}}"),
        (OSError(5, f"no {KEY}", f"/{KEY}"), f"[Errno 5] no {MARK}: '/{MARK}'"),
        (ExceptionGroup(f"all of {KEY}", [ValueError(KEY), OfItsOwn(KEY)]), f"all of {MARK} (2 sub-exceptions)"),
        (ValueError({"key": [KEY]}), f"{{'key': ['{MARK}']}}"),
        (RuntimeError(ValueError(KEY)), MARK),
        (ValueError(KEY.encode()), f"{MARK.encode()!r}"),
        (SyntaxError("bad", (KEY, 1, 1, f"x = {KEY}")), f"bad ({MARK}, line 1)"),
        (type(f"E{KEY}", (Exception,), {"__module__": "builtins"})("refused"), f"E{MARK}: refused"),
        (with_a_context(), "refused"),
    ],
)
def test_whatever_an_exception_of_a_model_makes_its_text_of(tmp_path: Path, error: Exception, said: str) -> None:
    class Broken(ScriptedModel):
        async def stream(self, request: Any) -> Any:
            raise error
            yield

    agent = LLMCompiler(Broken(), tools=[size], journal=tmp_path / "runs.db")
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- of any class
        run(agent.run("?", context=CONTEXT, run_id="r"))
    assert str(caught.value) == said
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert KEY not in repr(caught.value.__context__)
    assert KEY not in on_disk(tmp_path)


def test_the_key_of_a_model_is_a_secret_of_its_runs(tmp_path: Path) -> None:
    class Keyed(ScriptedModel):
        secrets = (KEY,)

    @tool(effect="read")
    async def echo() -> str:
        """Raises."""
        raise ValueError(f"Authorization: Bearer {KEY}")

    agent = LLMCompiler(Keyed("e = echo()\njoin(e)\n", "done"), tools=[echo], journal=tmp_path / "runs.db")
    result = run(agent.run("?"))
    assert result.outcomes["e"] == Failure("error", f"Authorization: Bearer {MARK}", "ValueError")


def test_a_question_with_a_secret_in_it_is_remembered_without(tmp_path: Path) -> None:
    agent = LLMCompiler(ScriptedModel("n = size('abc')\njoin(n)\n", "3"), tools=[size], journal=tmp_path / "runs.db")
    run(agent.run(f"Is {KEY} long?", context=CONTEXT, run_id="r"))
    assert Journal(tmp_path / "runs.db").about("r")["question"] == f"Is {MARK} long?"
    assert KEY not in on_disk(tmp_path)


def test_a_hook_redacts_failures_progress_and_what_models_are_shown() -> None:
    @tool(effect="read", trust="trusted")
    async def person(run: ToolContext[Any]) -> str:
        """A person."""
        run.progress("asking ann@example.org")
        await asyncio.sleep(0.001)
        return "ann@example.org"

    @tool(effect="read")
    async def failing() -> str:
        """Fails."""
        raise ValueError("no bob@example.org")

    def redact(text: str) -> str:
        return text.replace("@example.org", "@...")

    model = ScriptedModel("p = person()\nf = failing()\njoin(p, f)\n", "done")
    result = LLMCompiler(model, tools=[person, failing], redact=redact).run_sync("?")
    assert result.outcomes["p"] == Observation("ann@example.org")
    assert result.outcomes["f"] == Failure("error", "no bob@...", "ValueError")
    assert [e.message for e in result.events if isinstance(e, events.Progressed)] == ["asking ann@..."]
    assert "@example.org" not in model.requests[1].messages[-1].text


def test_a_run_without_a_secret_has_nothing_to_do_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("there is no secret")

    for name in ("without", "__call__", "finds", "_spans"):
        monkeypatch.setattr(f"superscalar.secrets.Scrubber.{name}", never)
    result = run(LLMCompiler(tools=[size]).execute("n = size('abc')\njoin(n)\n", context={"user": "ann"}))
    assert result["n"] == Observation(3)
