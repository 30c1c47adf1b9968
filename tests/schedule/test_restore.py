"""A run that dies at any moment and goes on comes to what it would have come to, and does nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from superscalar import Failure, Observation, Skipped
from superscalar import events as ev
from superscalar.plan.ir import Task
from superscalar.schedule.doubts import CallAgain, Done, Verdict
from superscalar.schedule.restore import Rest
from superscalar.testing import run
from superscalar.values import UNNEEDED, Outcome, TaskId
from support.depth import examples
from support.fates import (
    Came,
    Chosen,
    Fates,
    chosen,
    driven,
    on_disk,
    programs,
    surroundings,
    undisturbed,
)
from support.running import ends

PROFILE = settings(max_examples=examples(2, 50))


def resumed(prefix: Sequence[ev.Event], rounds: list[list[Task]], numbers: Chosen, happened: bool) -> Came:
    """Go on from a prefix in a new process; the writes that were cut off had `happened` if they were to succeed."""

    async def main() -> Came:
        last = prefix[-1].at if prefix else 0.0
        world = Fates(numbers, [replace(e, at=e.at - last) for e in prefix])
        rest = Rest(surroundings(world), tuple(world.log))
        rest.unit.schedule.check()
        before = list(world.log)
        verdicts: dict[TaskId, Verdict] = {}
        for doubt in rest.doubts:
            kind, value, _ = world.fate(doubt.task_id)
            verdicts[doubt.task_id] = Done(value) if happened and not kind else CallAgain()
            world.happened[doubt.task_id] += isinstance(verdicts[doubt.task_id], Done)
        assert world.log == before
        rest.go_on(verdicts)
        return await driven(rest.unit, world, rounds)

    return run(main())


def shape(outcome: Outcome) -> Any:
    """An outcome without what may differ: which of several causes is named."""
    match outcome:
        case Observation(value):
            return _shape_of_value(value)
        case Skipped(by_guard=by_guard):
            return ("skipped", by_guard, outcome.unneeded)
        case Failure(kind=kind, items=items, error=error, in_doubt=in_doubt, abandoned=abandoned):
            return (kind, error, in_doubt, abandoned, None if items is None else [shape(item) for item in items])


def _shape_of_value(value: Any) -> Any:
    match value:
        case Observation() | Failure() | Skipped():
            return shape(value)
        case list() | tuple():
            return [_shape_of_value(item) for item in value]
        case dict():
            return {key: _shape_of_value(item) for key, item in value.items()}
    return value


def check_that_nothing_is_done_twice(prefix: Sequence[ev.Event], after: Came) -> None:
    done = {e.id for e in prefix if isinstance(e, ev.Succeeded)}
    assert not done & {id for id, _ in after.world.called}
    assert all(key == f"run:{id}" for id, key in after.world.called)
    answered = {e.id for e in prefix if isinstance(e, ev.Approved)}
    assert not answered & {e.id for e in after.log[len(prefix) :] if isinstance(e, ev.Decided | ev.Approved)}
    allowed = {e.id: e.approved for e in after.log if isinstance(e, ev.Approved)}
    decided = {e.id for e in after.log if isinstance(e, ev.Decided)}
    assert all(allowed[e.id] for e in after.log if isinstance(e, ev.Started) and e.id in decided)
    written = {e.id for e in prefix if isinstance(e, ev.Started) and e.tool == "post"} & done
    for id, times in after.world.happened.items():
        started = [e for e in after.log if isinstance(e, ev.Started) and e.id == id]
        assert started[0].tool != "post" or times + (id in written) <= 1, id
    ends(after.log)  # each settles once
    given: dict[TaskId, Any] = {}
    numbers: dict[TaskId, int] = {}
    for e in after.log:
        if isinstance(e, ev.Started):
            assert given.setdefault(e.id, e.arguments) == e.arguments
            assert e.attempt == numbers.get(e.id, 0) + 1
            numbers[e.id] = e.attempt
        elif isinstance(e, ev.Cancelled):
            del numbers[e.id]
    making: dict[str, TaskId] = {}
    for e in after.log:
        if isinstance(e, ev.Started) and e.tool == "both":
            assert making.setdefault(repr(e.arguments), e.id) == e.id  # identical calls are one call (rule L21)
        elif isinstance(e, ev.Cancelled):
            making = {call: id for call, id in making.items() if id != e.id}  # this one came to nothing
    sharing: set[TaskId] = set()
    for e in after.log:
        if isinstance(e, ev.Shared):
            assert e.id not in sharing
            sharing.add(e.id)
        elif isinstance(e, ev.Unneeded):
            sharing.difference_update(e.ids)  # it may be revived, and then finds anew whose call it shares
    assert [e.at for e in after.log] == sorted(e.at for e in after.log)
    for kind in (ev.Planned, ev.Sealed, ev.RoundStarted, ev.Expanded, ev.Wanted, ev.Won, ev.Resolved):
        made = [repr(replace(e, at=0.0)) for e in after.log if type(e) is kind and kind is not ev.Sealed]
        assert len(made) == len(set(made)), kind


def races(rounds: list[list[Task]]) -> bool:
    """Whether which items win may depend on when the process died."""
    return any("First" in repr(task.work) for tasks in rounds for task in tasks)


def asked_too_late(came: Came) -> bool:
    """Whether a read was set aside until a write had changed what it reads: it may have started before, or not."""
    failures = (outcome for outcome in came.outcomes.values() if isinstance(outcome, Failure))
    return any(failure.message.startswith("nothing needed it until") for failure in failures)


def compare(before: Came, after: Came, rounds: list[list[Task]], *, sealed: bool) -> None:
    if races(rounds) or asked_too_late(before) or asked_too_late(after):
        return
    for id in before.outcomes.keys() | after.outcomes.keys():
        one, other = before.outcomes.get(id, UNNEEDED), after.outcomes.get(id, UNNEEDED)
        if one == UNNEEDED or other == UNNEEDED:  # it started before anybody knew that nothing needs it, or did not
            continue
        assert shape(one) == shape(other), (id, one, other)
    if sealed:
        assert list(before.outcomes) == list(after.outcomes)


@PROFILE
@given(programs(), chosen, st.booleans())
def test_a_run_that_died_after_any_event_goes_on(rounds: list[list[Task]], numbers: Chosen, happened: bool) -> None:
    whole = undisturbed(rounds, numbers)
    log = on_disk(whole.log)
    step = 1 + len(log) // 60
    for length in range(0, len(log) + 1, step):
        prefix = log[:length]
        after = resumed(prefix, rounds, numbers, happened)
        check_that_nothing_is_done_twice(prefix, after)
        compare(whole, after, rounds, sealed=sum(isinstance(e, ev.Sealed) for e in prefix) == len(rounds))
    event(f"{len(log) // 25 * 25} events or more")


@PROFILE
@given(programs(), chosen, st.booleans(), st.data())
def test_a_run_may_die_again_and_again(
    rounds: list[list[Task]], numbers: Chosen, happened: bool, data: st.DataObject
) -> None:
    whole = undisturbed(rounds, numbers)
    log = on_disk(whole.log)
    written: Counter[TaskId] = Counter()
    for _ in range(4):
        prefix = log[: data.draw(st.integers(0, len(log)))]
        after = resumed(prefix, rounds, numbers, happened)
        check_that_nothing_is_done_twice(prefix, after)
        compare(whole, after, rounds, sealed=False)
        log = on_disk(after.log)
    event(f"written {sum(written.values())}")


@PROFILE
@given(programs(), chosen, st.sampled_from([0.25, 0.5, 1.1, 2.0]), st.booleans(), st.data())
def test_a_run_that_died_while_it_was_being_stopped_starts_nothing_more(
    rounds: list[list[Task]], numbers: Chosen, at: float, happened: bool, data: st.DataObject
) -> None:
    whole = undisturbed(rounds, numbers, stop_at=at)
    log = on_disk(whole.log)
    passed = next((i for i, e in enumerate(log) if isinstance(e, ev.DeadlinePassed)), None)
    assume(passed is not None)
    prefix = log[: data.draw(st.integers((passed or 0) + 1, len(log)))]
    after = resumed(prefix, rounds, numbers, happened)
    assert not after.world.called
    ends(after.log)
