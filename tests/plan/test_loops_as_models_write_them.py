"""Loops and `try`s as models write them come to what CPython makes of the same text (rules L5, L6, L14, L34)."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from superscalar import LLMCompiler, Skipped, tool
from superscalar.plan import check, compile_plan
from superscalar.plan.print.program import print_plan
from superscalar.testing import ScriptedModel
from support.depth import examples
from support.get_and_put import GetAndPut
from support.running import executed

_ERRORS = {3: KeyError("three"), 5: ValueError("five"), 7: ConnectionError("seven")}


class Gone(LookupError):
    """An error of a tool's own."""


@tool(effect="read", trust="trusted")
def get(n: int) -> int:
    """Twice the number; 3, 5, 7 and 9 fail."""
    if n == 9:
        raise Gone("nine")
    if n in _ERRORS:
        raise _ERRORS[n]
    return 2 * n


BOTH = GetAndPut(get)
TOOLS, WROTE, python, ours = BOTH.signatures, BOTH.wrote, BOTH.python, BOTH.ours


LOOPS = [
    "xs = []\nfor n in [1, 2, 4]:\n    if n == 2:\n        continue\n    xs.append(get(n))\n    put(n)\njoin(xs)",
    "xs = []\nfor n in [1, 2, 4]:\n    if n == 2:\n        xs.append('two')\n        continue\n    else:\n        m = n\n    xs.append(m)\njoin(xs)",  # noqa: E501
    "xs = []\nfor n in [1, 2, 4]:\n    if n > 1:\n        if n > 2:\n            xs.append(0)\n            continue\n        else:\n            continue\n    xs.append(n)\njoin(xs)",  # noqa: E501
    "xs = []\nfor n in [1, 2, 4]:\n    if n > 1:\n        xs.append(n)\n    else:\n        continue\n    xs.append(-n)\njoin(xs)",  # noqa: E501
    "xs = []\nfor n in [1, 2]:\n    for m in [1, 2]:\n        if n == m:\n            continue\n        xs.append((n, m))\n    xs.append(n)\njoin(xs)",  # noqa: E501
    "t = 0\ns = ''\nfor n in [1, 2, 4]:\n    t = t + get(n)\n    s = s + str(n) + ', '\njoin(t, s)",
    "t = 1\nxs = [0]\nfor n in [1, 2, 4]:\n    for m in [1, 2]:\n        t = t * m\n    if n > 1:\n        xs = xs + [n]\njoin(t, xs)",  # noqa: E501
    "for n in [1, 2]:\n    c = 0\n    for m in [1, 2, 4]:\n        if m > n:\n            c = c + 1\n    put(c)\njoin(c)",  # noqa: E501
    "t = 0.0\nfor n in [1, 2, 4]:\n    t = t + 0.1 + 0.2\njoin(t)",
    "d = {}\nfor n in [1, 2, 4]:\n    k = n % 2\n    if k not in d:\n        d[k] = 0\n    d[k] += n\njoin(d)",
    "d = {1: 5}\nfor n in [1, 2, 4]:\n    if n % 2 not in d:\n        d[n % 2] = 10\n    d[n % 2] = d[n % 2] - n\njoin(d)",  # noqa: E501
    "d = {}\nfor n in [1, 2, 4]:\n    if n % 2 not in d:\n        d[n % 2] = []\n    d[n % 2].append(n)\njoin(d)",
    "d = {}\nfor n in [1, 2, 4]:\n    if n % 2 not in d:\n        d[n % 2] = set()\n    d[n % 2].add(n)\njoin(d)",
    "d = {}\nfor n in [1, 2, 4]:\n    if n % 2 in d:\n        d[n % 2] += 1\n    else:\n        d[n % 2] = 1\njoin(d)",
    "d = {}\nfor n in [1, 2, 4]:\n    if n % 2 not in d:\n        d[n % 2] = [n]\n    else:\n        d[n % 2].append(n)\njoin(d)",  # noqa: E501
    "d = {'a': 1, 'b': 2}\nfor k in d:\n    d[k] = round(d[k] / 3, 2)\njoin(d)",
    "d = {'a': 1, 'b': 2}\nfor k in d.keys():\n    if k > 'a':\n        d[k] = [d[k], get(d[k])]\njoin(d)",
    "join(list(map(lambda n: n + 1, [1, 2])), list(filter(None, [0, 1])), sum(map(len, ['a', 'bc'])), format(2.5, '.2f'))",  # noqa: E501
    "join(sorted(map(lambda n: -n, filter(lambda n: n > 1, [1, 2, 3]))), ', '.join(map(str, [1, 2])))",
]

TRIES = [
    "d = {}\nfor n in [1, 3, 4]:\n    try:\n        d[n] = get(n)\n    except Exception:\n        d[n] = None\njoin(d)",
    "d = {'z': 0}\ntry:\n    d['z'] = get(3)\nexcept Exception:\n    d['z'] = 7\njoin(d)",
    "d = {}\nfor n in [1, 3, 4]:\n    try:\n        x = get(n)\n        y = x + get(x)\n        d[n] = y\n    except Exception:\n        d[n] = -1\njoin(d)",  # noqa: E501
    "xs = []\nfor n in [1, 3, 4, 5]:\n    try:\n        x = get(n)\n    except Exception as e:\n        continue\n    xs.append(x)\n    put(x)\njoin(xs)",  # noqa: E501
    "xs = []\nbad = []\nfor n in [1, 3, 4]:\n    try:\n        xs.append(get(n) + 1)\n    except:\n        bad.append(n)\njoin(xs, bad)",  # noqa: E501
    "xs = []\nfor n in [1, 3]:\n    try:\n        xs.append(get(n))\n    except Exception:\n        pass\njoin(xs)",
    "xs = []\nfor n in [2, 4, 3]:\n    try:\n        x = 10 // (get(n) - 4)\n    except Exception:\n        put(n)\n        x = 0\n    else:\n        xs.append(get(x + 20))\n    xs.append(x)\njoin(xs)",  # noqa: E501
    "try:\n    x = get(3)\nexcept LookupError:\n    x = 'key'\njoin(x)",
    "d = {}\nfor n in [1, 3, 5]:\n    try:\n        d[n] = get(n)\n    except (KeyError, ValueError):\n        d[n] = 0\njoin(d)",  # noqa: E501
    "try:\n    x: int = get(7)\nexcept OSError:\n    x = -1\njoin(x)",
    "xs = []\nfor n in [1, 3]:\n    if n > 0:\n        try:\n            x = get(n)\n        except Exception:\n            xs.append(0)\n            continue\n        xs.append(x)\njoin(xs)",  # noqa: E501
]


@pytest.mark.parametrize("source", [*LOOPS, *TRIES])
def test_a_loop_does_what_python_does_as_it_is_written_and_as_it_is_printed(source: str) -> None:
    expected = python(source)
    assert ours(source) == expected
    printed = print_plan(compile_plan(f"{source}\n", TOOLS, "python").tasks)
    assert ours(printed) == expected
    assert print_plan(compile_plan(printed, TOOLS, "python").tasks) == printed


@pytest.mark.parametrize("number", [7, 9])
def test_an_error_of_a_class_that_is_not_named_or_not_known_is_not_caught(number: int) -> None:
    source = f"try:\n    x = get({number})\nexcept LookupError:\n    x = 0\njoin(x)"
    assert isinstance(executed(source, BOTH.tools).outcomes["x"], Skipped)


def test_a_handler_is_not_reached_where_what_failed_stands_before_the_try() -> None:
    source = (
        "a = get(3)\nxs = []\nfor n in [1]:\n    try:\n        x = get(n) + a\n    except Exception:\n        put(n)\n"
        "        continue\n    xs.append(x)\njoin(1)"
    )
    WROTE.clear()
    result = executed(source, BOTH.tools)
    assert (result.answer, WROTE) == (1, [])


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("for n in [1]:\n    try:\n        x = put(n)\n    except Exception:\n        continue", "E205"),
        ("for n in [1]:\n    try:\n        x = get(n)\n        put(x)\n    except Exception:\n        pass", "E201"),
        ("for n in [1]:\n    try:\n        x = get(n)\n    except Exception as e:\n        put(str(e))", "E201"),
        ("for n in [1]:\n    try:\n        x = get(n)\n    except Exception:\n        put(x)", "E201"),
        ("for n in [1]:\n    try:\n        x = get(n)\n    except (KeyError, Own):\n        put(n)", "E201"),
        ("for n in [1]:\n    if n:\n        if n > 1:\n            continue\n        put(n)\n    put(n)", "E201"),
        (
            "for n in [4]:\n    a = 0\n    try:\n        a = get(n)\n        b = get(n - 1)\n    except Exception:\n        pass\n    put(a)",  # noqa: E501
            "E201",
        ),
        ("a = 5\ntry:\n    a = get(3)\n    b = get(4)\nexcept Exception:\n    b = 0", "E201"),
        (
            "xs = []\nfor n in [4]:\n    try:\n        a = get(n)\n        b = get(n - 1)\n    except Exception:\n        pass\n    xs.append(a)",  # noqa: E501
            "E207",
        ),
        ("xs = [0]\nys = xs\nfor n in [1]:\n    xs = xs + [n]", "E207"),
        ("for n in [1]:\n    if n > 1:\n        break\n    put(n)", "E201"),
    ],
)
def test_what_is_not_sure_to_be_the_same_is_refused(source: str, code: str) -> None:
    errors = [found for found in check(f"{source}\njoin(1)", TOOLS) if found.severity == "error"]
    assert [error.code for error in errors] == [code]
    assert errors[0].help


def test_a_name_beside_named_values_of_a_join_is_named_like_itself() -> None:
    assert executed("a = 1\njoin(a, b=2)", [get]).answer == {"a": 1, "b": 2}


def test_a_loop_is_understood_again_after_the_repair_of_another_line() -> None:
    first = (
        "xs = []\nfor n in [1, 2, 3]:\n    if n == 2:\n        continue\n    try:\n        x = await get(n)\n"
        "    except KeyError:\n        continue\n    xs.append(x)\n    put(x)\ny = 1 +\njoin(xs, y)\n"
    )
    WROTE.clear()
    agent = LLMCompiler(ScriptedModel(first, "y = 1\n"), tools=BOTH.tools, joiner=None, max_repairs=1)
    assert (agent.run_sync("?").answer, WROTE) == ([[2], 1], [2])


def _block(random: Random, depth: int, margin: str) -> list[str]:
    """Lines of a loop with conditions, attempts and `continue`s in each other."""
    lines: list[str] = []
    for _ in range(random.randint(1, 3)):
        kind = random.choice(["append", "put", "total", "if", "if", "try", "continue"])
        test = random.choice(["n % 2", "n > 2", "n == 1", "n not in d"])
        if depth > 2 and kind in ("if", "try"):
            kind = "append"
        match kind:
            case "append":
                lines.append(f"{margin}xs.append({random.choice(['n', 't0', 'n * 10'])})")
            case "put":
                lines.append(f"{margin}put(n + {random.randint(0, 9)})")
            case "total":
                lines.append(f"{margin}total = total + n + {random.randint(0, 9)}")
            case "continue":
                lines.append(f"{margin}continue")
                return lines
            case "if":
                lines += [f"{margin}if {test}:", *_block(random, depth + 1, f"{margin}    ")]
                if random.random() < 0.5:
                    lines += [f"{margin}else:", *_block(random, depth + 1, f"{margin}    ")]
            case "try":
                tried = random.choice(["x = get(n)", "xs.append(get(n))", "d[n] = get(n)"])
                lines += [
                    f"{margin}try:",
                    f"{margin}    {tried}",
                    f"{margin}except {random.choice(['Exception', 'KeyError'])}:",
                ]
                lines += _block(random, depth + 1, f"{margin}    ")
    return lines


@hypothesis_settings(max_examples=examples(50, 1_200))
@given(st.integers(0, 2**32))
def test_a_loop_with_ways_out_does_what_python_does_or_is_refused(seed: int) -> None:
    lines = _block(Random(seed), 0, "    ")
    source = (
        "xs = []\nd = {}\ntotal = 0\nt0 = 7\nfor n in [1, 2, 3, 4]:\n" + "\n".join(lines) + "\njoin(xs, d, total)\n"
    )
    if any(found.severity == "error" for found in check(source, TOOLS)):
        return
    assert ours(source) == python(source)
