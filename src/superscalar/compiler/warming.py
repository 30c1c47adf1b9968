"""What the models of an agent read before it is theirs to answer: at leisure, or while calls run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from superscalar import extractor
from superscalar.compiler.equipment import Equipment
from superscalar.errors import ModelSetupError
from superscalar.models.base import ChatModel, Message, Preparation, StateKept, steady_part
from superscalar.plan.ir import Call, Task, walk
from superscalar.short import bounded

ModelRole: TypeAlias = Literal["planner", "joiner", "extractor"]
OnWarming: TypeAlias = Callable[[str, Preparation], None]
"""Called with a role, and how far its model is."""

_ANY_QUESTION: Final = "?"


@bounded
@dataclass(frozen=True, slots=True)
class Warmed:
    """What a model has read beforehand of the prompts of a role: `state` says where that is kept, None if nothing is.

    `seconds`: how long it read. `why`: why nothing is kept, or not all that is the same for every question. `error`:
    why it cannot be had or loaded, where another model of its role can be asked in its place.
    """

    role: ModelRole
    model: str
    state: StateKept | None = None
    seconds: float = 0.0
    why: str = ""
    error: str = ""


async def warmed(equipment: Equipment, told: OnWarming | None = None) -> tuple[Warmed, ...]:
    """Have each model that can do so read what the prompts of its roles begin with, and keep that.

    One that cannot be had is told of, where its role has others.

    Raises:
        UsageError: the agent writes no plans.
        ModelError: what is the same for every question is more than a model can read.
        ModelSetupError: no model of a role can be had or loaded, or keep what it has read.
    """
    equipment.need_plans()
    tell = told or _told_nobody
    made: list[Warmed] = []
    broken: dict[int, ModelSetupError] = {}
    # What a run asks for first is read last: that is what its slots hold then.
    for role, models, conversation, why in reversed(list(_conversations(equipment))):
        made[:0] = await _warmed_each(role, models, conversation, why, tell, broken)
    return tuple(made)


def expected(equipment: Equipment, tasks: tuple[Task, ...], *, last: bool) -> None:
    """Tell models what they will be asked while, or after, these tasks run: one that reads slowly begins with that.

    `last`: the joiner may not ask for another round.
    """
    calls = (task.work.tool for task in walk(tasks) if isinstance(task.work, Call))
    if extractor.NAME in calls and _extracts(equipment):
        _announce(equipment.extractors[:1], extractor.extracting())
    if equipment.joiners:
        _announce(equipment.joiners[:1], equipment.joining(last=last))


def _announce(models: Iterable[ChatModel], conversation: Sequence[Message]) -> None:
    for model in models:
        if (expect := getattr(model, "expect", None)) is not None:
            expect(conversation)


def _conversations(
    equipment: Equipment,
) -> Iterator[tuple[ModelRole, Sequence[ChatModel], list[Message], str]]:
    """What each role is asked in a first round; and why not all of it is the same for every question."""
    listing = equipment.listing(_ANY_QUESTION, ())
    some = "" if listing.is_whole else "which tools it is told of depends on the question"
    yield "planner", equipment.planners, equipment.conversation(listing, (), _ANY_QUESTION), some
    yield "joiner", equipment.joiners, equipment.joining(last=equipment.options.max_replans <= 0), ""
    if _extracts(equipment):
        yield "extractor", equipment.extractors, extractor.extracting(), ""


def _extracts(equipment: Equipment) -> bool:
    """Whether plans may call `extract`, and not a tool of the user's that is called so."""
    return any(isinstance(tool.function, extractor.Extractor) for tool in equipment.tools)


async def _warmed_each(
    role: ModelRole,
    models: Sequence[ChatModel],
    conversation: Sequence[Message],
    why: str,
    tell: OnWarming,
    broken: dict[int, ModelSetupError],
) -> list[Warmed]:
    """What the models of a role have read. `broken`: those that cannot be had, by identity; none is tried twice."""
    made: list[Warmed] = []
    for model in models:
        try:
            if id(model) not in broken:
                made.append(await _warmed(role, model, conversation, why, tell))
                continue
        except ModelSetupError as error:
            broken[id(model)] = error
        made.append(Warmed(role, model.name, error=str(broken[id(model)])))
    if made and all(one.error for one in made):
        raise broken[id(models[0])]
    return made


async def _warmed(
    role: ModelRole, model: ChatModel, conversation: Sequence[Message], why: str, tell: OnWarming
) -> Warmed:
    warm: Any = getattr(model, "warm", None)
    if warm is None:
        return Warmed(role, model.name, why="it is not embedded, and what it has read is kept where it runs")
    if any(turn.steady and turn.private for turn in conversation):
        why = "what it is told of an agent with secrets stands in no file"
    if not steady_part(conversation):
        return Warmed(role, model.name, why=why)
    state = None
    begun = 0.0
    for part in ((), conversation):  # first, it is loaded
        begun = asyncio.get_running_loop().time()
        async with aclosing(warm(part)) as preparing:
            async for preparation in preparing:
                tell(role, preparation)
                state = preparation if isinstance(preparation, StateKept) else None
    return Warmed(role, model.name, state, asyncio.get_running_loop().time() - begun, why)


def _told_nobody(role: str, preparation: Preparation) -> None:
    """Nobody wants to know."""
