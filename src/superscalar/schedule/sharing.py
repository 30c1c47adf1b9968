"""Which calls are identical, and so made once (rule L21)."""

from __future__ import annotations

import datetime as dt
import enum
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Hashable, Mapping
from operator import itemgetter
from typing import Any

from superscalar.attachments import Attachment
from superscalar.everyday import is_text_alone
from superscalar.schedule.cells import NO_VALUE, RUNNING, Cell
from superscalar.values import Failure, OrderedSet, Record, own_state, record_fields

_NEVER_MADE = frozenset({"cancelled", "deadline", "budget"})
_THEMSELVES = (str, int, bool, bytes, Attachment)
_AS_SHOWN = (dt.datetime, dt.date, dt.time, dt.timedelta)  # equal moments of two time zones are different arguments
_MAPPINGS = (Counter, OrderedDict, defaultdict)


class SharedCalls:
    """The calls of a run of which an identical one need not be made: those under way, and those that were made.

    In the round of a call its failure is that of every identical one; a later round makes the call again. One that the
    run itself stopped was not made. Of an earlier round, what nothing needs but runs still is shared, and is then a
    call of this round; what was set aside is not.
    """

    def __init__(self) -> None:
        self._cells: dict[tuple[Hashable, ...], Cell] = {}
        self._of_earlier_rounds: set[Cell] = set()

    def earlier(self, cell: Cell, tool: str, arguments: Mapping[str, Hashable], apart: Hashable) -> Cell | None:
        """The task whose call this one shares. If there is none, it is the one that later calls share.

        `arguments`: the `identity` of each. `apart`: equal for identical calls that may be one; see `Whether.apart`.
        """
        key = tool, apart, *sorted(arguments.items(), key=_NAME)
        found = self._cells.get(key)
        if found is None or found is cell or not self._can_be_shared(found):  # itself: it was cancelled before
            self._made_by(cell, key)
            return None
        self._made_by(found, key)
        return found

    def recorded(self, cell: Cell, tool: str, arguments: Mapping[str, Any], apart: Hashable) -> None:
        """Take it from a journal that this task makes the call, whoever would make it today."""
        self._made_by(cell, (tool, apart, *sorted(identities_of(arguments).items(), key=_NAME)))

    def begin_round(self) -> None:
        """Forget what failed and what was set aside."""
        self._cells = {key: cell for key, cell in self._cells.items() if _runs_or_succeeded(cell)}
        self._of_earlier_rounds = set(self._cells.values())

    def let_go(self) -> None:
        """Forget all of them: the run is over."""
        self._cells.clear()
        self._of_earlier_rounds.clear()

    def _made_by(self, cell: Cell, key: tuple[Hashable, ...]) -> None:
        self._cells[key] = cell
        self._of_earlier_rounds.discard(cell)

    def _can_be_shared(self, cell: Cell) -> bool:
        if _runs_or_succeeded(cell):
            return True
        if cell.retired:
            return False
        outcome = cell.outcome
        made = outcome is None or (isinstance(outcome, Failure) and outcome.kind not in _NEVER_MADE)
        return made and not cell.retired and cell not in self._of_earlier_rounds


def _runs_or_succeeded(cell: Cell) -> bool:
    return not cell.retired and (cell.status is RUNNING or cell.value is not NO_VALUE)


_NAME = itemgetter(0)


def identities_of(arguments: Mapping[str, Any]) -> dict[str, Hashable]:
    """What stands for each of the arguments of a call."""
    return {name: identity(value) for name, value in arguments.items()}


def identity(value: Any) -> Hashable:
    """Equal for two values only if a tool cannot tell them apart: by type, content, and order where there is one.

    1, True and 1.0 differ, and so do 0.0 and -0.0. Opaque handles are the same only if they are the same object; the
    result keeps it alive.
    """
    kind = type(value)
    if kind in _THEMSELVES or value is None:
        return kind, value
    if kind is float:
        return kind, value.hex()
    if kind in _AS_SHOWN:
        return kind, repr(value)
    if kind in (list, tuple, OrderedSet):
        return kind, *map(identity, value)
    if kind is dict:
        return kind, *((identity(key), identity(item)) for key, item in value.items())
    if kind in (set, frozenset):
        return kind, frozenset(map(identity, value))
    if issubclass(kind, enum.Enum):
        return kind, value._name_, identity(value._value_)
    if kind in _MAPPINGS:
        return kind, *((identity(key), identity(item)) for key, item in value.items())
    if kind is deque:
        return kind, value.maxlen, *map(identity, value)
    if is_text_alone(kind):
        return kind, str(value)
    if (fields := record_fields(value)) is not None:
        made_by = value.__record_type__ if kind is Record else kind
        given = frozenset(getattr(value, "__pydantic_fields_set__", ()))  # a model tells them from its defaults
        state = {**fields, **own_state(value)}
        return made_by, given, *((name, identity(item)) for name, item in state.items())
    return _HandleKey(value)


class _HandleKey:
    """An opaque handle as part of a key: it is itself and nothing else."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _HandleKey) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)
