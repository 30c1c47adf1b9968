"""The arguments of a call as it is made, and what is shown, recorded and compared of them.

They are bound once, when the call is ready (`Tool.bind`), and nobody changes them from then on: whoever might is given
a copy. So what a rule judged, what a person was shown and what the journal has is what the tool receives.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import json
import re
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Final, TypeVar
from uuid import UUID

from superscalar import codec
from superscalar.attachments import Attachment
from superscalar.everyday import BARE, is_text_alone, twin
from superscalar.plan.evaluate.expression import EvaluationError, Unavailable, evaluate
from superscalar.plan.ir import Call, Literal, Ref
from superscalar.schedule.cells import NO_VALUE, Cell
from superscalar.schedule.lookup import outcomes_for
from superscalar.tools.context import ArgumentError
from superscalar.tools.described import Arguments as Arguments
from superscalar.tools.tool import Tool
from superscalar.values import (
    IMMUTABLE,
    WITHHELD,
    Handle,
    Record,
    TaskId,
    Withheld,
    as_it_stands,
    copied,
    copied_by,
    holds_record,
    is_silent,
    own_state,
    record_fields,
    twin_of,
)
from superscalar.weight import Portions, Scale, TooHeavy, is_light

T = TypeVar("T")


def given_to(
    cell: Cell,
    call: Call,
    take: Callable[[Any], None],
    is_long: Callable[[Any], bool] = lambda _: False,
) -> tuple[Arguments, Sequence[str]]:
    """A copy of what the plan gives a call, by alias. `take` weighs what is large before it is copied.

    What `is_long` is neither weighed nor copied; its names are told beside. An attachment is not either: nobody can
    change it, and with a call only its digest is recorded.

    Raises:
        EvaluationError, Unavailable: an argument has no value.
        TooHeavy: as `take` does.
    """
    given: Arguments = {}
    left: Sequence[str] = ()
    cells = cell.scope.cells
    for name, expression in call.arguments:
        if type(expression) is Literal:  # this and a bare reference are nearly every argument of every call
            constant = given[name] = expression.value
            if type(constant) is not int and not is_light(constant):
                take(constant)
            continue
        found = None
        if type(expression) is Ref:
            found = cells.get(expression.task) or cell.scope.find(expression.task)
        if found is not None and found.value is not NO_VALUE:
            value = found.value
        else:
            try:
                value = evaluate(expression, outcomes_for(cell))
            except Unavailable as missing:
                raise _gravest(missing, cell, call) from None
        if type(value) is not int and type(value) is not Attachment and not is_light(value):
            if is_long(value):
                left = [*left, name]
            else:
                take(value)
                value = value if type(value) in IMMUTABLE else copied(value)
        given[name] = value
    return given, left


def _gravest(missing: Unavailable, cell: Cell, call: Call) -> Unavailable:
    """Why a call has not all its arguments: what is absent by a cause goes before what is absent by a guard."""
    for _, expression in call.arguments if is_silent(missing.outcome) else ():
        try:
            evaluate(expression, outcomes_for(cell))
        except Unavailable as other:
            if not is_silent(other.outcome):
                return other
        except EvaluationError:
            continue
    return missing


def fresh(arguments: Arguments) -> Arguments:
    """The same for somebody who may change them.

    Raises:
        ArgumentError: the class of one does not let it be copied.
    """
    return _each(arguments, twin_of)


def copied_in_portions(arguments: Arguments, scale: Scale, copy: Callable[[Any], Any] = twin_of) -> Portions[Arguments]:
    """As `fresh` makes it, or another `copy` of the same kind, of arguments that were weighed on this scale.

    Raises:
        ArgumentError: the class of one does not let it be copied.
    """
    made: Arguments = {}
    for name, value in arguments.items():
        made[name] = yield from of_argument(name, scale.copying(value, copy))
    return made


def of_argument(name: str, work: Portions[T]) -> Portions[T]:
    """What work on an argument comes to; a record's class is a tool's own code."""
    try:
        return (yield from work)
    except (TooHeavy, RecursionError):
        raise
    except Exception as error:
        raise refused(name, error) from error


def shown_arguments(tool: Tool[..., Any], arguments: Arguments) -> Arguments:
    """The same for people and for a journal: secrets withheld, and a `Handle` for what is no data (rule L24).

    A record that holds something beside its fields is a `Record` with both: neither its repr nor a journal tells that.

    Raises:
        ArgumentError: as for `fresh`.
    """
    return _each(tool.masked(arguments), told)


def _each(arguments: Arguments, copy: Callable[[Any], Any]) -> Arguments:
    made: Arguments = {}
    for name, value in arguments.items():
        try:
            made[name] = copy(value)
        except RecursionError:
            raise
        except Exception as error:  # a record's class is a tool's own code
            raise refused(name, error) from error
    return made


def refused(name: str, error: Exception) -> ArgumentError:
    """What to raise where copying an argument raised."""
    return ArgumentError(f"`{name}` cannot be copied: {error!r}")


def told(value: Any) -> Any:
    """A value for people and for a journal, but for what is secret by the parameter that it is given for."""
    return copied_by(value, _for_people, _with_its_state)


def _with_its_state(value: Any, copy: Callable[[Any], Any]) -> Any:
    own = own_state(value)
    if not own:
        return as_it_stands(value, copy)
    kind = type(value)
    parts = {**(record_fields(value) or {}), **own}
    return Record(f"{kind.__module__}.{kind.__qualname__}", {name: copy(part) for name, part in parts.items()})


def _for_people(value: Any, copy: Callable[[Any], Any]) -> Any:
    kind = type(value)
    if hasattr(kind, "get_secret_value"):  # pydantic's SecretStr and the like
        return WITHHELD
    if kind is Attachment:  # whole, it is recorded with the result that it came in
        return Handle(f"{value!r} with SHA-256 {value.digest}")
    if kind in _DATA or issubclass(kind, enum.Enum) or (issubclass(kind, PurePath) and is_text_alone(kind)):
        return value
    if is_text_alone(kind):
        return str(value)
    if kind in _COLLECTIONS:
        return twin(value, copy)
    bare = next((bare for base, bare in BARE.items() if issubclass(kind, base)), Handle.of)
    return bare(value)


_DATA: Final = (Withheld, Handle, Decimal, UUID, dt.timezone, zoneinfo.ZoneInfo)
_COLLECTIONS: Final = (frozenset, OrderedDict, defaultdict, Counter, deque)


# ----------------------------------------------------------------------------------------------- what an answer is to


def digest_of(run: str, id: TaskId, tool: str, arguments: Mapping[str, Any]) -> str:
    """What stands for a call whose arguments were shown so: the same for the same call of this run alone.

    It is keyed by the run, and what is secret is not in it: nobody finds out by guessing what was withheld.
    """
    text = json.dumps([id, tool, sorted((name, _written(value)) for name, value in arguments.items())])
    key = hashlib.blake2b(run.encode("utf-8", "surrogatepass")).digest()
    return hashlib.blake2b(text.encode(), key=key, digest_size=16).hexdigest()


def _written(value: Any) -> str:
    """A value as text: equal for values that a person and a journal are shown alike, in any process."""
    try:
        return json.dumps(_in_order(codec.data_of(value)))
    except (codec.Unwritable, RecursionError):  # nested too deeply for a journal
        return repr(Handle.of(value))


def _in_order(data: Any) -> Any:
    match data:
        case list():
            return [_in_order(item) for item in data]
        case {"_": "set" | "frozenset" as tag, "v": list(items)}:
            return {"_": tag, "v": sorted(map(_in_order, items), key=json.dumps)}
        case {"_": "handle", "v": str(text)}:
            return {"_": "handle", "v": _ADDRESS.sub("", text)}
        case dict():
            return {key: _in_order(item) for key, item in data.items()}
        case _:
            return data


_ADDRESS: Final = re.compile(r" at 0x[0-9A-Fa-f]+")


# --------------------------------------------------------------------------------------------------- out of a journal


def as_recorded(tool: Tool[..., Any], given: Arguments, recorded: Mapping[str, Any]) -> Arguments:
    """The arguments of a call to which the plan gives `given` (by alias), and of which these were recorded.

    What the plan gives is validated as the tool is now. Where that gives another value than was recorded, and what was
    recorded is one that the tool takes, that is used; a default is as it was recorded. What was not recorded, or is in
    no journal (secrets, handles), is what it is now.

    Raises:
        ArgumentError: what the plan gives does not fit any more, or a default cannot be made.
    """
    named = tool.named(given)
    bound = tool.validate(named) if named else {}
    made: Arguments = {}
    for name in tool.aliases:
        if name in bound:
            now = bound[name]
            made[name] = _as_it_was(tool, name, named, now, recorded[name]) if name in recorded else now
        elif tool.fills(name):
            made[name] = _default_as_it_was(tool, name, recorded[name]) if name in recorded else tool.default_of(name)
    return made


def bound_again(tool: Tool[..., Any], given: Arguments, recorded: Mapping[str, Any]) -> Arguments:
    """The arguments of a call that had begun: defaults as they were recorded, and what the plan gives as it came then.

    Raises:
        ArgumentError: they do not fit any more: the tool is another one now.
    """
    named = tool.named(given)
    return as_recorded(tool, given, {name: value for name, value in recorded.items() if name not in named})


def _as_it_was(tool: Tool[..., Any], name: str, named: Arguments, now: Any, recorded: Any) -> Any:
    """What a plan gives: as it was recorded if the tool takes that as it is, and else what it is now.

    A tool that makes something else of it each time takes what it made once.
    """
    if _is_told_as(now, recorded) or _is_partly_told(recorded):
        return now
    try:
        found = tool.read_back(name, recorded)
    except ArgumentError:
        return now
    if _is_told_as(found, recorded):
        return found
    is_steady = _is_told_as(tool.validate(named)[name], told(now))
    return now if is_steady or holds_record(recorded) else recorded


def _default_as_it_was(tool: Tool[..., Any], name: str, recorded: Any) -> Any:
    """A default as it was recorded, unless the tool takes what it has now and does not take that."""
    if _is_partly_told(recorded):
        return tool.default_of(name)
    try:
        found = tool.read_back(name, recorded)
    except ArgumentError:
        now = tool.default_of(name)
        return now if holds_record(recorded) or _takes(tool, name, now) else recorded  # nobody checks a default
    if _is_told_as(found, recorded):
        return found
    return tool.default_of(name) if holds_record(recorded) else recorded


def _takes(tool: Tool[..., Any], name: str, value: Any) -> bool:
    try:
        tool.read_back(name, value)
    except ArgumentError:
        return False
    return True


def _is_told_as(value: Any, recorded: Any) -> bool:
    """Whether a value is shown, and recorded, as what was."""
    return _written(told(value)) == _written(recorded)


def _is_partly_told(recorded: Any) -> bool:
    """Whether there is something in what was recorded that no journal has."""
    try:
        return _lacks_something(codec.data_of(recorded))
    except codec.Unwritable:
        return True


def _lacks_something(data: Any) -> bool:
    match data:
        case {"_": "secret" | "handle"}:
            return True
        case dict():
            return any(map(_lacks_something, data.values()))
        case list():
            return any(map(_lacks_something, data))
        case _:
            return False
