"""Random plans as text: right ones, and right ones with something broken in them."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

_CONSTANTS = ["0", "1", "2.5", "True", "None", "'a'", '"it\'s é"', "'''x\ny'''", "'東京 {}#('", "b'b'", "-3", "10 ** 2"]
_FIELDS = ["title", "price", "n"]
_BINARY = ["+", "-", "*", "/", "//", "**", "<<", ">>", "&", "|", "^"]
_COMPARE = ["==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not"]
_FUNCTIONS = ["len({})", "sum({})", "sorted({})", "str({})", "min({}, 1)", "round({}, ndigits=1)", "dict({})"]
_NAMES = ["a", "b", "c", "total", "größe", "f", "x1", "look"]

_BROKEN_LINES = """\
a = f(|b = ]|c = 'x|total = \"\"\"|import os|for a in [1]:|    b = f(a)|if f(1):|else:|join(|))|a = nothing|mail(zz=1)
unknown(a)|Here is some prose, with (brackets.|```|```python|a, b = f(1 2)|\\|a.append(f(1))|b[0] = 1|@x|x = f(1) \\
a := 3|join(a, b=c)|_x = 1|load()|save(a)|def g(x):|\treturn x|a = [f(x) for|1. a = f(1)|join(a)|pass; a = 2; mail(b
a = b = c|import a|a: int|a = (b := 1)|print(a)|a, (b, c) = f()|x = default(f(1), f(2))|é = \ud800|\x00|\f|\u2028|\ufeff
""".replace("\n", "|").split("|")


class _Writer:
    """Writes expressions that are in the language, and keeps to the names that are there."""

    def __init__(self, draw: DrawFn) -> None:
        self._draw = draw
        self.names: list[str] = []

    def pick(self, choices: Any) -> Any:
        return self._draw(st.sampled_from(choices))

    def expression(self, depth: int, bound: tuple[str, ...] = (), *, calls: bool = True) -> str:
        """An expression that binds as tightly as any: in parentheses where it may need them."""
        if depth <= 0:
            return self._leaf(bound)

        def sub(more: tuple[str, ...] = (), *, calling: bool = True) -> str:
            return self.expression(depth - 1, bound + more, calls=calls and calling)

        match self.pick(range(18)):
            case 0:
                return f"({sub()} {self.pick(_BINARY)} {sub()})"
            case 1:
                return f"({sub()} {self.pick(_COMPARE)} {sub()} < {sub(calling=False)})"
            case 2:
                return f"({sub()} {self.pick(['and', 'or'])} {sub()} {self.pick(['and', 'or'])} {sub()})"
            case 3:
                return f"({sub()} if {sub()} else {sub()})"
            case 4:
                return f"{self._leaf(bound)}[{sub()}]" if self.names else "[1][0]"
            case 5:
                return f"({sub()})[{sub()}:{self.pick(['', '2', ':-1'])}]"
            case 6:
                return f"({sub()}).{self.pick(_FIELDS)}"
            case 7:
                return "[" + ", ".join(sub() for _ in range(self.pick(range(3)))) + "]"
            case 8:
                return str(self.pick(["({},)", "({}, 1)", "{{{}, 2}}", "{{'k': {}, 1: 2}}"])).format(sub())
            case 9:
                return str(self.pick(_FUNCTIONS)).format(sub())
            case 10:
                return f"({sub()}).{self.pick(['lower()', 'split(sep=None)', 'replace(1, 2)'])}"
            case 11:
                return f"f'{{{self._leaf(bound, plain=True)}!r:>{{1}}}} {{{{é}}}} {{{self._leaf(bound, plain=True)}}}'"
            case 12:
                return self._comprehension(depth, bound, calls=calls)
            case 13:
                return f"sorted({sub()}, key=lambda t: {self.expression(depth - 1, (*bound, 't'), calls=False)})"
            case 14:
                return str(
                    self.pick(
                        [
                            "ok({})",
                            "default({}, 0)",
                            "first(1, {})",
                            "first(2, [{0}, 1, {0}])",
                            "(not {})",
                            "(-{})",
                            "((1 - {0}) % {0})",
                        ]
                    )
                ).format(sub())
            case _ if calls:
                form = str(self.pick(["{}()", "{}({})", "{}(x={})", "{}({}, y={})"]))
                return form.format(self.pick(["f", "g"]), *(sub() for _ in range(form.count("{}") - 1)))
            case _:
                return self._leaf(bound)

    def _leaf(self, bound: tuple[str, ...], *, plain: bool = False) -> str:
        known = [*self.names, *bound]
        if known and self.pick([True, True, False]):
            return str(self.pick(known))
        return str(self.pick(["0", "1", "2.5"] if plain else _CONSTANTS))

    def _comprehension(self, depth: int, bound: tuple[str, ...], *, calls: bool) -> str:
        def sub(*more: str) -> str:
            return self.expression(depth - 1, bound + more, calls=calls)

        target, new = self.pick([("i", ("i",)), ("i, (j, k)", ("i", "j", "k")), ("a", ("a",))])
        clauses = f"for {target} in {_as_list(sub())}" + self.pick(
            ["", f" if {sub(*new)}", f" if {sub(*new)} if {sub(*new)}"]
        )
        if self.pick([True, False]):
            inner = f" for u in {_as_list(sub(*new))}"
            return f"[{sub(*new, 'u')} {clauses}{inner}]"
        return str(self.pick(["[{0} {1}]", "{{{0} {1}}}", "{{{0}: {2} {1}}}", "sum({0} {1})"])).format(
            sub(*new), clauses, sub(*new)
        )

    def statement(self) -> str:
        value = self.expression(self.pick([0, 1, 1, 2, 3]))
        name = self.pick(_NAMES)
        match self.pick(range(12)):
            case 0 if free := [n for n in self.names if not re.search(rf"\b{n}\b", value)]:  # none is put into itself
                return f"{self.pick(free)} {self.pick(['+', '*', '//'])}= {value}"
            case 1:
                other = self.pick([n for n in _NAMES if n != name])
                self.names += [n for n in (name, other) if n not in self.names]
                return f"{name}, {other} = {value}"
            case 2:
                return f"{self.pick(['mail', 'save', 'load', 'f'])}({value})"
            case 3:
                return value
            case _:
                self.names += [name] if name not in self.names else []
                return f"{name} = {value}"

    def join(self) -> str:
        match self.pick(range(5)):
            case 0:
                return "join()"
            case 1:
                return f"join(a={self.expression(1)}, f={self.expression(2)})"
            case 2:
                return f"join({self.expression(2)}, {self.expression(1)})"
            case 3:
                return f"join({self.expression(0)})"
            case _ if self.names:  # a plan that says nothing is none
                return ""
            case _:
                return "join()"


def _as_list(text: str) -> str:
    """An expression that may be a number as one that a comprehension can go through."""
    return text if text.startswith(("f(", "g(", "[", "{", "sorted(")) else f"list({text})"


@st.composite
def plans(draw: DrawFn, lines: int = 6) -> str:
    """A plan without mistakes, for the tools of `reading`."""
    writer = _Writer(draw)
    written: list[str] = []
    for _ in range(draw(st.integers(1, lines))):
        written += ["# why (not)"] if writer.pick([False, False, True]) else []
        written.append(writer.statement())
    return "\n".join([*written, writer.join()]) + "\n"


@st.composite
def broken_plans(draw: DrawFn) -> str:
    """A plan into which lines were put, with characters changed and line ends mixed: anything may be wrong with it."""
    lines = draw(plans()).split("\n")
    for _ in range(draw(st.integers(0, 4))):
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(_BROKEN_LINES)))
    text = draw(st.sampled_from(["\n", "\r\n", "\r", "\n    ", "\n\n"])).join(lines)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        new = draw(st.sampled_from(["", "(", ")", "'", '"""', "\n", "\r", "#", "\\", "=", ":", "é", " ", "]", "\x00"]))
        text = text[:place] + new + text[place + draw(st.integers(0, 2)) :]
    return text
