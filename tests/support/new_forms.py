"""Random programs with the forms that models love: changes in place, literal formats, `try`, `assert`, stars, keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from support.random_programs import FUNCTIONS, Kept, Scope, Sub, Writer, num


def risky(x: Any) -> int:
    """A number, or an error: which, depends on `x`."""
    number = num(x, "risky")
    if number % 3 == 0:
        raise ValueError(f"no number for {x!r}")
    return number


RISKY: Final[tuple[Callable[..., Any], ...]] = (*FUNCTIONS, risky)

_OF_NUMBERS: Final = ("'%d'", "'%5d|'", "'%-4d|'", "'%05d'", "'%+d'", "'%x'", "'%s'", "'%r'", "'%i%%'")
_NUMBERS_AS: Final = (
    "'{}'",
    "'{:>6}'",
    "'{:04d}'",
    "'{:+}'",
    "'{:,}'",
    "'{0}-{0:x}'",
    "'{n:^7}'",
    "'{:b}'",
    "'{!r:>5}'",
)
_FLOATS_AS: Final = ("'{:.2f}'", "'{:8.1f}'", "'{:,.3f}'", "'{:.0%}'", "'{:e}'", "'{:g}'", "'{:+.1f}'", "'{:<9}|'")
_OF_FLOATS: Final = ("'%.2f'", "'%8.1f'", "'%g'", "'%e'", "'%+.1f'", "'%s'", "'%r'", "'%d'")
_CHANGES: Final = (
    "capitalize()", "casefold()", "zfill(4)", "ljust(5, '.')", "rjust(5)", "center(6, '*')", "removeprefix('a')",
    "removesuffix('c')", "partition(',')[0]", "rsplit(',', 1)[-1]",
)  # fmt: skip


class NewFormsWriter(Writer):
    """Writes one program in which these forms stand beside the others."""

    def statement(self, scope: Scope, depth: int, kept: Kept, margin: str) -> list[str]:
        match self._pick(range(14)):
            case 0 | 1:
                return self._try(scope, kept, margin)
            case 2 if not margin:
                return [f"{margin}assert {self.expression('bool', 1, scope)} or {self._pick('011')}, 'not so'"]
            case 3 | 4:
                return self._changed(scope, margin)
            case 5 if self._blocks and depth:
                return self._gathered(scope, margin)
        return super().statement(scope, depth, kept, margin)

    def _assignable(self, scope: Scope, kept: Kept) -> str:
        return str(self._pick([name for name in ("a", "b", "c", "d", "e") if not kept or name not in kept] or ["z"]))

    def _try(self, scope: Scope, kept: Kept, margin: str) -> list[str]:
        kind, risk = self._pick(self._risks(scope))
        text = risk()
        name = self._assignable(scope, kept)
        if name == "z":
            name = self._new("v")
        scope[name] = kind
        handler = self._pick(["except:", "except Exception:", "except Exception as e9:"])
        constant = self._pick(self.literals[kind])
        return [
            f"{margin}try:",
            f"{margin}    {name} = {text}",
            f"{margin}{handler}",
            f"{margin}    {name} = {constant}",
        ]

    def _risks(self, scope: Scope) -> list[tuple[str, Callable[[], str]]]:
        """Expressions that fail for some values, without `default`."""

        def sub(kind: str) -> str:
            return self.expression(kind, 1, scope, calls=False)

        return [
            ("int", lambda: f"risky({sub('int')})"),
            ("int", lambda: f"num(risky({sub('text')}))"),
            ("int", lambda: f"risky({sub('int')}) + num({sub('bool')})"),
            ("ints", lambda: f"[risky(t) for t in {sub('ints')}]"),
            ("ints", lambda: f"[risky(t) for t in {sub('ints')} if flag(t)]"),
            ("int", lambda: f"({sub('int')} // {sub('int')})"),
            ("int", lambda: f"{sub('table')}[{sub('text')}]"),
            ("int", lambda: f"{sub('ints')}[1]"),
            ("int", lambda: f"int({sub('text')})"),
            ("int", lambda: f"max({sub('ints')})"),
            ("int", lambda: f"{sub('ints')}.index({sub('int')})"),
            ("text", lambda: f"str({sub('int')}) + word(risky({sub('int')}))"),
            ("words", lambda: f"[word(t) for t in {sub('ints')} if risky(t) > 2]"),
            ("table", lambda: f"{{word(t): risky(t) for t in {sub('ints')}}}"),
            ("int", lambda: f"(risky(1) if {sub('bool')} else {sub('int')})"),
        ]

    # ------------------------------------------------------------------------------------------- changes in place

    def _changed(self, scope: Scope, margin: str) -> list[str]:
        """A collection that has this name alone, and what is done with it."""
        kind = self._pick(["ints", "ints", "words", "table"])
        name = self._new("box")
        lines = [f"{margin}{name} = {self._alone(kind, scope)}"]
        for _ in range(self._pick([1, 2, 3])):
            lines += [f"{margin}{line}" for line in self._change(name, kind, scope, margin)]
        scope[name] = kind
        return lines

    def _alone(self, kind: str, scope: Scope) -> str:
        sub = self.expression(kind, 1, scope)
        return str(self._pick([f"dict({sub})", f"{{**{sub}}}"] if kind == "table" else [f"list({sub})", f"[*{sub}]"]))

    def _change(self, name: str, kind: str, scope: Scope, margin: str) -> list[str]:
        def sub(of: str) -> str:
            return self.expression(of, 1, scope)

        if kind == "table":
            line = self._pick(
                [f"{name}[{sub('text')}] = {sub('int')}", f"{name}.update({sub('table')})",
                 f"{name}[{sub('text')}] = {name}.get({sub('text')}, 0) + 1", f"{name} |= {sub('table')}",
                 f"{name}.setdefault({sub('text')}, {sub('int')})"]
            )  # fmt: skip
        else:
            item = {"ints": "int", "words": "text"}[kind]
            keys = ["", "reverse=True", "key=lambda q: str(q)", "key=str"]
            keys += ["key=abs"] if kind == "ints" else ["key=len", "key=str.lower, reverse=True"]
            line = self._pick(
                [f"{name}.append({sub(item)})", f"{name}.extend({sub(kind)})", f"{name} += {sub(kind)}",
                 f"{name}.sort({self._pick(keys)})", f"{name}.sort({self._pick(keys)})"]
            )  # fmt: skip
        if self._pick([True, False, False]):
            return [f"if {sub('bool')}:", f"    {line}"]
        return [str(line)]

    def _gathered(self, scope: Scope, margin: str) -> list[str]:
        """A loop that gathers into a mapping, and what is made of it."""
        name, made = self._new("by"), self._new("v")
        inner = {**scope, "i": "int"}
        inner.pop(name, None)

        def sub(of: str) -> str:
            return self.expression(of, 1, inner)

        key, again = self._pick(["i", "word(i)", "flag(i)"]), self._pick(["i", "i % 2", "str(i)", "f'{i}!'.upper()"])
        line, after = self._pick(
            [(f"{name}[{again}] = {name}.get({again}, 0) + {sub('int')}", f"list({name}.values())"),
             (f"{name}.setdefault({key}, []).append({sub('int')})", f"[len(v) for v in {name}.values()]"),
             (f"{name}.setdefault({key}, []).append({sub('int')})", f"[sum(v) for k, v in {name}.items()]"),
             (f"{name}[{key}] = {sub('int')}", f"[v for v in {name}.values()]"),
             (f"{name}[{again}] = {name}.get({again}, []) + [{sub('int')}]", f"[v[0] for v in {name}.values()]")]
        )  # fmt: skip
        body = [f"{margin}    {line}"]
        if self._pick([True, False, False]):
            body = [f"{margin}    if {sub('bool')}:", f"{margin}        {line}"]
        lines = [f"{margin}{name} = {{}}", f"{margin}for i in {self.expression('ints', 2, scope)}:", *body]
        scope.pop("i", None)
        scope[made] = "ints"
        return [*lines, f"{margin}{made} = {after}"]

    # ------------------------------------------------------------------------------------------------ expressions

    def _more_forms(self, kind: str, sub: Sub, *, calls: bool) -> Iterable[Callable[[], str]]:
        pick = self._pick
        match kind:
            case "int":
                yield lambda: f"next((q for q in {sub('ints')} if q {pick('<>')} {pick('012')}), {sub('int')})"
                yield lambda: f"{pick(['min', 'max'])}([2, *{sub('ints')}], key={pick(['abs', 'str'])})"
                yield lambda: f"len({{**{sub('table')}, {sub('text')}: {sub('int')}}})"
                yield lambda: f"divmod({sub('int')}, {pick('23')})[{pick('01')}]"
                yield lambda: f"pow({sub('int')}, 2, 7)"
                yield lambda: f"{sub('ints')}.count({sub('int')})"
            case "text":
                yield lambda: f"({pick(_OF_NUMBERS)} % {sub('int')})"
                yield lambda: f"({pick(_OF_FLOATS)} % {sub('float')})"
                yield lambda: f"('%s=%{pick(['d', '3d', '-3d|', '.1f'])}' % ({sub('text')}, {sub('int')}))"
                yield lambda: f"('%(a)s and %(n)d' % {{'a': {sub('text')}, 'n': {sub('int')}}})"
                yield lambda: f"('%*d' % ({pick('345')}, {sub('int')}))"
                yield lambda: self._formatted(pick(_NUMBERS_AS), sub("int"))
                yield lambda: f"{pick(_FLOATS_AS)}.format({sub('float')})"
                yield lambda: f"'{{:>{{}}}}|'.format({sub('text')}, {pick('58')})"
                yield lambda: f"{sub('text')}.{pick(_CHANGES)}"
                yield lambda: f"next((q for q in {sub('words')} if q), {sub('text')})"
                yield lambda: f"max(['', *{sub('words')}], key=len)"
            case "ints" | "words":
                item = {"ints": "int", "words": "text"}[kind]
                keys = ["abs", "str", "lambda q: -q"] if kind == "ints" else ["len", "str.lower", "str"]
                yield lambda: f"[*{sub(kind)}, {sub(item)}]"
                yield lambda: f"[{sub(item)}, *{sub(kind)}, *{sub(kind)}]"
                yield lambda: f"sorted({sub(kind)}, key={pick(keys)}{pick(['', ', reverse=True'])})"
                yield lambda: f"list(dict.fromkeys({sub(kind)}))"
                if kind == "ints":
                    yield lambda: f"sorted({sub('ints')}, key={{1: 2, 2: 0}}.get)[:1]"
            case "table":
                yield lambda: f"{{**{sub('table')}, {sub('text')}: {sub('int')}}}"
                yield lambda: f"{{**{sub('table')}, **{sub('table')}}}"
                yield lambda: f"dict.fromkeys({sub('words')}, {sub('int')})"
                yield lambda: f"dict(sorted({sub('table')}.items(), key=lambda kv: kv[{pick('01')}]))"

    def _formatted(self, template: str, value: str) -> str:
        return f"{template}.format({'n=' if 'n:' in template else ''}{value})"
