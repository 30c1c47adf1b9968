"""Random plans as text: maps over run-time lists, guards, races, batches, blocks, and writes among reads."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

_READS = ("work", "work", "named", "asked", "asked", "rated", "both", "look", "twin")
_WRITES = ("post", "post", "put", "audit")


class Writer:
    """Writes one plan. The first argument of every call but `twin` tells its place in the text."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._scalars: list[str] = []
        self._lists: list[str] = []
        self._sites = 0

    def plan(self, most: int = 7) -> str:
        """A whole plan, up to its join."""
        lines = [line for number in range(self._random.randint(1, most)) for line in self._statement(f"x{number}")]
        names = [*self._scalars, *self._lists]
        joined = [name for name in names if self._random.random() < 0.7]
        return "\n".join([*lines, f"join({', '.join(joined)})"]) + "\n"

    def _pick(self, choices: Sequence[str]) -> str:
        return self._random.choice(choices)

    def _value(self, *more: str) -> str:
        one = self._pick([*more, *more, *self._scalars, *self._scalars, "1", "0"])
        other = self._pick([*self._scalars, "2"])
        forms = [one, one, one, f"default({one}, 7)", f"[{one}, {other}]", f"f'<{{{one}}}>'"]
        if self._lists:
            several = self._pick(self._lists)
            forms += [f"sum(ok({several}))", f"{several}[0]", f"len({several})", several]
        return self._pick(forms)

    def _call(self, *more: str, reads: bool = False) -> str:
        self._sites += 1
        name = self._pick(_READS if reads or self._random.random() < 0.7 else _WRITES)
        if name == "twin":
            return f"twin({self._value(*more)})"
        key = f", key={self._pick(['0', '1', '1', *self._scalars])}" if name in ("look", "post") else ""
        site = 0 if name == "asked" else self._sites
        return f"{name}({site}, {self._value(*more)}{key})"

    def _source(self) -> str:
        self._sites += 1
        made = [f"several({self._sites}, {self._value()})", f"range({self._random.randint(0, 4)})"]
        return self._pick([*self._lists, *(f"ok({xs})" for xs in self._lists), *made])

    def _statement(self, name: str) -> list[str]:
        scalar = True
        match self._random.randrange(13):
            case 0 | 1 | 2:
                line = f"{name} = {self._call()}"
            case 3:
                line = f"{name} = {self._value()} and {self._call()}"
            case 4:
                line = f"{name} = {self._call()} if {self._value()} else {self._call()}"
            case 5 | 6 | 7:
                keep = self._pick(["", "", " if i", " if i != 1"])
                made = self._call("i")
                element = self._pick([made, made, f"{made} if i else {self._call('i')}", f"default({made}, 9)"])
                line, scalar = f"{name} = [{element} for i in {self._source()}{keep}]", False
            case 8:
                line, scalar = f"{name} = [{self._call()}, {self._value()}, {self._call()}]", False
            case 9:
                line = f"{name} = [{self._call('i', 'j')} for i in {self._source()} for j in range(2)]"
                scalar = False
            case 10:
                xs = ", ".join(self._call(reads=True) for _ in range(self._random.randint(1, 3)))
                over = self._pick([f"[{xs}]", f"[{self._call('i', reads=True)} for i in {self._source()}]"])
                line, scalar = f"{name} = first({self._pick(['1', '1', '2'])}, {over})", False
            case 11:
                lines = [
                    f"if {self._value()}:",
                    f"    {name} = {self._call()}",
                    "else:",
                    f"    {name} = {self._call()}",
                ]
                self._scalars.append(name)
                return lines
            case _:
                lines = [f"{name} = []", f"for i in {self._source()}:", f"    {name}.append({self._call('i')})"]
                self._lists.append(name)
                return lines
        (self._scalars if scalar else self._lists).append(name)
        return [line]
