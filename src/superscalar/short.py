"""Values in a few characters: for views, logs, and the repr of everything of ours that holds some."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from typing import Any, Final, TypeAlias, TypeVar

from superscalar.everyday import record_fields

T = TypeVar("T")

LONGEST: Final = 2_000
"""Characters of what is told of a failure, and of a reason."""

LONGEST_REPR: Final = 4_000
"""Characters of a repr of ours."""

CHARACTERS_PER_TOKEN: Final = 4
"""What a token is taken for where nobody counts them."""


class Bare(str):
    """A text that is shown as it is, without quotes."""

    __slots__ = ()


Look: TypeAlias = Callable[[Any], Any]
"""What is shown of a value: another one, or a `Bare` text."""

LOOKS: Final[dict[type, Look]] = {}
"""How values of some classes of ours look in a view, by class."""

ELLIPSIS: Final = "…"
"""Where something is left out. Python has no such sign, so that nothing shown is taken for a part of a plan."""

_ROOMY = 200  # characters: a shorter text does not spend them on telling its length
_DEEPEST = 6
_DEEPEST_IN_REPR = 40
_LARGEST_INTEGER = 512  # bits; the interpreter refuses to print some, and nobody reads them


def short(value: Any, width: int = 80) -> str:
    """A value on one line of at most `width` characters, cut with an ellipsis; looks at no more of it than is shown.

    Safe to call on anything that a tool returned: it never raises, whatever the value's `repr` does. Text is quoted
    and escaped, but a `repr` written by somebody else may hold control characters: escape before printing it.
    """
    try:
        return _cut(_Printer(width, _DEEPEST).pieces(value, 0), width)
    except Exception as error:  # noqa: BLE001 -- somebody's __repr__ must not end a view; the text says that it failed
        return f"<{type(value).__name__}: showing it raised {type(error).__name__}>"


def short_arguments(arguments: Mapping[str, Any], width: int = 80) -> str:
    """A call's arguments in the same manner: a single one bare, several with their names."""
    if len(arguments) == 1:
        return short(next(iter(arguments.values())), width)
    return _cut(_listed("", ([f"{name}={short(value, width)}"] for name, value in arguments.items()), ""), width)


def bounded(cls: type[T]) -> type[T]:
    """A dataclass whose repr has at most 4,000 characters, whatever its fields hold: for all that hold values.

    asyncio takes the repr of what passes through its tasks, and throws it away.
    """

    shown = tuple(f.name for f in fields(cls) if f.repr)  # type: ignore[arg-type]

    def told(self: Any) -> str:
        named = {name: getattr(self, name, None) for name in shown}
        if all(map(_is_brief, named.values())):
            return f"{cls.__qualname__}({', '.join([f'{name}={value!r}' for name, value in named.items()])})"
        try:
            printer = _Exact(LONGEST_REPR, _DEEPEST_IN_REPR)
            return _cut(printer.called(cls.__qualname__, named, 0), LONGEST_REPR)
        except Exception as error:  # noqa: BLE001 -- as for `short`
            return f"<{cls.__qualname__}: showing it raised {type(error).__name__}>"

    cls.__repr__ = told  # type: ignore[method-assign]  # its own takes those of all that is in it
    return cls


def _is_brief(value: Any) -> bool:
    """Whether a value is nothing that would have to be cut, or looked at more closely: nearly all are that."""
    kind = type(value)
    return kind is bool or value is None or (kind is int and value.bit_length() <= _LARGEST_INTEGER)


def cut(text: str, most: int) -> str:
    """A text of at most so many characters. One that is cut ends with `…`; where there is room it says its length."""
    if len(text) <= most:
        return text
    said = cut_off(len(text)) if most >= _ROOMY else ELLIPSIS
    return text[: max(most - len(said), 0)] + said


def cut_off(length: int) -> str:
    """What stands behind the beginning of a text of so many characters."""
    return f"{ELLIPSIS} ({length:,} characters in all)"


def brief(text: str, most: int = 40) -> str:
    """A name or a few words for a message, cut; its line breaks are shown."""
    return cut(str.__str__(text), most).replace("\n", "\\n")


def more(left: int, of: int, things: str) -> str:
    """What stands for the items that there was no room for."""
    return f"{ELLIPSIS} {left:,} more of {of:,} {things}"


def lines(made: Iterable[str], most: int) -> str:
    """Lines as one text of at most about so many characters; that something is left out is said."""
    kept: list[str] = []
    room = most
    for line in made:
        room -= len(line)
        if room < 0:
            kept.append(ELLIPSIS)
            break
        kept.append(line)
    return "\n".join(kept)


class _Printer:
    """Gives the text of a value piece by piece, for whoever takes no more of it than there is room for."""

    def __init__(self, width: int, deepest: int) -> None:
        self._width = width
        self._deepest = deepest

    def _look(self, kind: type) -> Look | None:
        """How what is of a class looks, where that is not as Python shows it."""
        return LOOKS.get(kind)

    def pieces(self, value: Any, depth: int) -> Iterator[str]:
        """The text of a value that stands so deep in what is shown."""
        inner = depth + 1
        look = self._look(type(value))
        if look is not None:
            value = look(value)
        match value:
            case Bare():
                yield value
            case None | bool() | float():
                yield repr(value)
            case int():
                large = value.bit_length() > max(_LARGEST_INTEGER, 3 * self._width)
                yield f"<an integer of {value.bit_length():,} bits>" if large else repr(value)
            case str() | bytes():
                yield repr(value[: self._width + 1])
            case _ if depth >= self._deepest:
                yield ELLIPSIS
            case Mapping():
                yield from _listed("{", (self._pair(k, v, inner) for k, v in value.items()), "}")
            case _ if (fields := record_fields(value)) is not None:
                yield from self.called(type(value).__name__, fields, depth)
            case list():
                yield from _listed("[", (self.pieces(item, inner) for item in value), "]")
            case tuple():
                items = (self.pieces(item, inner) for item in value)
                yield from _listed("(", items, ",)" if len(value) == 1 else ")")
            case Set():
                items = (self.pieces(item, inner) for item in value)
                yield from _listed("{", items, "}") if value else ("set()",)
            case _:
                yield " ".join(repr(value).split())  # an opaque handle

    def called(self, name: str, named: Mapping[str, Any], depth: int) -> Iterator[str]:
        """The text of something with fields."""
        yield from _listed(f"{name}(", (self._named(each, item, depth + 1) for each, item in named.items()), ")")

    def _named(self, name: str, value: Any, depth: int) -> Iterator[str]:
        yield f"{name}="
        yield from self.pieces(value, depth)

    def _pair(self, key: Any, value: Any, depth: int) -> Iterator[str]:
        yield from self.pieces(key, depth)
        yield ": "
        yield from self.pieces(value, depth)


class _Exact(_Printer):
    """Shows a value as its repr does, as far as there is room. What is ours has one that is bounded, or plans hold."""

    def _look(self, kind: type) -> Look | None:
        return _repr if is_dataclass(kind) and kind.__module__.startswith("superscalar.") else None

    def pieces(self, value: Any, depth: int) -> Iterator[str]:
        kind = type(value)
        if kind is frozenset and value:
            yield from _listed("frozenset({", (self.pieces(item, depth + 1) for item in value), "})")
        elif hasattr(kind, "__record_type__"):  # it was read back
            yield from self.called(str(value.__record_type__).rpartition(".")[2], value.__record_fields__, depth)
        else:
            yield from super().pieces(value, depth)


def _repr(value: Any) -> Bare:
    return Bare(repr(value))


def _cut(pieces: Iterable[str], width: int) -> str:
    text = ""
    for piece in pieces:
        text += piece
        if len(text) > width:
            return text[: width - 1] + ELLIPSIS
    return text


def _listed(opening: str, items: Iterable[Iterable[str]], closing: str) -> Iterator[str]:
    yield opening
    for number, item in enumerate(items):
        if number:
            yield ", "
        yield from item
    yield closing
