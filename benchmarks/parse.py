"""What reading a plan costs per line, for a long plan beside a short one in the same run.

A plan of 10,000 lines is parsed, checked and lowered, and so are 100 plans of 100 lines of the same kind: as many lines
in all. The goal: per line, the long plan costs at most 1.3 x what the short ones do, whatever the kind of plan and
whatever the chunks in which it comes: whole, line by line, 7 characters at a time, single characters.

Measured is CPU time of this process, from the first `feed` to the end of `finish`, with a new `Program` for each plan.
The two are measured alternately, after one round of both that does not count; of each kind the median of the ratios of
several rounds is shown. Python's cyclic garbage collector is on, as it is for users, and has been run before each
measurement; what it costs grows with everything that is alive, so `--no-gc` shows what is the reader's own.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from time import process_time

from superscalar import tool
from superscalar.plan.evaluate.bounds import MAX_SOURCE
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.fronts.detect import reader_of
from superscalar.plan.read.program import Program
from superscalar.tools import Toolset

GOAL = 1.3


@tool(effect="read")
async def f(x: object = None, y: object = None) -> object:
    """Read something."""
    return x or y


@tool(effect="write", resource="store")
async def put(x: object) -> None:
    """Write something."""


@tool(effect="pure")
async def g(x: object) -> object:
    """Compute something: it waits for no mistake that may be a write."""
    return x


_SIGNATURES = Toolset([f, g, put]).signatures

_JOINED = {"calls": "a0", "wrong": "a0"}

Lines = Iterator[str]


def calls(count: int) -> Lines:
    """Calls that do not depend on each other, each of its own name."""
    return (f"a{i} = f({i})" for i in range(count))


def chain(count: int) -> Lines:
    """Each call takes the result of the one before, always under one name."""
    yield "a = f(0)"
    yield from ("a = f(a)" for _ in range(count - 1))


def mixed(count: int) -> Lines:
    """Comprehensions, f-strings, expressions, reads and writes in turn."""
    forms = ("a = f(1)", "b = [f(x) for x in a]", 't = f"{a} of {b}"', "c = a[0] + b[1] * 2", "put(t)", "d = f(c, y=t)")
    return (forms[i % len(forms)] for i in range(count))


def wrong(count: int) -> Lines:
    """One line of 25 has a mistake: in turn an argument, the syntax, and a construct.

    None is a misspelt name, which is compared with up to 100 names: more than a plan of 100 lines has.
    """
    mistakes = ("b = f(z=1)", "b = f(1 2)", "b = (c := 1)")
    return (mistakes[i // 25 % 3] if i % 25 == 24 else f"a{i} = g({i})" for i in range(count))


def blocks(count: int) -> Lines:
    """Conditions with two arms, and loops that add up."""
    forms = ("if a:", "    b = f(a)", "else:", "    b = 2", "for x in [b]:", "    c += f(x)", "a = f(b)", "d = c")
    yield from ("a = f(1)", "c = 0")
    whole, rest = divmod(count - 2, len(forms))
    for _ in range(whole):
        yield from forms
    yield from ("d = c" for _ in range(rest))


def one_if(count: int) -> Lines:
    """All lines in one arm."""
    yield from ("a = f(1)", "if a:")
    yield from ("    a = f(a)" for _ in range(count - 2))


def one_for(count: int) -> Lines:
    """All lines in one loop."""
    yield from ("a = f(1)", "for x in [1]:")
    yield from (f"    b{i} = f(x)" for i in range(count - 2))


def numbered(count: int) -> Lines:
    """The syntax of LLMCompiler."""
    return (f"{i + 1}. f(${i}, 1)" if i else "1. f(1)" for i in range(count))


KINDS: dict[str, Callable[[int], Lines]] = {
    "calls": calls,
    "chain": chain,
    "mixed": mixed,
    "blocks": blocks,
    "one if": one_if,
    "one for": one_for,
    "numbered": numbered,
    "wrong": wrong,
}


def whole(text: str) -> list[str]:
    """One chunk."""
    return [text]


def by_line(text: str) -> list[str]:
    """A chunk per line."""
    return text.splitlines(keepends=True)


def by_seven(text: str) -> list[str]:
    """Seven characters at a time: about two tokens of a model."""
    return [text[i : i + 7] for i in range(0, len(text), 7)]


def by_character(text: str) -> list[str]:
    """The smallest chunks there are."""
    return list(text)


CHUNKINGS: dict[str, Callable[[str], list[str]]] = {
    "whole": whole,
    "by line": by_line,
    "7 characters": by_seven,
    "single characters": by_character,
}


def plan(kind: str, lines: int) -> str:
    """A plan of so many lines."""
    end = f"{lines}. join($1)" if kind == "numbered" else f"join({_JOINED.get(kind, 'a')})"
    text = "\n".join([*KINDS[kind](lines - 1), end]) + "\n"
    if len(text) > MAX_SOURCE:
        raise AssertionError(f"{kind}: a plan of {len(text):,} characters is refused whole")
    return text


def read(kind: str, chunks: list[str]) -> int:
    """Read one plan; how many tasks and diagnostics that gave."""
    reader = reader_of("numbered" if kind == "numbered" else "python", Program(_SIGNATURES))
    found = sum(len(reader.feed(chunk)) for chunk in chunks)
    return found + len(reader.finish())


def seconds(kind: str, plans: list[list[str]], *, collect: bool) -> float:
    """CPU seconds to read plans one after the other."""
    gc.collect()
    if not collect:
        gc.disable()
    begin = process_time()
    for chunks in plans:
        read(kind, chunks)
    spent = process_time() - begin
    gc.enable()
    return spent


def growth(kind: str, chunking: str, options: argparse.Namespace) -> dict[str, str | float]:
    """Microseconds per line of the long plan and of short ones, and the median of their ratios."""
    cut = CHUNKINGS[chunking]
    long, short = cut(plan(kind, options.long)), cut(plan(kind, options.short))
    times = options.long // options.short
    pairs = []
    for _ in range(options.repetitions + 1):
        few = seconds(kind, [short] * times, collect=options.gc) / (times * options.short)
        pairs.append((seconds(kind, [long], collect=options.gc) / options.long, few))
    del pairs[0]
    return {
        "kind": kind,
        "chunks": chunking,
        "long_us": statistics.median(many for many, _ in pairs) * 1e6,
        "short_us": statistics.median(few for _, few in pairs) * 1e6,
        "ratio": statistics.median(many / few for many, few in pairs),
    }


def check_kinds(options: argparse.Namespace) -> None:
    """Every plan is what its kind says: all lines are read, and only those of `wrong` have mistakes."""
    for kind in KINDS:
        reader = reader_of("numbered" if kind == "numbered" else "python", Program(_SIGNATURES))
        steps = [*reader.feed(plan(kind, options.long)), *reader.finish()]
        mistakes = sum(isinstance(step, Diagnostic) for step in steps)
        if bool(mistakes) is not (kind == "wrong") or len(steps) < options.long / 2:
            raise AssertionError(f"{kind}: {len(steps)} steps, of which {mistakes} are mistakes")


def main() -> int:
    """Print the table; with --check, fail if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", type=int, default=10_000)
    parser.add_argument("--short", type=int, default=100)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--no-gc", dest="gc", action="store_false", help="without the cyclic garbage collector")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    options = parser.parse_args()

    check_kinds(options)
    rows = [growth(kind, chunking, options) for chunking in CHUNKINGS for kind in KINDS]
    worst = {c: max((r for r in rows if r["chunks"] == c), key=lambda r: float(r["ratio"])) for c in CHUNKINGS}
    missed = [f"{c} {r['kind']}: {r['ratio']:.2f} x" for c, r in worst.items() if float(r["ratio"]) > GOAL]
    if options.json:
        print(json.dumps({"goal": GOAL, "rows": rows, "missed": missed}, indent=2))
    else:
        print(f"cost per line of {options.long:,} lines over that of {options.short:,}; goal: at most {GOAL} x")
        for r in rows:
            print(
                f"  {r['chunks']:18} {r['kind']:8} {r['ratio']:5.2f}x {r['long_us']:7.1f} us, {r['short_us']:7.1f} us"
            )
        for chunking, r in worst.items():
            print(f"{chunking}: at most {r['ratio']:.2f} x ({r['kind']})")
        print("goals missed: " + ("; ".join(missed) or "none"))
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
