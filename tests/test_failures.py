"""Failures that a developer can debug: what was raised, where, and nothing that a run or a server has to carry."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import pickle
import weakref
from pathlib import Path
from traceback import format_exception
from typing import Annotated, Any

import pytest

from superscalar import (
    Failure,
    JoinError,
    Journal,
    LLMCompiler,
    Observation,
    Outcomes,
    Secret,
    Skipped,
    TaskFailed,
    UnknownTask,
    UsageError,
    tool,
)
from superscalar.codec import to_json
from superscalar.events import Failed
from superscalar.executors.elsewhere import raised_elsewhere, told_of
from superscalar.testing import ScriptedModel, run
from superscalar.traces import KEPT, Raised, kept_error
from superscalar.values import copied


class Broken(Exception):
    """What the tools here raise."""


class Large:
    """Something that a frame holds."""


held: list[weakref.ref[Large]] = []


def parse(text: str) -> Any:
    mine = Large()
    held.append(weakref.ref(mine))
    return json.loads(text)["total"]


@tool
async def digest(report: str) -> float:
    """Digest a report on the event loop."""
    mine = Large()
    held.append(weakref.ref(mine))
    return float(parse(report))


@tool
def digest_slowly(report: str) -> float:
    """Digest a report in a thread."""
    try:
        return float(parse(report))
    except ValueError as error:
        raise Broken("no report") from error
    except KeyError:
        raise Broken("no total")  # noqa: B904 -- amid the other one


@tool
async def hang(report: str) -> float:
    """Never answer."""
    await asyncio.sleep(1e9)
    return 0.0


@tool
def login(password: Annotated[str, Secret()]) -> str:
    """Log in."""
    raise Broken(f"wrong password {password}")


def outcomes(plan: str, *tools: Any, **options: Any) -> Outcomes:
    return run(LLMCompiler(tools=list(tools), **options).execute(plan))


def failure(plan: str, *tools: Any, **options: Any) -> Failure:
    found = outcomes(plan, *tools, **options)["a"]
    assert isinstance(found, Failure)
    return found


def functions_of(error: BaseException | None) -> list[str]:
    """The functions that a traceback names, from the first to the last."""
    names = []
    trace = None if error is None else error.__traceback__
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    return names


@pytest.mark.parametrize(("name", "report"), [("digest", '{"totl": 3}'), ("digest_slowly", '{"totl": 3}')])
def test_a_failure_names_the_innermost_line_of_the_users_own_file(name: str, report: str) -> None:
    found = failure(f"a = {name}({report!r})\njoin(a)", digest, digest_slowly)
    place = found.place
    assert place is not None
    inner = "parse" if name == "digest" else "digest_slowly"
    assert (Path(place.file).name, place.function) == (Path(__file__).name, inner)
    assert place.text == ('return json.loads(text)["total"]' if name == "digest" else place.text)
    assert str(place).endswith(f"test_failures.py:{place.line}, in {inner}: {place.text}")


def test_a_traceback_begins_where_the_library_ends_and_has_its_causes() -> None:
    found = failure("a = digest_slowly('{')\njoin(a)", digest_slowly).exception
    assert isinstance(found, Broken)
    assert functions_of(found) == ["digest_slowly"]
    assert isinstance(found.__cause__, json.JSONDecodeError)
    assert functions_of(found.__cause__) == ["digest_slowly", "parse", "loads", "decode", "raw_decode"]


def test_what_was_raised_in_a_thread_keeps_what_it_was_raised_amid() -> None:
    found = failure("a = digest_slowly('{}')\njoin(a)", digest_slowly).exception
    assert found is not None
    assert not found.__suppress_context__
    assert isinstance(found.__context__, KeyError)
    assert "During handling of the above exception" in "".join(format_exception(found))


def test_a_call_whose_time_passed_says_what_it_was_at() -> None:
    found = failure("a = hang('x')\njoin(a)", hang, timeout=3.0)
    assert found.kind == "timeout"
    assert found.place is not None
    assert found.place.text == "await asyncio.sleep(1e9)"


def test_nothing_keeps_the_variables_of_frames_alive_neither_of_tools_nor_of_callers() -> None:
    def program() -> tuple[Outcomes, Large]:
        mine = Large()
        held.append(weakref.ref(mine))
        plan = "a = digest('{}')\nb = digest_slowly('{')\njoin(a, b)"
        return asyncio.run(LLMCompiler(tools=[digest, digest_slowly]).execute(plan)), mine

    held.clear()
    found = program()[0]
    gc.collect()
    assert [each() for each in held] == [None] * 4
    assert functions_of(found.failures["a"].exception) == ["digest", "parse"]


def test_a_coroutine_that_raised_and_goes_on_is_left_alone() -> None:
    async def main() -> str:
        raised: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        go_on = asyncio.Event()

        async def worker() -> str:
            try:
                raise Broken("for who waits")
            except Broken as error:
                raised.set_exception(error)
            await go_on.wait()
            return "went on"

        task = asyncio.create_task(worker())

        @tool
        async def wait_for_it() -> int:
            """Wait for a worker in the background."""
            await raised
            return 1

        found = await LLMCompiler(tools=[wait_for_it]).execute("a = wait_for_it()\njoin(a)")
        assert isinstance(found.failures["a"].exception, Broken)
        go_on.set()
        return await task

    assert run(main()) == "went on"


def test_what_was_raised_is_no_part_of_the_failure_as_data() -> None:
    found = Failure("error", "x").raised_by(Raised(kept_error(Broken("x"))))
    bare = Failure("error", "x")
    assert found.exception is not None
    assert (found, hash(found), repr(found), str(found)) == (bare, hash(bare), repr(bare), str(bare))
    for made in (pickle.loads(pickle.dumps(found)), copy.copy(found), copy.deepcopy(found), copied(found)):
        assert made == found
        assert (made.exception, made.traceback, made.place) == (None, "", None)
    assert to_json(Failed(0.0, "a", found)) == to_json(Failed(0.0, "a", bare))


def test_a_run_keeps_the_first_twenty_exceptions() -> None:
    found = outcomes("xs = [digest('{' + str(i)) for i in range(30)]\njoin(xs)", digest)
    failed = [each for each in found.failures.values() if each.kind == "error"]
    assert [each.exception is not None for each in failed] == [True] * KEPT + [False] * 10


def test_an_error_of_a_whole_batch_has_its_own_traceback_in_each_of_its_calls() -> None:
    def raise_it() -> None:
        raise Broken("down")

    @tool
    async def load(report: str) -> float:
        """Load a report."""
        return 1.0

    @load.batch(max_batch=50)
    async def load_all(report: list[str]) -> list[float]:
        raise_it()
        return []

    found = outcomes("a = load('1')\nb = load('2')\nc = load('3')\njoin(a, b, c)", load)
    assert [functions_of(each.exception) for each in found.failures.values()] == [["load_all", "raise_it"]] * 3


def test_an_error_that_a_batch_returns_was_raised_nowhere() -> None:
    @tool
    async def load(report: str) -> float:
        """Load a report."""
        return 1.0

    @load.batch(max_batch=50)
    async def load_all(report: list[str]) -> list[float | Exception]:
        return [Broken(each) for each in report]

    found = outcomes("a = load('1')\nb = load('2')\njoin(a, b)", load).failures["b"]
    assert isinstance(found.exception, Broken)
    assert (str(found.exception), found.place) == ("2", None)


def test_what_stands_for_an_error_of_another_process_is_not_kept() -> None:
    @tool
    def far() -> int:
        """Far away."""
        raise raised_elsewhere(told_of(Broken("there")))

    found = failure("a = far()\njoin(a)", far)
    assert (found.error, found.message, found.exception, found.traceback) == ("Broken", "there", None, "")


def test_an_endless_recursion_is_kept_by_its_beginning_and_its_end() -> None:
    @tool
    def dig(depth: int) -> int:
        """Dig."""

        def deeper(depth: int) -> int:
            return deeper(depth + 1)

        return deeper(depth)

    names = functions_of(failure("a = dig(0)\njoin(a)", dig).exception)
    assert names == ["dig", *["deeper"] * 49]


def test_an_exception_that_cannot_be_changed_is_kept_all_the_same() -> None:
    class Frozen(Exception):
        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

        def __str__(self) -> str:
            raise RuntimeError

    @tool
    def melt() -> int:
        """Melt."""
        raise Frozen

    found = failure("a = melt()\njoin(a)", melt)
    assert functions_of(found.exception) == ["melt"]
    assert "in melt\n    raise Frozen" in found.traceback


def test_texts_of_ours_hide_what_the_exception_itself_says() -> None:
    found = failure("a = login('hunter2-hunter2')\njoin(a)", login)
    assert str(found.exception) == "wrong password hunter2-hunter2"
    assert found.traceback.endswith("test_failures.Broken: wrong password **********\n")
    assert "hunter2" not in f"{found}{found.message}{found.traceback}{found.place}"


def test_texts_of_ours_have_no_queries_of_urls_and_no_short_secrets_either() -> None:
    @tool
    def fetch(pin: Annotated[str, Secret()]) -> str:
        """Fetch."""
        raise Broken(f"at https://h/x?key=12345 with {pin}")

    found = failure("a = fetch('9876')\njoin(a)", fetch)
    assert str(found.exception) == "at https://h/x?key=12345 with 9876"
    assert found.traceback.endswith("Broken: at https://h/x?... with **********\n")


def test_the_joiner_is_shown_no_place_and_no_traceback() -> None:
    model = ScriptedModel("a = digest('{}')\njoin(a)", "Sorry.")
    run(LLMCompiler(model, [digest]).run("How much?"))
    assert "test_failures" not in "".join(m.text for request in model.requests for m in request.messages)


def test_a_run_that_is_read_has_no_exceptions(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        agent = LLMCompiler(tools=[digest], journal=tmp_path / "runs.db")
        await agent.execute("a = digest('{}')\njoin(a)", run_id="r")
        return [one.event for one in Journal(tmp_path / "runs.db").read("r")]

    failed = [event for event in asyncio.run(main()) if isinstance(event, Failed)]
    assert [event.failure.exception for event in failed] == [None, None]
    assert b"json.loads(text)" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


# ------------------------------------------------------------------------------------------------- asking for values

PLAN = "a = digest('{}')\nb = a + 1\nc = 2\nc = c + 1\njoin(a, b, c)"


def test_the_value_of_a_task_is_asked_for_by_its_name() -> None:
    assert outcomes(PLAN, digest).value("c") == 3
    assert Observation(3).unwrap() == 3


def test_a_value_that_is_not_there_raises_what_the_tool_raised_as_the_cause() -> None:
    with pytest.raises(TaskFailed, match=r"^`a` has no value: KeyError: 'total'$") as raised:
        outcomes(PLAN, digest).value("a")
    assert raised.value.task == "a"
    assert functions_of(raised.value.__cause__) == ["digest", "parse"]


def test_what_was_skipped_tells_of_the_failure_behind_it() -> None:
    with pytest.raises(TaskFailed, match=r"^`b` has no value: not run: `a` failed \(KeyError: 'total'\)$") as raised:
        outcomes(PLAN, digest).value("b")
    assert isinstance(raised.value.__cause__, KeyError)
    assert isinstance(raised.value.outcome, Skipped)


def test_a_name_that_no_task_has_is_told_with_those_that_come_near() -> None:
    found = outcomes("digested = 1\nother = 2\njoin(digested, other)")
    with pytest.raises(UnknownTask, match=r"^there is no task `digest`; did you mean `digested`\?$") as raised:
        found.value("digest")
    assert isinstance(raised.value, KeyError)
    assert isinstance(raised.value, UsageError)
    with pytest.raises(KeyError, match="there are digested, other, join"):
        found.value("zzz")


def test_an_outcome_that_is_no_value_raises_when_it_is_unwrapped() -> None:
    found = outcomes(PLAN, digest)
    with pytest.raises(TaskFailed, match=r"^KeyError: 'total'$") as raised:
        found["a"].unwrap()
    assert isinstance(raised.value.__cause__, KeyError)
    with pytest.raises(TaskFailed, match=r"^not run: `a` failed$"):
        found["b"].unwrap()


def test_raise_for_failure_raises_the_one_failure_or_a_group_of_them() -> None:
    outcomes("a = 1\njoin(a)").raise_for_failure()
    with pytest.raises(TaskFailed, match=r"^`a` failed: KeyError"):
        outcomes("a = digest('{}')\njoin(a)", digest).raise_for_failure()
    with pytest.raises(TaskFailed, match=r"^`a` failed: KeyError: 'total'$"):
        outcomes(PLAN, digest).raise_for_failure()
    with pytest.raises(ExceptionGroup, match="2 tasks failed") as raised:
        outcomes("xs = [digest(r) for r in ['{}', '{}']]\njoin(xs)", digest).raise_for_failure()
    failed = [each for each in raised.value.exceptions if isinstance(each, TaskFailed)]
    assert [(each.task, type(each.__cause__)) for each in failed] == [
        ("xs[0]", KeyError),
        ("xs[1]", KeyError),
    ]


def test_a_run_without_any_value_still_has_what_was_raised() -> None:
    model = ScriptedModel("a = digest('{}')\njoin(a)")
    with pytest.raises(JoinError) as raised:
        run(LLMCompiler(model, [digest], joiner=None).run("How much?"))
    assert isinstance(raised.value.outcomes["a"].exception, KeyError)
