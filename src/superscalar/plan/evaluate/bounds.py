"""The bounds of evaluation (rule L25): what is refused, and how work is counted, before anything is allocated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any

from superscalar.errors import SuperscalarError
from superscalar.values import Failure, FailureKind, Outcome, TaskId, record_fields

MAX_BITS = 4_096
MAX_TEXT = 10_000_000  # characters, or bytes
MAX_ITEMS = 100_000
MAX_WIDTH = 1_000
MAX_NUMERAL = 5_000  # characters of a text that is read as a number: more than any number within MAX_BITS needs
MAX_DEPTH = 200  # of containers within containers
MAX_STEPS = 5_000_000
STEPS = 200_000  # that any evaluation may take, whatever it works on: enough for `list(range(MAX_ITEMS))`
STEPS_PER_INPUT = 20  # more, for everything in what earlier tasks left behind
MAX_ROOM = 40_000_000  # bytes, all that one evaluation makes taken together
CHARACTERS_PER_STEP = 128
MAX_SOURCE = 256 * 1024
MAX_INPUTS = 100  # of a plan
"""Characters of a plan."""


class EvaluationError(SuperscalarError):
    """An expression has no value. The message is written for whoever wrote the plan.

    `error` names the Python exception that the same expression would raise.
    """

    kind: FailureKind = "evaluation"

    def __init__(self, message: str, error: str = "TypeError") -> None:
        self.message = message
        self.error = error
        super().__init__(message)

    @property
    def failure(self) -> Failure:
        """What the task whose expression this was leaves behind."""
        return Failure(self.kind, self.message, self.error)


class BoundError(EvaluationError):
    """An expression would need more than the language allows (rule L25)."""

    kind: FailureKind = "bounds"

    def __init__(self, message: str) -> None:
        super().__init__(message, "BoundError")


class Unavailable(SuperscalarError):
    """A value was needed of a task, or of an item, that did not succeed: who needs it is skipped (rule L20)."""

    def __init__(self, task: TaskId, outcome: Outcome) -> None:
        self.task = task
        self.outcome = outcome
        super().__init__(f"`{task}` has no value: {outcome}")


class WorkLeft:
    """What is left of the work that one evaluation may do, and of the room for what it makes.

    A step is a node evaluated, an item gone through, 8 items or 128 characters copied or compared, or 128 bits of a
    large integer: about a fifth of a microsecond. Every evaluation has the same `STEPS`; when these are gone, `reserve`
    says how many more it may take for the size of its inputs. So a plan cannot ask for much without having been given
    much. `room` is in bytes: nothing is made without being counted first.
    """

    __slots__ = ("left", "reserve", "room")

    def __init__(self, steps: int = STEPS, reserve: Callable[[], int] | None = None) -> None:
        self.left = steps
        self.reserve = reserve
        self.room = MAX_ROOM

    def spend(self, steps: int) -> None:
        """Count `steps`.

        Raises:
            BoundError: there are not that many left.
        """
        self.left -= steps
        if self.left < 0:
            self._draw()
            if self.left < 0:
                raise BoundError("this takes too many steps to evaluate: work on less data, or let a tool do it")

    def _draw(self) -> None:
        """Take what there is in reserve, once."""
        reserve, self.reserve = self.reserve, None
        self.left += 0 if reserve is None else reserve()

    def make(self, size: int) -> None:
        """Count `size` bytes that are about to be made.

        Raises:
            BoundError: there is no room for them.
        """
        self.room -= size
        if self.room < 0:
            raise BoundError("this makes too much at once: work on less data, or let a tool do it")

    def text(self, length: int) -> None:
        """Count a text of `length` characters (or bytes) that is about to be made."""
        if length > MAX_TEXT:
            raise BoundError(f"the text would have {shortened(length)} characters; the bound is {MAX_TEXT:,}")
        self.make(length)
        self.spend(length // CHARACTERS_PER_STEP)

    def items(self, count: int, size: int = 8) -> None:
        """Count a collection of `count` items, each of so many bytes, that is about to be made."""
        if count > MAX_ITEMS:
            raise BoundError(f"the collection would have {shortened(count)} items; the bound is {MAX_ITEMS:,}")
        self.make(count * size)
        self.spend(count * size // 64)

    def bits(self, count: int) -> None:
        """Count an integer of `count` bits that is about to be made."""
        if count > MAX_BITS:
            raise BoundError(f"the integer would have {shortened(count)} bits; the bound is {MAX_BITS:,}")
        self.spend(count // 128)

    def whole(self, value: Any) -> None:
        """Count everything in `value`, as often as it occurs in it: what comparing, showing or copying it takes.

        Raises:
            BoundError: that is too much, or containers are nested too deeply (or in themselves).
        """
        kind = type(value)
        if kind in FLAT:
            self.left -= 1
        elif kind is str or kind is bytes:
            self.spend(1 + len(value) // CHARACTERS_PER_STEP)
        else:
            weight = _weigh(value, MAX_DEPTH, self.left, {})[0]
            if weight > self.left:  # it may weigh far more than that: what there is left is to be known first
                self._draw()
                weight = _weigh(value, MAX_DEPTH, self.left, {})[0]
            self.spend(weight)


FLAT = frozenset({type(None), bool, int, float})


def work_weight(value: Any) -> int:
    """How much there is in a value, up to what no evaluation could go through anyway; 0 if it is too deep for any."""
    if type(value) in FLAT:
        return 1
    try:
        return _weigh(value, MAX_DEPTH, MAX_STEPS // STEPS_PER_INPUT, {})[0]
    except BoundError:
        return 0


def _weigh(value: Any, depth: int, most: int, seen: dict[int, tuple[int, int, Any]]) -> tuple[int, int]:
    """Steps that `value` stands for and how deep it is, in time proportional to what is really there.

    A list that occurs a thousand times is weighed once and counted a thousand times. It stops at a weight over `most`.
    `seen` keeps what it has weighed alive, so that an address in it never comes to mean something else.
    """
    if isinstance(value, str | bytes):
        return 1 + len(value) // CHARACTERS_PER_STEP, 0
    known = seen.get(id(value))
    if known is not None:
        weight, height, _ = known
    else:
        if depth <= 0:
            raise BoundError(f"the value is nested more than {MAX_DEPTH} deep")
        inside = held_in(value)
        weight, height = 1 + len(inside), 0
        for child in inside:
            if type(child) not in FLAT:
                extra, below = _weigh(child, depth - 1, most, seen)
                weight += extra
                height = max(height, below + 1)
                if weight > most:
                    break
        seen[id(value)] = weight, height, value
    if height > depth:
        raise BoundError(f"the value is nested more than {MAX_DEPTH} deep")
    return weight, height


def held_in(value: Any) -> list[Any]:
    """What a container or record holds, keys included; nothing for everything else."""
    if isinstance(value, list | tuple | Set):
        return list(value)
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    fields = record_fields(value)
    return [] if fields is None else list(fields.values())


def shortened(number: int) -> str:
    """A count for a message; one with many digits as a power, since writing it out could take for ever."""
    return f"{number:,}" if number.bit_length() < 64 else f"over 2**{number.bit_length() - 1}"
