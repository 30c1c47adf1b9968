"""The inputs of a plan: of which types they may be, as annotations and as text, and what fits them.

A type is one that a line of text can say, since plans are printed and kept: nobody's own class is one.
"""

from __future__ import annotations

import ast
import datetime as dt
import difflib
import inspect
import keyword
import types
import typing
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from superscalar.errors import UsageError
from superscalar.forks import MAKING
from superscalar.labels import holds_label
from superscalar.plan.evaluate.bounds import MAX_INPUTS
from superscalar.plan.ir import UNBOUND, Input, Unbound
from superscalar.secrets import SHORTEST
from superscalar.short import cut, short
from superscalar.tools.context import ArgumentError
from superscalar.tools.described import Check
from superscalar.tools.inputs import default_text
from superscalar.tools.marks import is_mark
from superscalar.tools.secret import Secret
from superscalar.tools.types import type_text
from superscalar.values import WITHHELD

_PLAIN: Final[Mapping[str, Any]] = {
    "Any": Any, "None": None, "str": str, "int": int, "float": float, "bool": bool, "bytes": bytes,
    "list": list, "dict": dict, "tuple": tuple, "set": set,
    "date": dt.date, "datetime": dt.datetime, "time": dt.time, "timedelta": dt.timedelta,
    "Decimal": Decimal, "UUID": UUID,
}  # fmt: skip
_TAKES: Final[Mapping[str, int | None]] = {"list": 1, "set": 1, "dict": 2, "tuple": None}
_SECRET_TYPES: Final = {f"{kind}{none}" for kind in ("str", "bytes") for none in ("", " | None")}
_LONGEST_TYPE: Final = 1_000  # characters
_DEEPEST: Final = 20
_WRITE: Final = "write a type of data, such as str, int | None, list[str], dict[str, float] or Literal['a', 'b']"


# ------------------------------------------------------------------------------------------------------- declarations


def declared(inputs: Mapping[str, Any]) -> tuple[Input, ...]:
    """What somebody declares as inputs of a plan, by name: a type, that as text, or an `Input`.

    Raises:
        UsageError: something of it is none; the message says all that is wrong.
    """
    if not isinstance(inputs, Mapping) or not all(isinstance(name, str) for name in inputs):
        raise UsageError(f"inputs={short(inputs)}: write types by name, such as inputs={{'tickers': list[str]}}")
    made, wrong = [], []
    for name, said in inputs.items():
        try:
            made.append(checked_input(replace(said if isinstance(said, Input) else Input(said), name=name)))
        except ValueError as error:
            wrong.append(str(error))
    if len(inputs) > MAX_INPUTS:
        wrong.append(f"a plan has at most {MAX_INPUTS} inputs, and these are {len(inputs)}")
    if wrong:
        raise UsageError(f"inputs=: {'; '.join(wrong)}")
    return tuple(made)


def checked_input(input: Input) -> Input:
    """An input with its type as text, and its default as a plan writes it.

    Raises:
        ValueError: its name, its type or its default is none.
    """
    name = input.name
    _check_name(name)
    type, marked = _unmarked(name, input.type)
    secret = input.secret or marked
    text = type if isinstance(type, str) else type_text(type)
    annotation = _annotation(name, text)
    if not isinstance(input.description, str):
        raise ValueError(f"`{name}`: a description is a text")
    description = " ".join(input.description.split())  # it stands on a line
    made = replace(input, type=type_text(annotation), secret=secret, description=description)
    if secret and made.type not in _SECRET_TYPES:
        raise ValueError(f"`{name}` is secret, so it is a text: str or bytes, not {made.type}")
    if isinstance(input.default, Unbound):
        return made
    if secret and input.default is not None:
        raise ValueError(f"`{name}` is secret, so nothing that is printed may have its value: it can have no default")
    if holds_label(input.default):
        raise ValueError(f"`{name}`: a default is as trusted as the plan: labelled(...) is for what is given")
    made = replace(made, default=_written(name, input.default, made.type))
    _, problem = _fitted(made, made.default)
    if problem:
        raise ValueError(f"the default of `{name}`: {problem}")
    return made


def _written(name: str, default: Any, type: str) -> Any:
    """A default as it is read back from a plan.

    Raises:
        ValueError: no plan can write it.
    """
    if isinstance(default, Decimal) and "Decimal" in type:
        return str(default)  # as a number it would be rounded
    try:
        found = ast.literal_eval(default_text(default))
    except ValueError:  # infinity is no literal
        found = ...
    if found is ...:  # default_text() says so
        raise ValueError(f"`{name}`: the default {short(default)} is nothing that a plan can write")
    return found


def _unmarked(name: str, type: Any) -> tuple[Any, bool]:
    """A type without the marks of a secret, and whether there were any, however deep: none is lost.

    Raises:
        ValueError: something else is said of it, or of a part of it.
    """
    origin, parts = typing.get_origin(type), typing.get_args(type)
    if origin is Annotated:
        if not all(is_mark(mark, Secret) for mark in parts[1:]):
            raise ValueError(f"`{name}`: an input has a type and no more: {_WRITE}")
        return _unmarked(name, parts[0])[0], True
    if hasattr(type, "get_secret_value"):
        return parts[0] if parts else _kept_in(type), True
    if origin is Literal:
        return type, False
    inner = [_unmarked(name, part) for part in parts]
    if origin in (typing.Union, types.UnionType):
        type = typing.Union[tuple(part for part, _ in inner)]  # noqa: UP007 -- there are as many as there are
    return type, any(secret for _, secret in inner)


def _kept_in(secret: Any) -> Any:
    from pydantic import SecretBytes

    return bytes if inspect.isclass(secret) and issubclass(secret, SecretBytes) else str


def _check_name(name: str) -> None:
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise ValueError(f"{short(name)} is no name of an input: write letters, digits and _, a letter first")
    if unicodedata.normalize("NFKC", name) != name:
        raise ValueError(f"`{name}` is read as `{unicodedata.normalize('NFKC', name)}`: write that")


# -------------------------------------------------------------------------------------------------------------- types


def _annotation(name: str, text: str) -> Any:
    try:
        return type_of(text)
    except ValueError as error:
        raise ValueError(f"`{name}`: {error}") from None


def type_of(text: str) -> Any:
    """The annotation that a text says.

    Raises:
        ValueError: it says none that an input may have.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body if len(text) <= _LONGEST_TYPE else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    if tree is None:
        raise ValueError(f"{short(text)} is no type of an input: {_WRITE}")
    return _made(tree, _DEEPEST)


def _made(tree: ast.expr, depth: int) -> Any:
    match tree:
        case _ if not depth:
            pass
        case ast.Constant(None):
            return None
        case ast.Name(id) if id in _PLAIN:
            return _PLAIN[id]
        case ast.BinOp(left, ast.BitOr(), right):
            return typing.Union[_made(left, depth), _made(right, depth - 1)]  # noqa: UP007 -- None is no type in `|`
        case ast.Subscript(ast.Name("Literal"), inside):
            constants = [_constant(one) for one in _listed(inside)]
            if constants and UNBOUND not in constants:
                return Literal[tuple(constants)]
        case ast.Subscript(ast.Name(id), inside) if id in _TAKES:
            parts = _listed(inside)
            if id == "tuple" and len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is ...:
                return tuple.__class_getitem__((_made(parts[0], depth - 1), ...))
            if _TAKES[id] in (None, len(parts)) and parts:
                return _PLAIN[id][tuple(_made(part, depth - 1) for part in parts)]
    raise ValueError(f"{cut(repr(ast.unparse(tree)), 100)} is no type of an input: {_WRITE}")


def _listed(tree: ast.expr) -> Sequence[ast.expr]:
    return tree.elts if isinstance(tree, ast.Tuple) else [tree]


def _constant(tree: ast.expr) -> Any:
    match tree:
        case ast.Constant(str() | int() | None as value):
            return value
        case ast.UnaryOp(ast.USub(), ast.Constant(int() as value)) if not isinstance(value, bool):
            return -value
    return UNBOUND


# ------------------------------------------------------------------------------------------------------------- values


def fitting(inputs: Sequence[Input], given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of each input, as its type wants it: what is given, or its default.

    Raises:
        UsageError: something is missing, unknown, or of another type; the message says all that is.
    """
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for input in inputs:
        if input.name not in given and input.required:
            wrong.append(f"`{input.name}` ({input.type}) is missing")
            continue
        value, problem = _fitted(input, given.get(input.name, input.default))
        values[input.name] = value
        if problem:
            wrong.append(f"`{input.name}`: {problem}")
    wrong += _unknown(inputs, given)
    if wrong:
        raise UsageError(f"inputs of the plan: {'; '.join(wrong)}")
    return values


def _unknown(inputs: Sequence[Input], given: Mapping[str, Any]) -> Iterator[str]:
    known = [input.name for input in inputs]
    for name in given:
        if name in known:
            continue
        close = difflib.get_close_matches(str(name), known, n=1)
        there = f"; there are {', '.join(known)}" if known else ": it has none; declare it above: # input NAME: TYPE"
        yield f"the plan has no input {short(name)}" + (f"; did you mean `{close[0]}`?" if close else there)


def _fitted(input: Input, value: Any) -> tuple[Any, str]:
    """A value as the type of an input wants it, or what is wrong with it."""
    if input.secret and hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if holds_label(value):
        return value, "labelled(...) is of a whole value, where a run begins, and of no part of one"
    check = _check(input.name, input.type, input.secret)
    try:
        found = check({input.name: value})[input.name]
        if input.secret and found is not None and _length(found) < SHORTEST:
            return found, f"it is secret, and a text of fewer than {SHORTEST} characters cannot be kept out of others"
        return found, ""
    except RecursionError:
        return value, "it holds itself, or more in each other than can be looked at"
    except ArgumentError as error:
        if input.secret and value is WITHHELD:
            return value, "it is a secret, which no journal has: give it again"
        return value, str(error).replace(f"(): `{input.name}`: ", "").replace(f"(): `{input.name}", f"`{input.name}")


def _length(secret: str | bytes) -> int:
    """How many characters of a secret can be looked for in texts."""
    return len((secret if isinstance(secret, str) else secret.decode("utf-8", "replace")).strip())


@lru_cache(maxsize=1_000)
def _check(name: str, type: str, secret: bool) -> Check:
    """What checks a value: no type that has a text is anybody's own, so none is kept that should go."""
    with MAKING:
        from superscalar.tools import validation  # pydantic takes a tenth of a second: not before there is a value

        parameter = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=type_of(type))
        return validation.validator("", "input", (parameter,), {name: ((),)} if secret else {})
