"""What a plan is given on the command line: `--input NAME=VALUE`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

if TYPE_CHECKING:
    from superscalar.plan.ir import Input

InputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="NAME=VALUE",
        help="An input of the plan: JSON, or a plain word where it is text; @FILE reads a file, @- standard input, "
        "@env:VARIABLE the environment. May be repeated.",
        show_default=False,
    ),
]

_HOW: Final = """\
give them so: --input tickers='["IBM"]' --input name=Ann, or --input NAME=@FILE, NAME=@- (standard input), \
NAME=@env:VARIABLE; a text that begins with @ has one more"""


class _TypedText(NamedTuple):
    """What was said for an input. `typed`: it stands on the command line itself."""

    text: str
    typed: bool


def typed_inputs(
    typed: Sequence[str] | None, inputs: Sequence[Input], *, stdin_is_plan: bool = False
) -> dict[str, Any]:
    """The values of a plan's inputs, as far as they were given.

    Raises:
        CommandError: something of it is no value; the message says all that is wrong.
    """
    from superscalar.cli.failures import CommandError

    known = {input.name: input for input in inputs}
    values: dict[str, Any] = {}
    wrong: list[str] = []
    from_stdin = ["the plan"] * stdin_is_plan
    for word in typed or ():
        name, sign, value = word.partition("=")
        try:
            if not sign:
                raise ValueError(f"--input {name}: write NAME=VALUE")
            if name in values:
                raise ValueError(f"`{name}` is given twice")
            if value == "@-":
                if from_stdin:
                    raise ValueError(f"`{name}`: standard input is read for {from_stdin[0]} already")
                from_stdin.append(f"`{name}`")
            input = known.get(name)
            if input is not None and input.secret and not _is_elsewhere(value):
                how = f"write {name}=@env:VARIABLE or {name}=@FILE"
                raise ValueError(f"`{name}` is secret, and what is typed here others see: {how}")
            said = _said(name, value)
            values[name] = said.text if input is None else _value(said, input)
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise CommandError("\n".join([*wrong, _HOW]))
    return values


def given_inputs(
    typed: Sequence[str] | None, inputs: Sequence[Input], *, stdin_is_plan: bool = False
) -> dict[str, Any]:
    """The values of all inputs that a plan must have.

    Raises:
        CommandError: something is missing, unknown, or no value; the message says all that is wrong.
    """
    from superscalar.cli.failures import CommandError
    from superscalar.errors import UsageError
    from superscalar.tools.plan_inputs import fitting

    values = typed_inputs(typed, inputs, stdin_is_plan=stdin_is_plan)
    try:
        fitting(inputs, values)
    except UsageError as error:
        raise CommandError(f"{error}\n{_HOW}") from None
    return values


def _is_elsewhere(value: str) -> bool:
    """Whether it says where a text is, and is none itself."""
    return value.startswith("@") and not value.startswith("@@")


def _said(name: str, value: str) -> _TypedText:
    if not _is_elsewhere(value):
        return _TypedText(value.removeprefix("@") if value.startswith("@@") else value, typed=True)
    place = value[1:]
    if place.startswith("env:"):
        found = os.environ.get(place[4:])
        if found is None:
            raise ValueError(f"`{name}`: the environment has no variable {place[4:] or '(without a name)'}")
        return _TypedText(found, typed=False)
    try:
        data = sys.stdin.buffer.read() if place == "-" else Path(place).read_bytes()
        return _TypedText(data.decode("utf-8-sig"), typed=False)
    except OSError as error:
        raise ValueError(f"`{name}`: {place or 'a file without a name'} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"`{name}`: {place} is not UTF-8 text (byte {error.start})") from None


def _value(said: _TypedText, input: Input) -> Any:
    """What a text says: what it is as JSON if that fits, else the text itself."""
    from superscalar.errors import UsageError
    from superscalar.tools.plan_inputs import fitting

    if input.secret:
        return said.text.rstrip("\r\n")
    if input.type == "str" and not said.typed:
        return said.text
    candidates = [*_as_json(said.text), said.text]
    for candidate in candidates:
        try:
            fitting([input], {input.name: candidate})
        except UsageError:
            continue
        return candidate
    return candidates[0]  # whoever is given it says what is wrong


def _as_json(text: str) -> Iterator[Any]:
    from superscalar.plan.evaluate.json_text import once

    try:
        yield json.loads(text, object_pairs_hook=once, parse_constant=_refused)
    except (ValueError, RecursionError):
        return


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
