"""Gold plans: the calls that answer a question, and the texts in which each way of answering would ask for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_REFERENCE: Final = re.compile(r"{(\w+)}")
_BARE: Final = re.compile(r"[\w .&-]+|{\w+}")
_LOOKED_FOR: Final = "the name to look up next"


@dataclass(frozen=True)
class Step:
    """One call: `{x}` in an argument is what step `x` came to. `result`: what it comes to itself, as text.

    `learnt`: what stands in its text that a later step needs. In a plan a later step takes that out with `extract`;
    whoever reads results just writes it.
    """

    id: str
    tool: str
    arguments: Mapping[str, str]
    result: str = ""
    learnt: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """The steps that it refers to."""
        return tuple(dict.fromkeys(_REFERENCE.findall(" ".join(self.arguments.values()))))


@dataclass(frozen=True)
class Gold:
    """The steps of an answer in an order in which they can be written, what is `joined` of them, and the `answer`."""

    steps: tuple[Step, ...]
    joined: tuple[str, ...]
    answer: str
    by_id: Mapping[str, Step] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {step.id: step for step in self.steps})

    # ------------------------------------------------------------------------------------------------ plans

    @property
    def plan(self) -> str:
        """As our planner writes it."""
        lines = []
        for step in self.steps:
            lines.append(f"{step.id} = {step.tool}({', '.join(map(_expression, step.arguments.values()))})")
            if step.learnt:
                lines.append(f'{step.id}_name = extract({step.id}, "str", "{_LOOKED_FOR}")')
        return "\n".join([*lines, f"join({', '.join(self.joined)})", ""])

    @property
    def rewoo_plan(self) -> str:
        """As a planner writes it in the form of the ReWOO paper, with the fewest words that it can have."""
        numbers: dict[str, int] = {}
        lines: list[str] = []
        for step in self.steps:
            given = ", ".join(
                _REFERENCE.sub(lambda found: f"#E{numbers[found[1]]}", _unquoted(text))
                for text in step.arguments.values()
            )
            numbers[step.id] = len(numbers) + 1
            lines.append(f"#E{numbers[step.id]} = {step.tool}[{given}]")
            if step.learnt:
                numbers[f"{step.id}_name"] = len(numbers) + 1
                lines.append(f"#E{len(numbers)} = extract[#E{numbers[step.id]}, str, {_LOOKED_FOR}]")
        return "\n".join([*lines, ""])

    @property
    def extracted(self) -> tuple[str, ...]:
        """What `extract` is answered, in its order."""
        return tuple(json.dumps({"value": step.learnt}) for step in self.steps if step.learnt)

    # ------------------------------------------------------------------------------------------------ turns

    @property
    def react_turns(self) -> tuple[str, ...]:
        """As it is written in thoughts and actions, one call a turn, with thoughts of a few words."""
        turns = []
        for step in self.steps:
            given = self.given(step)
            (first, *more) = given.values()
            shown = json.dumps(given) if more else first
            turns.append(f"Thought: next is {first}.\nAction: {step.tool}[{shown}]")
        return (*turns, f"Thought: I know the answer.\nAction: Finish[{self.answer}]")

    @property
    def native_turns(self) -> tuple[str, ...]:
        """As it is written in native calls, in each turn all whose inputs are known by then."""
        return (*("".join(self._native_call(step) for step in level) for level in self.levels()), self.answer)

    def _native_call(self, step: Step) -> str:
        return json.dumps({"name": step.tool, "arguments": self.given(step)}) + "\n"

    def levels(self) -> Iterator[Sequence[Step]]:
        """The steps by how many others have to be over before them."""
        depth: dict[str, int] = {}
        for step in self.steps:
            depth[step.id] = 1 + max((depth[self._step(need).id] for need in step.needs), default=-1)
        for level in range(max(depth.values()) + 1):
            yield [step for step in self.steps if depth[step.id] == level]

    def given(self, step: Step) -> Mapping[str, str]:
        """The arguments with the values that they refer to."""
        return {name: _REFERENCE.sub(self._value, text) for name, text in step.arguments.items()}

    def _step(self, reference: str) -> Step:
        return self.by_id[reference.removesuffix("_name")]

    def _value(self, found: re.Match[str]) -> str:
        step = self._step(found[1])
        return step.learnt if found[1].endswith("_name") else step.result


def _expression(text: str) -> str:
    """An argument in a plan: a reference, text with references in it, or plain text."""
    if whole := _REFERENCE.fullmatch(text):
        return whole[1]
    quoted = json.dumps(text, ensure_ascii=False)
    return f"f{quoted}" if _REFERENCE.search(text) else quoted


def _unquoted(text: str) -> str:
    """An argument in the ReWOO form: in quotes where it is more than some words or a reference."""
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)
