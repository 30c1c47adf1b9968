"""Random programs in which calls fail, and names are used that no path, or not the one taken, assigns."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from support.new_forms import NewFormsWriter
from support.random_programs import Kept, Pick, Scope, Sub


def with_results(source: str) -> str:
    """A program with a name for each thing that it joins: `r0 = ...`, then `join(r0, ...)`."""
    *lines, join = source.splitlines()
    (call,) = ast.parse(join).body
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    lines += [f"r{number} = {ast.unparse(given)}" for number, given in enumerate(call.value.args)]
    return "\n".join([*lines, f"join({', '.join(f'r{number}' for number in range(len(call.value.args)))})"]) + "\n"


class LackingWriter(NewFormsWriter):
    """Writes one program; `put(x)` in it writes."""

    def __init__(self, pick: Pick) -> None:
        super().__init__(pick)
        self._arms: list[Scope] = []

    def statement(self, scope: Scope, depth: int, kept: Kept, margin: str) -> list[str]:
        if self._pick([True, False, False, False]):
            return [f"{margin}put({self.expression(self._pick(['int', 'text', 'ints', 'table']), 1, scope)})"]
        return super().statement(scope, depth, kept, margin)

    def _if(self, scope: Scope, depth: int, kept: Kept, margin: str) -> list[str]:
        """An `if` behind which every name of one of its arms may be used."""
        outer, self._arms = self._arms, []
        lines = super()._if(scope, depth, kept, margin)
        for name, kind in (known for arm in self._arms for known in arm.items()):
            if all(arm.get(name, kind) == kind for arm in self._arms):
                scope[name] = kind
        self._arms = outer
        return lines

    def _block(self, scope: Scope, depth: int, kept: Kept, margin: str) -> list[str]:
        lines = super()._block(scope, depth, kept, margin)
        self._arms.append(scope)
        return lines

    def _source(self, scope: Scope, kept: Kept) -> tuple[str, Scope, bool]:
        return (*super()._source(scope, kept)[:2], True)

    def _more_forms(self, kind: str, sub: Sub, *, calls: bool) -> Iterable[Callable[[], str]]:
        yield from super()._more_forms(kind, sub, calls=calls)
        if kind == "int" and calls:
            yield lambda: f"risky({sub('int')})"
            yield lambda: f"risky({sub('text')})"
            yield lambda: f"{sub('ints')}[{self._pick(['0', '1', '-1'])}]"
            yield lambda: f"{sub('table')}[{sub('text')}]"
        if kind == "ints" and calls:
            yield lambda: f"[risky(t) for t in {sub('ints')}]"
            yield lambda: f"[default(t, 0) for t in {sub('ints')}]"
            yield lambda: f"[{sub('int')}, risky({sub('int')}), {sub('int')}]"
            yield lambda: f"[t for t in {sub('ints')} if risky(t) > 0]"
