"""Random plans that hand texts on, cut, join and compare them, but never look at what a single character means.

What they do commutes with moving every character of every text to another plane: so their runs in the two worlds of
`two_worlds` are one and the same. `upper`, `strip`, `repr`, formats and numbers in texts do look; `test_hostile_data`
has all of these, beside CPython.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from support import structure
from support.random_programs import Kept, Scope, Writer
from support.two_worlds import literal

_TEXTS = ["''", literal("a"), literal("b,c"), literal(" x ")]
_WORDS = ["[]", f"[{literal('a')}, {literal('b')}]", f"[{literal('x')}, '', {literal('a')}]"]


class Equivariant(Writer):
    """Writes programs with the statements of `Writer`, of expressions that only hand texts on."""

    kinds: ClassVar[Sequence[str]] = (
        "int",
        "text",
        "text",
        "text",
        "bool",
        "words",
        "words",
        "table",
        "pairs",
        "pages",
    )
    literals: ClassVar[Mapping[str, Sequence[str]]] = {
        **Writer.literals,
        "text": _TEXTS,
        "words": _WORDS,
        "table": ["{}", f"{{{literal('a')}: 1}}", f"{{{literal('b')}: 2, {literal('a')}: 0}}"],
        "pairs": [f"[(1, {literal('a')})]", "[]"],
    }

    def program(self, statements: int = 5) -> str:
        """A whole plan, whose first lines read texts and whose last hand some on, and let one decide."""
        scope: Scope = {"a": "text", "b": "text", "c": "words"}
        lines = ["a = word(1)", "b = page(2).title", "c = words(3)"]
        for _ in range(self._pick(range(statements + 1))):
            lines += self.statement(scope, 2, None, "")
        handed_on = [self.expression(kind, 2, scope) for kind in ("text", "words", self._pick(self.kinds))]
        lines += [f"last{number} = {self._call('word', text)}" for number, text in enumerate(handed_on)]
        lines.append(f"decided = num(4) if {self.expression('text', 1, scope)} else flag(5)")
        return "\n".join([*lines, "join()", ""])

    def statement(self, scope: Scope, depth: int, kept: Kept, margin: str) -> list[str]:
        """One statement: one in four takes a value apart, or fills a mapping."""
        if self._pick([True, False, False, False]):
            return structure.statement(
                self._pick, lambda kind: self.expression(kind, 1, scope), self._new, scope, margin
            )
        return super().statement(scope, depth, kept, margin)

    def _forms(self, kind: str, depth: int, scope: Scope, *, calls: bool) -> Iterable[Callable[[], str]]:
        pick = self._pick

        def sub(of: str, *, calling: bool = True) -> str:
            return self.expression(of, depth - 1, scope, calls=calls and calling)

        def anything() -> str:
            return self._written(scope) if pick([True, False, False]) else sub(pick(self.kinds))

        yield from structure.forms(pick, sub, kind, calls=calls)
        yield lambda: f"({sub(kind)} if {sub('bool')} else {sub(kind)})"
        yield lambda: f"({sub(kind)} {pick(['and', 'or'])} {sub(kind)})"
        if calls:
            yield lambda: f"default({sub(kind)}, {sub(kind, calling=False)})"
        has_page = calls or "page" in scope.values()
        match kind:
            case "int" | "float":
                yield lambda: f"({sub('int')} {pick('+-&|^')} {sub('int')})"
                yield lambda: f"len({sub(pick(['ints', 'words', 'text', 'table', 'pairs']))})"
                yield lambda: f"{sub('table')}.get({sub('text')}, {sub('int')})"
                yield lambda: f"{sub('text')}.{pick(['find', 'count'])}({sub('text')})"
                yield lambda: f"max([0, {sub('int')}], key=lambda {self._key(scope, 'int', depth)})"
                yield lambda: f"len(set({sub(pick(['ints', 'words']))}) {pick('|&-^')} set({sub('words')}))"
                yield lambda: f"sum({self._loop(depth, scope, 'int', calls=calls)[1:-1]})"
                if calls:
                    yield lambda: f"num({anything()}, {pick(['', 'y='])}{anything()})"
                if has_page:
                    yield lambda: f"{sub('page')}.n"
            case "text":
                yield lambda: f"({sub('text')} + {sub('text')})"
                yield lambda: f"({sub('text')} * {pick('012')})"
                yield lambda: f"{sub('text')}.replace({sub('text')}, {sub('text')})"
                yield lambda: f"{sub('text')}.join({sub('words')})"
                yield lambda: f"{sub('text')}[{pick(['1:', ':2', '::-1', '-1:', '0'])}]"
                yield lambda: f"({sub('words')} + [{sub('text')}])[{pick(['0', '-1'])}]"
                yield lambda: f"{pick(['min', 'max'])}({sub('words')}, default={sub('text')})"
                yield lambda: f"{self._call('pair', sub('int'))}[1]" if calls else sub("text")
                if calls:
                    yield lambda: self._call("word", anything())
                if has_page:
                    yield lambda: f"{sub('page')}.title"
            case "bool":
                relation = ["<", "<=", "==", "!=", ">", ">=", "is", "is not"]
                yield lambda: f"({sub('int')} {pick(relation[:6])} {sub('int')})"
                yield lambda: f"({sub('text')} {pick(relation)} {sub('text')})"
                yield lambda: f"({sub('words')} {pick(relation[:6])} {sub('words')})"
                yield lambda: f"({sub('text')} {pick(['in', 'not in'])} {sub(pick(['words', 'text', 'table']))})"
                yield lambda: f"(not {anything()})"
                yield lambda: f"{pick(['any', 'all'])}({sub(pick(['ints', 'words']))})"
                yield lambda: f"{sub('text')}.{pick(['startswith', 'endswith'])}({sub('text')})"
                yield lambda: f"({sub('table')} == {sub('table')})"
                if calls:
                    yield lambda: self._call("flag", anything())
            case "ints" | "words":
                item = {"ints": "int", "words": "text"}[kind]
                yield lambda: f"[{sub(item)}, {sub(item)}]"
                yield lambda: f"({sub(kind)} + {sub(kind)})"
                yield lambda: f"{pick(['sorted', 'reversed', 'list'])}({sub(kind)})"
                yield lambda: f"sorted({sub(kind)}, key=lambda {self._key(scope, item, depth)})"
                yield lambda: f"{sub(kind)}[{pick(['1:', ':2', '::-1', ':-1'])}]"
                yield lambda: self._loop(depth, scope, item, calls=calls)
                yield lambda: self._loop(depth, scope, item, calls=calls)
                yield lambda: f"ok({sub(kind)})"
                if calls:
                    yield lambda: self._call("listing" if kind == "ints" else "words", anything())
                    yield lambda: f"first(1, {self._loop(depth, scope, item, calls=False)})"
                if kind == "ints":
                    yield lambda: f"list({sub('table')}.values())"
                else:
                    yield lambda: f"{sub('text')}.split({sub('text')})"
                    yield lambda: f"list({sub(pick(['table', 'text']))})[:3]"
                    if has_page:
                        yield lambda: f"{sub('page')}.tags"
            case "table":
                yield lambda: f"{{{sub('text')}: {sub('int')}, {sub('text')}: {sub('int')}}}"
                yield lambda: f"({sub('table')} | {sub('table')})"
                yield lambda: f"dict(zip({sub('words')}, {sub('ints')}))"
                yield lambda: self._loop(depth, scope, "int", calls=calls, key=True)
                if calls:
                    yield lambda: self._call("table", anything())
            case "pairs":
                yield lambda: f"list(zip({sub('ints')}, {sub('words')}))"
                yield lambda: f"list(enumerate({sub('words')}))"
                if calls:
                    yield lambda: f"[{self._call('pair', 't')} for t in {sub('ints')}]"
            case "pages":
                yield lambda: f"[{self._call('page', 't')} for t in {sub('ints')}]" if calls else f"{sub('pages')}[:2]"
            case "page":
                yield lambda: self._page(depth, scope, calls=calls)

    def _written(self, scope: Scope) -> str:
        """An f-string. It ends in a character that stands in no result, so nothing that a tool returned equals it."""
        texts = [name for name, kind in scope.items() if kind in ("text", "int")]
        holes = " ".join(f"{{{self._pick(texts)}{self._pick(['', '!s'])}}}" for _ in range(2)) if texts else ""
        return f'f"$1 #E1 {{{{a}}}} {holes}{literal("!")[1:-1]}"'
