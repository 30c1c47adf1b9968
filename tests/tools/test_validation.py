"""Arguments that are right already are recognised without pydantic, and to nobody's surprise: it says the same."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Optional, Union

import pytest
from annotated_types import Gt
from hypothesis import example, given, settings
from hypothesis import strategies as st

from superscalar import LLMCompiler, tool
from superscalar.schedule.sharing import identity
from superscalar.tools.context import ArgumentError
from superscalar.tools.validation import adapter_of, validator
from support.depth import examples


class Text(str):
    """Text with a class of its own."""


class Colour(enum.IntEnum):
    """A number with a class of its own."""

    RED = 1


ANNOTATIONS: list[Any] = [
    bool,
    int,
    float,
    str,
    None,
    type(None),
    int | None,
    str | None,
    bool | None,
    Optional[float],  # noqa: UP045 -- the old way to write it must be known too
    Union[int, str],  # noqa: UP007
    int | float,
    float | bool,
    str | int | float | bool | None,
    list[int],
    int | list[int],
    Any,
    bytes,
    Literal[1, "a"],
    Annotated[int, Gt(3)],
    Text,
    Colour,
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 3),
    st.sampled_from([2**63, -(2**63) - 1, 2**200, 0, 1, 10**5000]),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, float("inf"), float("nan")]),
    st.text(),
    st.text(st.characters()),
    st.sampled_from(["", "1", "1.5", "true", "none", "\ud800", "a\udfffb", "\x00", "é", Text("x"), Colour.RED]),
    st.binary(max_size=3),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.text(max_size=2), SCALARS, max_size=2))
NAMES = ["a", "b", "c"]


def parameters(annotations: list[Any], optional: list[bool]) -> tuple[inspect.Parameter, ...]:
    return tuple(
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=annotation,
            default=None if free else inspect.Parameter.empty,
        )
        for name, annotation, free in zip(NAMES, annotations, optional, strict=False)
    )


def outcome(check: Any, arguments: dict[str, Any]) -> Any:
    """The checked arguments in their order with their types, or that they were refused."""
    try:
        found = check(dict(arguments))
    except Exception as error:  # noqa: BLE001 -- a refusal is an outcome here
        return "refused", type(error).__name__ in ("ArgumentError", "ValidationError")
    return [(name, type(value), identity(value)) for name, value in found.items()]


@settings(max_examples=examples(150, 3_000))
@given(
    st.lists(st.sampled_from(ANNOTATIONS), min_size=1, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.lists(st.tuples(st.sampled_from([*NAMES, "d"]), VALUES), max_size=4),
)
@example([str], [False] * 3, [("a", "\ud800")])
@example([int, int], [False] * 3, [("b", 1), ("a", 2)])
@example([int, int], [False, True, True], [("a", 1)])
@example([int], [False] * 3, [("a", True)])
@example([float], [False] * 3, [("a", 1)])
def test_an_argument_is_checked_as_pydantic_checks_it(
    annotations: list[Any], optional: list[bool], given: list[tuple[str, Any]]
) -> None:
    wanted = parameters(annotations, optional)
    arguments = dict(given)
    plain = adapter_of("tool", "tool", wanted).validator.validate_python
    assert outcome(validator("tool", "tool", wanted), arguments) == outcome(plain, arguments)


@pytest.mark.parametrize("annotation", [int, str, int | None])
def test_what_is_right_already_comes_back_as_it_came(annotation: Any) -> None:
    given: dict[str, Any] = {"a": "x" if annotation is str else 1}
    assert validator("tool", "tool", parameters([annotation], [False]))(given) is given


def test_what_is_missing_is_said_though_the_rest_is_right() -> None:
    check = validator("quote", "quote", parameters([int, str], [False, False]))
    with pytest.raises(ArgumentError, match=r"quote\(\) needs `b`"):
        check({"a": 1})


def test_a_number_too_long_to_be_written_is_refused_in_words() -> None:
    check = validator("quote", "quote", parameters([bool], [False]))
    with pytest.raises(ArgumentError, match="not this int"):
        check({"a": 10**5000})


class Unspeakable(Exception):
    def __repr__(self) -> str:
        raise RuntimeError("no words")


@dataclass
class Currency:
    name: str

    def __post_init__(self) -> None:
        raise KeyError(self.name) if self.name else Unspeakable()


@tool(effect="read")
async def rate(of: Currency) -> float:
    """What a currency is worth."""
    return 1.0


@pytest.mark.parametrize(
    ("name", "said"),
    [("EUR", "checking it raised KeyError('EUR')"), ("", "checking it raised Unspeakable, whose repr raised")],
)
def test_whatever_the_class_of_a_parameter_raises_is_an_error_of_the_plan(name: str, said: str) -> None:
    (found,) = LLMCompiler(tools=[rate]).check(f"r = rate({{'name': {name!r}}})\njoin(r)\n")
    assert said in found.message


class Own(int):
    pass


def parameters_of(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    return tuple(inspect.signature(function, eval_str=True).parameters.values())


def test_tools_that_take_the_same_common_types_have_one_adapter_and_no_class_is_kept_for_one() -> None:
    def common(a: int, b: str = "") -> None: ...

    def needed(a: int, b: str) -> None: ...

    def own(a: Own) -> None: ...

    first = adapter_of("one", "same", parameters_of(common))
    assert first is adapter_of("other", "same", parameters_of(common))
    assert first is not adapter_of("one", "same", parameters_of(needed))
    assert adapter_of("one", "same", parameters_of(own)) is not adapter_of("one", "same", parameters_of(own))
