"""Where the texts come from: random programs, the corpus, what becomes of these when they are changed, and noise."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

from corpus.cases import CASES
from corpus.hostile import hostile
from random_programs import Writer

_LONGEST = 4_000  # characters; what is longer is for `test_hostile`

_PIECES = (
    *"( ) [ ] { } ' \" , : . = + - * / % < > & | ^ ~ @ # ; \\ ! ? $ ` _ 0 1 9".split(),
    *"if elif else for in and or not is None True False lambda key join ok default first sum len range str".split(),
    *"import def class while try with del await yield return pass break := ** // == != -> ... f' \"\"\" '''".split(),
    *"a b c xs num word listing words table flag pair page fail hang canary evil put look __class__ ._x .title".split(),
    *["\n", "\n    ", "\n        ", " ", "\t", "\r\n", "\r", "\f", "\x00", "\u2028", "\ufeff", "\ud800", "é", "１", "０"],
    *["$1", "${1}", "#E1", "1. ", "Thought: ", "Plan: ", "```", "```python", "<END_OF_PLAN>", "join()\n", "a = ", "|", '{"'],
    *["10**10", "'a' * 10**9", "[x for x in xs]", "f'{a!r:>{b}}'", "a.append(1)", "a += 1", "a, b = ", "for x in xs:\n    "],
)


@cache
def _known() -> list[str]:
    plans = [case.plan for case in CASES] + [text for case in CASES for _, text in case.replies]
    return [plan for plan in [*plans, *(each.plan for each in hostile())] if len(plan) < _LONGEST]


def program(random: Random) -> str:
    """A right plan, over the tools of `random_programs`."""
    return Writer(random.choice).program(random.choice([2, 5, 8]))


def known(random: Random) -> str:
    """A plan of the corpus, or a hostile one."""
    return random.choice(_known())


def soup(random: Random) -> str:
    """Pieces of syntax in any order."""
    return random.choice(["", " "]).join(random.choices(_PIECES, k=random.randint(1, 40)))


def noise(random: Random) -> str:
    """Characters of all kinds."""
    count = random.randint(0, 60)
    match random.randrange(3):
        case 0:
            return random.randbytes(count).decode("latin-1")
        case 1:
            return random.randbytes(count).decode("utf-8", "surrogateescape")
        case _:
            return "".join(chr(random.randrange(0x11000)) for _ in range(count))


def changed(random: Random) -> str:
    """A plan in which something is no longer as it was."""
    text = random.choice([program, program, known])(random)
    for _ in range(random.choice([1, 1, 2, 5])):
        text = random.choice(_CHANGES)(random, text)[:_LONGEST]
    return text


def _without(random: Random, text: str) -> str:
    at, count = random.randrange(len(text) + 1), random.choice([1, 1, 2, 10])
    return text[:at] + text[at + count :]


def _with_piece(random: Random, text: str) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + random.choice(_PIECES) + text[at + random.choice([0, 0, 1]) :]


def _with_line(random: Random, text: str) -> str:
    lines = text.split("\n")
    lines.insert(random.randrange(len(lines) + 1), random.choice([random.choice(lines), soup(random)]))
    return "\n".join(lines)


def _without_line(random: Random, text: str) -> str:
    lines = text.split("\n")
    del lines[random.randrange(len(lines))]
    return "\n".join(lines)


def _moved_line(random: Random, text: str) -> str:
    lines = text.split("\n")
    lines.insert(random.randrange(len(lines)), lines.pop(random.randrange(len(lines))))
    return "\n".join(lines)


def _indented(random: Random, text: str) -> str:
    lines = text.split("\n")
    at = random.randrange(len(lines))
    for number in range(at, min(at + random.choice([1, 3]), len(lines))):
        lines[number] = random.choice(["    ", " ", "\t", ""]) + lines[number].lstrip(random.choice(["", " "]))
    return "\n".join(lines)


def _spliced(random: Random, text: str) -> str:
    other = random.choice([program, known])(random)
    return text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other) + 1) :]


def _with_other_name(random: Random, text: str) -> str:
    words = ["num", "word", "listing", "words", "table", "flag", "pair", "page", "double", "price", "upto", "echo"]
    return text.replace(random.choice(words) + "(", random.choice(["fail", "hang", "canary", "evil", "put", "look"]) + "(")


_CHANGES: tuple[Callable[[Random, str], str], ...] = (
    *(_without, _with_piece, _with_piece, _with_line, _without_line, _moved_line, _indented, _spliced),
    *(_with_other_name, _with_other_name, _with_other_name),
)

SOURCES: dict[str, Callable[[Random], str]] = {
    "program": program,
    "known": known,
    "changed": changed,
    "soup": soup,
    "noise": noise,
}
WEIGHTS = (3, 1, 6, 2, 1)


def source(random: Random) -> tuple[str, str]:
    """A text and where it comes from."""
    (name,) = random.choices(list(SOURCES), WEIGHTS)
    return name, SOURCES[name](random)
