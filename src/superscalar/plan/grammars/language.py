"""The rules of the `python` front end for a table of tools: what a constrained model can write (rules L1 to L7).

A subset of the language, in one canonical form (one space around operators, one after commas): the fewer ways there
are to write one thing, the less there is to choose from and to check. Whatever it accepts can be read; names may still
be undefined, which no context-free grammar can tell.
"""

from __future__ import annotations

import ast
import json
import keyword
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter

from superscalar.plan.evaluate.methods import TEXT
from superscalar.plan.evaluate.table import FUNCTIONS, METHODS
from superscalar.plan.grammars.rules import (
    AnyOf,
    Chars,
    Exactly,
    GrammarRule,
    GrammarRules,
    InOrder,
    Repeated,
    Use,
    any_of,
    read,
    sequence,
    uses,
)
from superscalar.plan.ir.signatures import Form, Parameter, Signature, Signatures, forms_by_type

LEVELS = 3
"""How deep blocks may be nested within blocks: each level is a copy of the rules of a statement."""

# Any call may stand alone: a model that has begun with a tool's name knows no other way to go on.
# No text begins with another one that may end there, but for a `name`: a lexer that takes the longest is not misled.
# `after` begins with an operator, so that what contains it is no constant: the value of a tool's argument is either a
# literal of its type or no literal at all (rule L32). No `%` follows text (rule L5). `inner` is what stands in a
# lambda and between the braces of an f-string: no calls of tools, and no double quotes.
_EXPRESSIONS = r"""
simple ::= name (", " name)* " = " value | name (" += " | " -= " | " *= " | " /= ") valueALONE
added ::= name ".append(" value ")"
join ::= "join(" (value (", " value)* | name "=" value (", " name "=" value)*)? ")"
value ::= "not " operation more | quantity after? | text after-text?
after ::= (operator | " % ") operation more | " is " "not "? "None" more | choice
after-text ::= operator operation more | choice
more ::= choice?
choice ::= (" and " | " or ") chain (" if " chain " else " value)? | " if " chain " else " value
chain ::= "not "? operation ((" and " | " or ") chain)?
operation ::= quantity ((operator | " % ") operation | " is " "not "? "None")? | text (operator operation)?
operator ::= " + " | " - " | " * " | " / " | " // " | " ** " | " == " | " != " | " < " | " <= " | " > " | " >= "
  | " in " | " not in "
quantity ::= "-"? (number | atom) | "None" | "True" | "False"
atom ::= (CALLfunction | name | display | "(" enclosed ")") trailer*
enclosed ::= "not " operation more rest? | quantity (after rest? | rest) | text (after-text rest? | rest)
rest ::= (", " value)+
dynamic ::= "-"? (CALLfunction | name | group) trailer*
group ::= "(" ("not " operation more | quantity after | text after-text) ")"
trailer ::= "." name | "." method (value (clauses | (", " value)*))? ")" | "[" index "]"
index ::= value (":" value?)? | ":" value?
display ::= list | "{" (value (": " value (clause | (", " value ": " value)*) | clauses | (", " value)*))? "}"
list ::= "[" (value (clauses | (", " value)*))? "]"
clauses ::= clause (clause)*
clause ::= " for " targets " in " chain (" if " chain)*
targets ::= name (", " name)*
function ::= FUNCTIONS
span ::= ("days=" | "hours=" | "minutes=" | "seconds=") value
one ::= ONE
extreme ::= EXTREME
lambda ::= "lambda " name ": " inner
text ::= (string | formatted) ("." text-method (value (clauses | (", " value)*))? ")")*
formatted ::= "f\"" (literal | "{{" | "}}" | "{" inner ("!r" | format)? "}")* "\""
inner ::= inner-test (" if " inner-test " else " inner)?
inner-test ::= "not "? inner-operation ((" and " | " or ") inner-test)?
inner-operation ::= inner-operand (operator inner-operand)*
inner-operand ::= "-"? (number | inner-atom) | inner-text | "None" | "True" | "False"
inner-atom ::= (inner-function | name | "(" inner ")") inner-trailer*
inner-trailer ::= "." name | "." method (inner (", " inner)*)? ")" | "[" inner-index "]"
inner-index ::= inner (":" inner?)? | ":" inner?
inner-function ::= INNER
inner-clause ::= " for " targets " in " inner-test (" if " inner-test)*
"""
# How the functions of each class are given what they take (see `listed.Function`): anywhere, and within `inner`, empty
# where they are not written there. The first two are rules, since many are written so.
_GIVEN: Mapping[str, tuple[str, str]] = {
    "one": ("value clauses?", "inner inner-clause?"),
    "extreme": (
        'value (clauses | (", " value)* (", " "key=" lambda)? (", " "default=" value)?)',
        'inner (inner-clause | (", " inner)*)',
    ),
    "sorted": ('value (clauses | (", " "key=" lambda)? (", " "reverse=True")?)', "inner inner-clause?"),
    "digits": ('value (", " integer)?', 'inner (", " integer)?'),
    "start": ('value (", " "start=" integer)?', ""),
    "otherwise": ('value ", " value', 'inner ", " inner'),
    "how many": ('integer ", " value', ""),
    "amount": ("value", "inner"),
    "text": ("value", ""),
    "two": ('value ", " value', ""),
    "three": ('value ", " value ", " value', ""),
    "one to three": ('value (", " value){0,2}', ""),
    "two or more": ('value (", " value)+', ""),
    "three to six": ('value (", " value){2,5}', ""),
    "span": ("span", ""),
}
_RULES = ("one", "extreme")
_PLAN = r'ending | line ("\n" line)* ("\n" ending)?'
_ENDING = r'(comment "\n")* join "\n"?'
_TOKENS = r"""
comment ::= "#" [^\x00-\x1F\x7F]{0,200}
string ::= "\"" ([^"\\\x00-\x1F\x7F] | "\\" [nt"\\])* "\"" | "'" ([^'\\\x00-\x1F\x7F] | "\\" [nt'\\])* "'"
inner-text ::= "'" [^'"#{}\\\x00-\x1F\x7F]* "'"
literal ::= ([^"{}\\\x00-\x1F\x7F] | "\\" [nt"\\])+
format ::= ":" [<>^]? [0-9]{0,2} ","? ("." [0-9]{1,2})? [defgs%]?
integer ::= "-"? ("0" | [1-9] [0-9]{0,15})
number ::= ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,15})? ("e" "-"? [0-9]{1,2})?
"""
_LITERALS = {
    "str": 'text after-text?',
    "int": 'integer after?',
    "float": '"-"? number after?',
    "bool": '("True" | "False") | "not " operation more',
    "None": '"None"',
    "list": "list after?",
    "dict": '"{" (value ": " value (clause | (", " value ": " value)*))? "}" after?',
}  # fmt: skip
_WORD = Chars((("a", "z"), ("A", "Z"), ("0", "9"), ("_", "_")))


def plan_rules(signatures: Signatures) -> GrammarRules:
    """The rules of a plan, or of lines that correct one: `join(...)` comes last, or not at all (rule L6)."""
    tools = list(signatures)
    expressions = _EXPRESSIONS.replace("CALL", "call | " if tools else "")
    expressions = expressions.replace("ALONE", " | call" if tools else "")
    for rule in _RULES:
        members = (name for name, row in FUNCTIONS.items() if row.grammar == rule)
        expressions = expressions.replace(rule.upper(), _begun(members))
    expressions = expressions.replace("FUNCTIONS", _functions(0)).replace("INNER", _functions(1))
    rules: dict[str, GrammarRule] = {"root": _rule(_PLAN), "ending": _rule(_ENDING)}
    rules |= dict(_statements())
    rules |= read(expressions)
    tokens = read(_TOKENS)
    tokens |= {"name": _name(), "word": Repeated(_WORD, 0, 40)}
    tokens |= {"method": _rule(_begun(sorted(METHODS))), "text-method": _rule(_begun(sorted(TEXT)))}
    if tools:
        calls = _CallRules(tools)
        rules |= calls.rules
    rules |= tokens
    return GrammarRules(_reachable(rules), frozenset(tokens))


def _statements(level: int = 0, *, loop: bool = False) -> Iterator[tuple[str, GrammarRule]]:
    """The rules of statements and blocks, once for each level of indentation, inside a loop and outside."""
    begin = f'"{"    " * level}" ' if level else ""
    options = "simple | added" if loop else "simple"
    if level < LEVELS:
        arm, body = (f'":" ("\\n" {_line(level + 1, loop=looped)})+' for looped in (loop, True))
        options += (
            f' | "if " value {arm} ("\\n" {begin}"elif " value {arm})* ("\\n" {begin}"else" {arm})?'
            f' | "for " targets " in " value {body}'
        )
    yield _line(level, loop=loop), _rule(f'({begin}comment "\\n")* {begin}({options})')
    if level < LEVELS:
        yield from _statements(level + 1, loop=loop)
        yield from _statements(level + 1, loop=True)


def _line(level: int, *, loop: bool) -> str:
    return ("loop" if loop else "line") + (f"-{level}" if level else "")


def _begun(names: Iterable[str]) -> str:
    """The beginning of a call of one of them, in the notation of rules."""
    return " | ".join(f'"{name}("' for name in names)


def _functions(place: int) -> str:
    """The calls of all functions that are written in that place, those that are neighbours in the table as one."""
    written = [(row.grammar, name) for name, row in FUNCTIONS.items() if row.grammar and _GIVEN[row.grammar][place]]
    options: dict[str, None] = {}
    for grammar, members in groupby(written, key=itemgetter(0)):
        begun = grammar if grammar in _RULES else f"({_begun(name for _, name in members)})"
        options[f'{begun} {_GIVEN[grammar][place]} ")"'] = None  # a rule is there once, wherever its members stand
    return " | ".join(options)


def _reachable(rules: dict[str, GrammarRule]) -> dict[str, GrammarRule]:
    """The rules that `root` needs, in their order."""
    needed, open = {"root"}, ["root"]
    while open:
        for name in uses(rules[open.pop()]):
            if name not in needed:
                needed.add(name)
                open.append(name)
    return {name: rule for name, rule in rules.items() if name in needed}


# ----------------------------------------------------------------------------------------------------------- names


def _name() -> GrammarRule:
    """An identifier that is no keyword: the complement of a few words, which is regular."""
    return _without(sorted(keyword.kwlist), first=True)


def _without(words: list[str], *, first: bool = False) -> GrammarRule:
    """Letters and digits that are none of `words`; what the first letter may be is less."""
    letters = [chr(code) for code in (*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("Z") + 1))]
    signs = letters if first else [*letters, *"0123456789", "_"]
    begins = {word[0] for word in words if word}
    options: list[GrammarRule] = [InOrder()] if "" not in words and not first else []
    others = Chars(tuple(_ranges(sign for sign in signs if sign not in begins)))
    options.append(InOrder((others, Use("word"))))
    for sign in sorted(begins):
        rest = [word[1:] for word in words if word.startswith(sign)]
        options.append(sequence(sign, _without(rest)))
    return any_of(options)


def _ranges(signs: Iterable[str]) -> Iterator[tuple[str, str]]:
    first = last = ""
    for sign in sorted(signs):
        if last and ord(sign) == ord(last) + 1:
            last = sign
            continue
        if first:
            yield first, last
        first = last = sign
    if first:
        yield first, last


# ----------------------------------------------------------------------------------------------------------- calls


class _CallRules:
    """The rules of the tools' calls: own arguments only, none twice, none that is required left out.

    Positional arguments come first, then named ones, in the order of the signature: a number of rules that is linear
    in the number of parameters says all that.
    """

    def __init__(self, tools: list[Signature]) -> None:
        self.rules: dict[str, GrammarRule] = {}
        self._values: dict[tuple[str, ...], str] = {}
        self._records: dict[str, str] = {}
        self._forms = forms_by_type(tools)
        names = [self._rules_of(number, tool) for number, tool in enumerate(tools, 1)]
        self.rules = {"call": any_of(map(Use, names)), **self.rules}

    def _rules_of(self, number: int, tool: Signature) -> str:
        name = f"tool{number}-{_in_a_name(tool.alias)}"
        self.rules[name] = Exactly("")  # its place: before the rules of its arguments
        parameters = sorted(tool.parameters, key=lambda p: p.keyword_only)
        for index in range(len(parameters) - 1, 0, -1):
            self._rest(name, parameters, index)
        self.rules[name] = sequence(f"{tool.alias}(", *self._first(name, parameters), ")")
        return name

    def _first(self, name: str, parameters: list[Parameter]) -> list[GrammarRule]:
        """The arguments from the first on, with nothing given yet."""
        options: list[GrammarRule] = []
        for index, parameter in enumerate(parameters):
            if index == 0 and not parameter.keyword_only:
                options.append(sequence(self._value(parameter), *self._then(name, parameters, 1, positional=True)))
            options.append(
                InOrder(
                    (Exactly(f"{parameter.alias}="), self._value(parameter), *self._then(name, parameters, index + 1))
                )
            )
            if parameter.required:
                break
        else:
            options.append(InOrder())
        return [any_of(options)] if parameters else []

    def _then(
        self, name: str, parameters: list[Parameter], index: int, *, positional: bool = False
    ) -> list[GrammarRule]:
        """What follows once something was given: the rule of the parameters from `index` on."""
        if index >= len(parameters):
            return []
        return [Use(f"{name}-{index + 1}{'p' * (positional and not parameters[index].keyword_only)}")]

    def _rest(self, name: str, parameters: list[Parameter], index: int) -> None:
        """`name-3`: parameters from the third on by name; `name-3p`: the third may still be given by position."""
        own, positional = f"{name}-{index + 1}", f"{name}-{index + 1}p"
        parameter = parameters[index]
        then = self._then(name, parameters, index + 1)
        given = InOrder((Exactly(", "), Exactly(f"{parameter.alias}="), self._value(parameter), *then))
        self.rules[own] = given if parameter.required else AnyOf((given, sequence(*then)))
        if not parameter.keyword_only:
            value = self._value(parameter)
            then = self._then(name, parameters, index + 1, positional=True)
            self.rules[positional] = AnyOf((InOrder((Exactly(", "), value, *then)), Use(own)))

    def _value(self, parameter: Parameter) -> GrammarRule:
        """What may be given for a parameter: a literal of its type, or what is no literal."""
        if parameter.choices:
            return any_of(Exactly(json.dumps(one, ensure_ascii=False)) for one in parameter.choices)
        kinds = tuple(_kinds(parameter.type, self._forms))
        if not kinds:
            return Use("value")
        if kinds not in self._values:
            name = f"value{len(self._values) + 1}-{_in_a_name('-or-'.join(kinds))}"
            self._values[kinds] = name
            self.rules[name] = AnyOf((*map(self._literal, kinds), _rule("dynamic after?")))
        return Use(self._values[kinds])

    def _literal(self, kind: str) -> GrammarRule:
        if kind in _LITERALS:
            return _rule(_LITERALS[kind])
        if kind in self._forms:
            return Use(self._record(self._forms[kind]))
        if kind.startswith("list["):
            item = self._value(Parameter("", "", kind[5:-1]))
            return _with({"item": item}, '"[" (item (clauses | (", " item)*))? "]" after?')
        if kind.startswith("dict["):
            key, item = (self._value(Parameter("", "", part)) for part in kind[5:-1].split(", ", 1))
            return _with({"key": key, "item": item}, '"{" (key ": " item (clause | (", " key ": " item)*))? "}" after?')
        return Exactly(kind)  # one of the constants of a Literal

    def _record(self, form: Form) -> str:
        """The rule of a dict with the keys of a record, in their order: what may be left out comes last."""
        if form.type not in self._records:
            # The number tells apart what is the same without its case or what is no part of a rule's name.
            name = self._records[form.type] = f"record{len(self._records) + 1}-{_in_a_name(form.type)}"
            self.rules[name] = Exactly("")  # its place, and what a record that holds itself refers to
            needed = [key for key in form.keys if key.required]
            others = [key for key in form.keys if not key.required]
            entries = [InOrder((Exactly(f"{json.dumps(key.name)}: "), self._value(key))) for key in (*needed, *others)]
            options = [AnyOf((InOrder((Exactly(", "), entry)), InOrder())) for entry in entries]
            first = InOrder((*_listed(entries[: len(needed)]), *options[len(needed) :]))
            if not needed:
                begun = [InOrder((entry, *options[at + 1 :])) for at, entry in enumerate(entries)]
                first = InOrder((AnyOf((*begun, InOrder())),))
            self.rules[name] = InOrder((Exactly("{"), first, Exactly("}")))
        return self._records[form.type]


def _listed(entries: list[InOrder]) -> Iterator[GrammarRule]:
    """Those, with a comma between."""
    for at, entry in enumerate(entries):
        yield InOrder((Exactly(", "), entry)) if at else entry


def _in_a_name(text: str) -> str:
    """What of a text may be a part of a rule's name."""
    return re.sub(r"[^a-zA-Z0-9]+", "-", text).strip("-")[:40]


def _with(meanings: Mapping[str, GrammarRule], notation: str) -> GrammarRule:
    """The rule of that notation, with rules in the place of names."""

    def replaced(rule: GrammarRule) -> GrammarRule:
        match rule:
            case Use(name):
                return meanings.get(name, rule)
            case InOrder(parts):
                return InOrder(tuple(map(replaced, parts)))
            case AnyOf(options):
                return AnyOf(tuple(map(replaced, options)))
            case Repeated(part, least, most):
                return Repeated(replaced(part), least, most)
        return rule

    return replaced(_rule(notation))


def _rule(notation: str) -> GrammarRule:
    return read(f"x ::= {notation}")["x"]


def _kinds(type: str, forms: Collection[str]) -> Iterator[str]:
    """The kinds of literals that a type has; none where any will do, or where nothing is known of it."""
    try:
        kinds = list(_kinds_of(ast.parse(type, mode="eval").body, forms))
    except (SyntaxError, ValueError):  # a name of its own, or a type that is not known in full
        return
    if "float" in kinds:
        kinds = [kind for kind in kinds if kind != "int"]
    yield from dict.fromkeys(kinds)


def _kinds_of(node: ast.expr, forms: Collection[str]) -> Iterator[str]:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _kinds_of(left, forms)
            yield from _kinds_of(right, forms)
        case ast.Constant(value=None):
            yield "None"
        case ast.Name(id=name) if name in _LITERALS or name in forms:
            yield name
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            list(_kinds_of(item, forms))
            yield f"list[{ast.unparse(item)}]"
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[ast.Name(id="str" | "int") as key, item])):
            list(_kinds_of(item, forms))
            yield f"dict[{key.id}, {ast.unparse(item)}]"
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Tuple(elts=values)):
            for value in values:
                yield _constant(value)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=value):
            yield _constant(value)
        case _:
            raise ValueError


def _constant(node: ast.expr) -> str:
    value = ast.literal_eval(node)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
