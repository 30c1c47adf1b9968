"""Random programs that change collections in place, and give them second names, put them into others, draw them out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

Pick = Callable[[Sequence[Any]], Any]

_LISTS: Final = ("xs", "ys")
_DICTS: Final = ("d", "e")
_OTHERS: Final = ("p", "q", "r")
_KEYS: Final = ("'a'", "'b'", "n")


class ChangeWriter:
    """Writes one program: some of what it does is refused, and whatever is not comes to what Python makes of it."""

    def __init__(self, pick: Pick) -> None:
        self._pick = pick

    def program(self) -> str:
        """A whole plan."""
        lines = ["n = num(1)", "xs = [1, 2]", "ys = []", "d = {'a': 1}", "e = {}", "p = q = r = None"]
        for _ in range(self._pick(range(1, 9))):
            lines += self._statement("", 2)
        return "\n".join([*lines, "join(xs, ys, d, e, p, q, r)"]) + "\n"

    def _statement(self, margin: str, depth: int) -> list[str]:
        match self._pick(range(10)):
            case 0 if depth:
                arm = self._statement(f"{margin}    ", depth - 1)
                otherwise = self._statement(f"{margin}    ", depth - 1) if self._pick([True, False]) else []
                return [
                    f"{margin}if flag({self._number()}):",
                    *arm,
                    *([f"{margin}else:", *otherwise] if otherwise else []),
                ]
            case 1 | 2 if depth:
                source = self._pick(["listing(3)", "[1, 2, 1]", "xs", "[n, 2]", "[[1], [2]]"])
                variable = self._pick(["i", "j"])
                body = self._change(f"{margin}    ", variable)
                if self._pick([True, False, False]):
                    body = [f"{margin}    if flag({variable}):", *self._change(f"{margin}        ", variable)]
                return [f"{margin}for {variable} in {source}:", *body]
            case 3 | 4:
                return [f"{margin}{self._pick(_OTHERS)} = {self._held()}"]
            case 5:
                return [f"{margin}{self._pick((*_LISTS, *_OTHERS))} = {self._made('list')}"]
            case 6:
                return [f"{margin}{self._pick((*_DICTS, *_OTHERS))} = {self._made('dict')}"]
        return self._change(margin, "n")

    def _number(self) -> str:
        return str(self._pick(["1", "2", "n", "num(2)", "len(xs)"]))

    def _item(self, variable: str) -> str:
        return str(self._pick([variable, variable, f"num({variable})", "n", "[n]", self._pick((*_LISTS, *_OTHERS))]))

    def _held(self) -> str:
        """An expression that may be, or hold, what has a name already."""
        a, b = self._pick((*_LISTS, *_DICTS, *_OTHERS)), self._pick((*_LISTS, *_DICTS))
        return str(
            self._pick(
                [a, a, f"[{a}]", f"({a}, 1)", f"{{'a': {a}}}", f"({a} if flag(1) else {b})", f"({a} or {b})",
                 f"[{a}, {b}][0]", f"list({self._pick(_LISTS)})", f"dict({self._pick(_DICTS)})", f"[x for x in [{a}]]",
                 f"next((x for x in [{a}]), None)", f"{self._pick(_DICTS)}.get('a')", f"default({a}, 1)",
                 f"{self._pick(_LISTS)}[:]", f"[*{self._pick(_LISTS)}, {b}]", f"{{**{self._pick(_DICTS)}}}",
                 f"dict.fromkeys(['a', 'b'], {a})", f"[{a}] * 2", f"{self._pick(_DICTS)}.copy()",
                 f"list({self._pick(_DICTS)}.values())"]
            )
        )  # fmt: skip

    def _made(self, kind: str) -> str:
        if kind == "list":
            return str(self._pick(["[]", "[n, 1]", "[[1], [2]]", "listing(4)", "list(listing(4))", "[3]"]))
        return str(self._pick(["{}", "{'a': 0}", "{'a': []}", "{'a': [1], 'b': n}", "table(2)", "dict(table(2))"]))

    def _change(self, margin: str, variable: str) -> list[str]:
        xs, d = self._pick((*_LISTS, *_LISTS, *_OTHERS)), self._pick((*_DICTS, *_DICTS, *_OTHERS))
        key = self._pick([*_KEYS, variable, f"str({variable})"])
        item = self._item(variable)
        line = self._pick(
            [f"{xs}.append({item})", f"{xs}.append({item})", f"{xs} += [{item}]", f"{xs} += ({item}, 1)",
             f"{xs}.extend([{item}])", f"{xs}.extend({self._pick(_LISTS)})", f"{d}[{key}] = {item}",
             f"{d}[{key}] = {item}", f"{d}[{key}] = {d}.get({key}, 0) + num({variable})",
             f"{d}[{key}] = {d}.get({key}, []) + [{item}]", f"{d}.setdefault({key}, []).append({item})",
             f"{d}.setdefault({key}, []).extend([{item}])", f"{d}['a'] += {self._pick(['1', '[1]', item])}",
             f"{d}.update({{{key}: {item}}})", f"{d}.setdefault({key}, {item})", f"{xs}[0] = {item}",
             f"{xs}[-1] += {self._pick(['1', '[1]'])}", f"{d} |= {{{key}: {item}}}"]
        )  # fmt: skip
        return [margin + str(line)]
