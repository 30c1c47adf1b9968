"""What random programs write of values with a structure: pairs, numbered items, entries of mappings, and what is taken
out of them.

No text is looked at more closely than by comparing it, so that plans of `security.equivariant` may write all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from support.random_programs import Pick, Scope, Sub


def forms(pick: Pick, sub: Sub, kind: str, *, calls: bool) -> Iterator[Callable[[], str]]:
    """Expressions of that kind which put values together, and take them apart again."""
    match kind:
        case "int":
            yield lambda: f"([i for i, w in zip({sub('ints')}, {sub('words')}) if w] + [{sub('int')}])[0]"
            yield lambda: f"([i for i, w in enumerate({sub('words')}, {sub('int')}) if w] + [{sub('int')}])[-1]"
            yield lambda: f"([v for k, v in {sub('table')}.items() if k] + [{sub('int')}])[0]"
            yield lambda: f"([*{sub('ints')}, {sub('int')}, *{sub('ints')}])[{pick(['0', '1', '-1'])}:][0]"
            yield lambda: f"({sub('ints')} + [{sub('int')}, {sub('int')}, {sub('int')}])[{pick('123')}]"
            yield lambda: f"sum({sub('table')}.values())"
            yield lambda: f"len({{w: i for i, w in {sub('pairs')}}})"
            yield (
                lambda: f"{{{sub('int')}: {sub('int')}, {pick('012')}: {sub('int')}}}.get({pick('012')}, {sub('int')})"
            )
            yield lambda: f"next((i for i, w in {sub('pairs')} if w), {sub('int')})"
            yield lambda: f"max({sub('pairs')} + [(0, {sub('text')})], key=lambda p: p[{pick('01')}])[0]"
        case "text":
            yield lambda: f"([w for i, w in zip({sub('ints')}, {sub('words')}) if i] + [{sub('text')}])[0]"
            yield lambda: f"(list({sub('table')}{pick(['', '.keys()'])}) + [{sub('text')}])[0]"
            yield lambda: f"dict(zip({sub('ints')}, {sub('words')})).get({sub('int')}, {sub('text')})"
            yield lambda: f"max({sub('pairs')} + [({sub('int')}, {sub('text')})], key=lambda p: p[{pick('01')}])[1]"
            yield lambda: f"({sub('int')}, ({sub('text')}, {sub('text')}))[1][{pick('01')}]"
        case "bool":
            yield lambda: f"({sub('text')} {pick(['in', 'not in'])} {{w: i for i, w in {sub('pairs')}}})"
            yield lambda: f"({sub('int')} in dict(zip({sub('ints')}, {sub('words')})) == {sub('bool')})"
        case "ints":
            yield lambda: f"[i for i, w in {sub('pairs')}]"
            yield lambda: f"[i for i, w in enumerate({sub('words')}) if w]"
            yield lambda: f"[i for (i, w), j in zip({sub('pairs')}, {sub('ints')}) if j]"
            yield lambda: f"list({sub('table')}.values())[:2]"
            yield lambda: f"list(dict({sub('pairs')}))"
            if calls:
                yield lambda: f"[num(i) for i, w in {sub('pairs')} if flag(w)]"
                yield lambda: f"[num(i) for i, w in enumerate({sub('words')}) if w]"
                yield lambda: f"[num(i, j) for i, w in {sub('pairs')} for j in {sub('ints')}]"
        case "words":
            yield lambda: f"[w for i, w in {sub('pairs')} if i]"
            yield lambda: f"[k for k, v in sorted({sub('table')}.items(), key=lambda p: p[{pick('01')}])]"
            yield lambda: f"list({sub('table')}.keys())"
            if calls:
                yield lambda: f"[word(k) for k, v in {sub('table')}.items() if v]"
                yield lambda: f"list({{word(i): num(w) for i, w in {sub('pairs')}}})"
        case "table":
            yield lambda: f"{{w: i for i, w in {sub('pairs')}}}"
            yield lambda: f"{{**{sub('table')}, {sub('text')}: {sub('int')}}}"
            yield lambda: f"dict.fromkeys({sub('words')}, {sub('int')})"
            if calls:
                yield lambda: f"{{word(i): num(w) for i, w in {sub('pairs')}}}"
                yield lambda: f"{{word({sub('int')}): num({sub('text')}), {sub('text')}: {sub('int')}}}"
        case "pairs":
            yield lambda: f"({sub('pairs')} + [({sub('int')}, {sub('text')})])"
            yield lambda: f"[(v, k) for k, v in {sub('table')}.items()]"
            yield lambda: f"{pick(['list', 'reversed'])}({sub('pairs')})"
            yield lambda: f"{sub('pairs')}[{pick(['1:', ':1', '::-1', ':-1'])}]"
            yield lambda: f"sorted({sub('pairs')}, key=lambda p: p[{pick('01')}])"
            if calls:
                yield lambda: f"[(num(i), word(w)) for i, w in {sub('pairs')}]"


def statement(pick: Pick, sub: Sub, new: Callable[[str], str], scope: Scope, margin: str) -> list[str]:
    """A statement that takes a value apart, or fills a mapping; `scope` has the new names after it."""
    one, other, third = new("p"), new("q"), new("r")
    match pick(range(8)):
        case 6 | 7:
            begin, put = pick(
                [
                    ("[]", f"{one} += [{other}, {sub('int')}]"),
                    ("[]", f"{one}.extend([{sub('int')}, {other}])"),
                    ("{0: []}", f"{one}.setdefault(0, []).extend([{other}, {sub('int')}])"),
                ]
            )
            body = [f"    if {third}:", f"        {put}"] if pick([True, False]) else [f"    {put}"]
            head = f"for {other}, {third} in {sub('pairs')}:"
            last = [] if begin == "[]" else [f"{one} = {one}[0]"]
            scope[one] = "ints"
            return [margin + line for line in (f"{one} = {begin}", head, *body, *last)]
        case 0:
            line = f"{one}, *{other} = [{sub('int')}, *{sub('ints')}]"
            scope |= {one: "int", other: "ints"}
        case 1:
            line = f"*{one}, {other} = {sub('words')} + [{sub('text')}]"
            scope |= {one: "words", other: "text"}
        case 2:
            line = f"({one}, {other}), *{third} = [({sub('int')}, {sub('text')}), *{sub('pairs')}]"
            scope |= {one: "int", other: "text", third: "pairs"}
        case 3:
            line = f"{one}, ({other}, {third}) = {sub('text')}, ({sub('ints')}, {sub('int')})"
            scope |= {one: "text", other: "ints", third: "int"}
        case 4:
            begin = f"{one} = {pick(['{}', '{**' + sub('table') + '}'])}"
            puts = [f"{one}[{sub('text')}] = {sub('int')}" for _ in range(2)]
            scope[one] = "table"
            return [margin + line for line in (begin, *puts)]
        case _:
            put = pick(
                [
                    f"{one}[{third}] = {other}",
                    f"{one}.setdefault({third}, {other})",
                    f"{one}[{third}] = {one}.get({third}, 0) + {other}",
                    f"{one}.update({{{third}: {other}}})",
                ]
            )
            head = f"{margin}for {other}, {third} in {sub('pairs')}:"
            scope[one] = "table"
            body = [f"    if {third}:", f"        {put}"] if pick([True, False]) else [f"    {put}"]
            return [f"{margin}{one} = {{}}", head, *(margin + line for line in body)]
    return [margin + line]
