"""Where the texts come from: random programs, the corpus, what becomes of these when they are changed, and noise."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from corpus.cases import CASES
from corpus.hostile import hostile
from support.random_programs import Writer

_LONGEST = 4_000  # characters; what is longer is for `test_hostile`

_PIECES = (
    *"( ) [ ] { } ' \" , : . = + - * / % < > & | ^ ~ @ # ; \\ ! ? $ ` _ 0 1 9".split(),
    *"if elif else for in and or not is None True False lambda key join ok default first sum len range str".split(),
    *"import def class while try with del await yield return pass break := ** // == != -> ... f' \"\"\" '''".split(),
    *"a b c xs num word listing words table flag pair page fail hang canary evil put look __class__ ._x .title".split(),
    *[
        "\n",
        "\n    ",
        "\n        ",
        " ",
        "\t",
        "\r\n",
        "\r",
        "\f",
        "\x00",
        "\u2028",
        "\ufeff",
        "\ud800",
        "é",
        "１",
        "０",
    ],
    *[
        "$1",
        "${1}",
        "#E1",
        "1. ",
        "Thought: ",
        "Plan: ",
        "```",
        "```python",
        "<END_OF_PLAN>",
        "join()\n",
        "a = ",
        "|",
        '{"',
    ],
    *[
        "10**10",
        "'a' * 10**9",
        "[x for x in xs]",
        "f'{a!r:>{b}}'",
        "a.append(1)",
        "a += 1",
        "a, b = ",
        "for x in xs:\n    ",
    ],
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


_TOOLS = (
    "num",
    "word",
    "listing",
    "words",
    "table",
    "pair",
    "page",
    "fail",
    "canary",
    "evil",
    "put",
    "look",
    "nothing",
)
_TEXTS = (
    "a",
    "IBM",
    "half of $1",
    "$1",
    "$2.title",
    "$1[0]",
    "$9",
    "$1.50",
    r"\\$1",
    "#E1 of #E2",
    "it's",
    "é",
    "1, 2",
    "a (b",
)


def _value(random: Random, reference: str, depth: int = 1) -> str:
    number = random.randint(1, 5)
    match random.randrange(8):
        case 0 | 1:
            return reference.format(number) + random.choice(["", "", ".title", "[0]", "[0].n"])
        case 2:
            return random.choice(["1", "-2.5", "true", "null", "None", "''"])
        case 3 if depth:
            return "[" + ", ".join(_value(random, reference, depth - 1) for _ in range(random.randrange(3))) + "]"
        case 4 if depth:
            return '{"a": ' + _value(random, reference, depth - 1) + "}"
        case 5:
            return random.choice(_TEXTS)
        case _:
            return json.dumps(random.choice(_TEXTS), ensure_ascii=False)


def numbered(random: Random) -> str:
    """A plan in the syntax of LLMCompiler, more or less."""
    mark, margin = random.choice([". ", ") ", ". ", ": "]), random.choice(["", "", "  ", "- "])
    lines = []
    for number in range(1, random.randint(1, 6)):
        lines += ["Thought: why not"] if random.random() < 0.2 else []
        values = ", ".join(_value(random, "${}") for _ in range(random.choice([0, 1, 1, 2])))
        lines.append(f"{margin}{number}{mark}{random.choice(_TOOLS)}({values}" + random.choice([")", ")", ")", ""]))
    return "\n".join([*lines, random.choice(["", f"{len(lines) + 1}. join($1)<END_OF_PLAN>", "9. join()"])]) + "\n"


def rewoo(random: Random) -> str:
    """A plan in the syntax of ReWOO, more or less."""
    lines = []
    for number in range(1, random.randint(1, 6)):
        values = ", ".join(_value(random, "#E{}") for _ in range(random.choice([0, 1, 1, 2])))
        lines += ["Plan: find out", f"#E{number} = {random.choice(_TOOLS)}[{values}]"]
    return "\n".join(lines) + "\n"


def steps(random: Random) -> str:
    """A plan in JSON."""

    def value(depth: int = 2) -> Any:
        match random.randrange(7):
            case 0 | 1:
                return {"$ref": random.choice("abcde")} | random.choice(
                    [{}, {}, {"path": ["title"]}, {"path": [0, "n"]}]
                )
            case 2:
                return {"$text": ["so ", value(0)]}
            case 3 if depth:
                return [value(depth - 1) for _ in range(random.randrange(3))]
            case 4 if depth:
                return {random.choice(["a", "$value", "$1"]): value(depth - 1)}
            case _:
                return random.choice([None, True, 1, -2.5, *_TEXTS])

    made = [
        {
            "id": id,
            "tool": random.choice(_TOOLS),
            "arguments": {name: value() for name in random.choice(["x", "x", "xy", ""])},
        }
        for id in "abcde"[: random.randint(0, 5)]
    ]
    return json.dumps(
        {"steps": made, "join": value()}, indent=random.choice([None, 1]), ensure_ascii=random.random() < 0.5
    )


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
    text = random.choice([program, program, program, known, known, numbered, rewoo, steps])(random)
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
    return text.replace(
        random.choice(words) + "(", random.choice(["fail", "hang", "canary", "evil", "put", "look"]) + "("
    )


_CHANGES: tuple[Callable[[Random, str], str], ...] = (
    *(_without, _with_piece, _with_piece, _with_line, _without_line, _moved_line, _indented, _spliced),
    *(_with_other_name, _with_other_name, _with_other_name),
)

SOURCES: dict[str, Callable[[Random], str]] = {
    "program": program,
    "known": known,
    "changed": changed,
    "numbered": numbered,
    "rewoo": rewoo,
    "steps": steps,
    "soup": soup,
    "noise": noise,
}
WEIGHTS = (6, 2, 12, 2, 2, 2, 4, 2)


def source(random: Random) -> tuple[str, str]:
    """A text and where it comes from."""
    (name,) = random.choices(list(SOURCES), WEIGHTS)
    return name, SOURCES[name](random)
