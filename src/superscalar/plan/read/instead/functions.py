"""Functions that a plan has not, and listed ones that were called in another way, as code that does the same."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from superscalar.plan.evaluate.dates import CLASSES
from superscalar.plan.evaluate.dates import MODULES as DATE_MODULES
from superscalar.plan.evaluate.table import FUNCTIONS, METHODS
from superscalar.plan.read.instead.code import NoShortCode, as_list, filled, fresh_name, mentioned_names, tried, write

_NO_CLOCK = "a plan has no clock: let a tool give the time, or write the date that the question gives"
_NO_CHANCE = "a plan does the same each time: write the value, or let a tool give it"
_OUTSIDE = "a plan reaches the outside only through its tools"

SAID: Mapping[str, str] = {
    "print": "leave it out: join(...) shows the results",
    "input": "write the value itself",
    "map": "write a comprehension: [tool(x) for x in xs]",
    "filter": "write a comprehension: [x for x in xs if x]",
    "next": "write xs[0]; where there may be none: (xs + [None])[0]",
    "iter": "go through the list itself",
    "format": 'write an f-string: f"{value:.2f}"',
    "getattr": "write the field itself: x.name",
    "isinstance": "leave it out: tools check their arguments",
    "issubclass": "leave it out: tools check their arguments",
    "callable": "leave it out: only tools and listed functions can be called",
    "type": "leave it out: tools check their arguments",
    "open": _OUTSIDE,
    "exec": _OUTSIDE,
    "eval": "results are data already: write the expression itself",
    "super": "there are no classes here: call the tool by its name",
    "vars": "write the fields that are needed: x.name",
    "dir": "write the fields that are needed: x.name",
    "globals": "write the name itself",
    "locals": "write the name itself",
    "setattr": "results do not change: assign a new value to a name",
    "delattr": "results do not change: assign a new value to a name",
    "sleep": "leave it out: each call waits for what it needs, and for nothing else",
    "now": _NO_CLOCK,
    "today": _NO_CLOCK,
    "utcnow": _NO_CLOCK,
    "fromtimestamp": "a plan has no time zone: write datetime.fromtimestamp(seconds, timezone.utc)",
    "utcfromtimestamp": "write datetime.fromtimestamp(seconds, timezone.utc)",
    "relativedelta": "write timedelta(days=...), or x.replace(month=...)",
    "ZoneInfo": "write timezone.utc, or timezone(timedelta(hours=2)); dates of tools keep their zones",
    "exit": "leave it out: the plan ends with join(...)",
    "quit": "leave it out: the plan ends with join(...)",
}
"""What to say of calls for which there is no code to write."""

_OF_DATES = "write one of: " + ", ".join(sorted(name for name in FUNCTIONS if "." in name))

MODULES: Mapping[str, str] = {
    "random": _NO_CHANCE,
    "uuid": _NO_CHANCE,
    "secrets": _NO_CHANCE,
    "os": _OUTSIDE,
    "sys": _OUTSIDE,
    "requests": _OUTSIDE,
    "httpx": _OUTSIDE,
    "subprocess": _OUTSIDE,
    "pathlib": _OUTSIDE,
    "re": "write it with methods of text: split, replace, find, startswith; or let a tool do it",
    "logging": "leave it out: join(...) shows the results",
}

_FORMS: Mapping[tuple[str, int], str] = {
    ("format", 1): "str(A)",
    ("frozenset", 0): "set()",
    ("frozenset", 1): "set(A)",
    ("iter", 1): "A",
    ("aiter", 1): "A",
    ("OrderedDict", 0): "{}",
    ("OrderedDict", 1): "dict(A)",
    ("defaultdict", 0): "{}",
    ("defaultdict", 1): "{}",
    ("defaultdict", 2): "B",
    ("Counter", 0): "{}",
    ("Counter", 1): "{K: len([X for X in A if X == K]) for K in A}",
    ("deque", 0): "[]",
    ("deque", 1): "list(A)",
    ("hasattr", 2): "B in A",
    ("sqrt", 1): "A ** 0.5",
    ("floor", 1): "int(A // 1)",
    ("ceil", 1): "-int(-A // 1)",
    ("trunc", 1): "int(A)",
    ("fabs", 1): "abs(A)",
    ("fsum", 1): "sum(A)",
    ("mean", 1): "sum(A) / len(A)",
    ("fmean", 1): "sum(A) / len(A)",
    ("average", 1): "sum(A) / len(A)",
    ("avg", 1): "sum(A) / len(A)",
    ("median", 1): "sorted(A)[len(A) // 2]",
    ("count", 1): "len(A)",
    ("length", 1): "len(A)",
    ("size", 1): "len(A)",
    ("total", 1): "sum(A)",
    ("maximum", 1): "max(A)",
    ("minimum", 1): "min(A)",
    ("unique", 1): "list(set(A))",
    ("concat", 2): "A + B",
    ("chain", 2): "A + B",
    ("chain", 3): "A + B + C",
    ("deepcopy", 1): "A",
    ("copy", 1): "A",
    ("loads", 1): "parse_json(A)",
    ("dumps", 1): "str(A)",
    ("itemgetter", 1): "lambda X: X[A]",
    ("String", 1): "str(A)",
    ("Number", 1): "float(A)",
    ("parseInt", 1): "int(A)",
    ("parseFloat", 1): "float(A)",
}
_F_STRINGS: Mapping[str, tuple[str, str]] = {
    "repr": ("", "r"), "ascii": ("", "a"), "hex": ("#x", ""), "oct": ("#o", ""), "bin": ("#b", ""),
}  # fmt: skip
"""Functions that make text, as what stands in a hole of an f-string."""
_IN_MODULES = frozenset(
    "sqrt floor ceil trunc fabs fsum mean fmean average median chain deepcopy copy loads dumps itemgetter".split()
) | {"OrderedDict", "defaultdict", "Counter", "deque", "reduce", "gather", "run", "attrgetter", "prod"}
_KNOWN_MODULES = frozenset(
    "math statistics numpy np itertools functools collections copy json operator decimal asyncio builtins".split()
)


def is_module(name: str) -> bool:
    """Whether a name is that of a module of Python that plans often ask for."""
    return name in MODULES or name in _KNOWN_MODULES


def of_call(call: ast.Call, name: str) -> str:
    """What to write for a call of a function that a plan has not; empty if there is nothing to say."""
    return _of_call(call, name) or SAID.get(name, "")


def of_module(call: ast.Call, module: str, name: str) -> str:
    """What to write for `math.sqrt(x)`, `json.loads(text)`, `str.upper(x)`; empty if there is nothing to say."""
    if module in ("str", "dict", "list", "set", "text") and name in METHODS and call.args and not call.keywords:
        return _as_method(call, name)
    if module in _KNOWN_MODULES and name in FUNCTIONS:
        return _as_function(call, name)
    if module in _KNOWN_MODULES and name in _IN_MODULES and (help := _of_call(call, name)):
        return help
    if name in ("now", "today", "utcnow", "sleep"):
        return SAID[name]
    if module == "time":
        return SAID.get(name) or _NO_CLOCK
    if module in CLASSES | DATE_MODULES:
        return SAID.get(name) or _OF_DATES
    return MODULES.get(module, "")


@tried
def _as_method(call: ast.Call, name: str) -> str:
    owner, *rest = call.args
    return "write " + write("X", X=ast.Call(ast.Attribute(owner, name, ast.Load()), rest, []))


@tried
def _as_function(call: ast.Call, name: str) -> str:
    return "write " + write("X", X=ast.Call(ast.Name(name, ast.Load()), call.args, call.keywords))


@tried
def _of_call(call: ast.Call, name: str) -> str:
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        raise NoShortCode
    x = ast.Name(fresh_name("x", mentioned_names(call)), ast.Load())
    match name, call.args:
        case "map", [function, items]:
            return "write " + write("[Y for X in XS]", Y=applied(function, x), X=_variable(function, x), XS=items)
        case "map", [function, *several] if len(several) > 1:
            return _map_of_several(function, several, call)
        case "filter", [ast.Constant(value=None), items]:
            return "write " + write("[X for X in XS if X]", X=x, XS=items)
        case "filter", [function, items]:
            variable = _variable(function, x)
            return "write " + write("[X for X in XS if Y]", Y=applied(function, x), X=variable, XS=items)
        case "reduce", [ast.Lambda(body=ast.BinOp(op=ast.Add())), items, *start]:
            return "write " + write("X", X=ast.Call(ast.Name("sum", ast.Load()), [items, *start], []))
        case "reduce", _:
            return "write sum(xs), max(xs) or min(xs), or add up in a loop with total += x; or let a tool do it"
        case "next", [items, default]:
            return "write " + write("(XS + [D])[0]", XS=as_list(_iterated(items), lambda _: False), D=default)
        case "next", [items]:
            return "write " + write("XS[0]", XS=as_list(_iterated(items), lambda _: False))
        case "getattr", [owner, ast.Constant(value=str(field)), *rest] if field.isidentifier():
            found = ast.Attribute(owner, field, ast.Load())
            return "write " + (write("default(X, D)", X=found, D=rest[0]) if rest else write("X", X=found))
        case "format", [value, ast.Constant(value=str(spec))]:
            return "write " + write("X", X=ast.JoinedStr([format_hole(value, spec)]))
        case (("repr" | "ascii" | "hex" | "oct" | "bin"), [value]):
            return "write " + write("X", X=ast.JoinedStr([format_hole(value, *_F_STRINGS[name])]))
        case "gather", [_, *_] as calls:
            return "write " + write("X", X=ast.List(calls, ast.Load()))
        case "run", [ast.Call() as inner]:
            return "write " + write("X", X=inner)
        case "attrgetter", [ast.Constant(value=str(field))] if field.isidentifier():
            return "write " + write("lambda X: Y", X=x, Y=ast.Attribute(x, field, ast.Load()))
    return _form(call, name)


def _form(call: ast.Call, name: str) -> str:
    form = _FORMS.get((name, len(call.args)))
    if form is None or call.keywords:
        raise NoShortCode
    taken = mentioned_names(call)
    parts: dict[str, ast.expr] = dict(zip("ABC", call.args, strict=False))
    own = {base: ast.Name(fresh_name(base.lower(), taken), ast.Load()) for base in "XK"}
    return "write " + write(form.replace("lambda X:", f"lambda {own['X'].id}:"), **parts, **own)


def _iterated(items: ast.expr) -> ast.expr:
    match items:
        case ast.Call(func=ast.Name(id="iter"), args=[inner]):
            return inner
    return items


def _map_of_several(function: ast.expr, several: list[ast.expr], call: ast.Call) -> str:
    if isinstance(function, ast.Lambda):
        names = [argument.arg for argument in function.args.args]
        body = function.body
    else:
        taken = mentioned_names(call)
        names = [fresh_name(base, taken) for base in "abcdefgh"[: len(several)]]
        body = ast.Call(function, [ast.Name(id, ast.Load()) for id in names], [])
    if len(names) != len(several):
        raise NoShortCode
    target = ast.Tuple([ast.Name(id, ast.Store()) for id in names], ast.Store())
    zipped = ast.Call(ast.Name("zip", ast.Load()), several, [])
    return "write " + write("[Y for T in XS]", Y=body, T=target, XS=zipped)


def _variable(function: ast.expr, otherwise: ast.Name) -> ast.Name:
    match function:
        case ast.Lambda(args=ast.arguments(args=[argument])):
            return ast.Name(argument.arg, ast.Load())
    return otherwise


def applied(function: ast.expr, x: ast.Name) -> ast.expr:
    """What a function gives for `x`: the body of a lambda, whose own variable stands there, or its call."""
    match function:
        case ast.Lambda(args=ast.arguments(args=[_]), body=body):
            return body
        case ast.Lambda():
            raise NoShortCode
        case ast.Attribute(value=ast.Name(id="str" | "dict" | "list"), attr=method):
            return ast.Call(ast.Attribute(x, method, ast.Load()), [], [])
        case ast.Call(func=ast.Name(id="itemgetter") | ast.Attribute(attr="itemgetter"), args=[key]):
            return ast.Subscript(x, key, ast.Load())
        case ast.Call(
            func=ast.Name(id="attrgetter") | ast.Attribute(attr="attrgetter"), args=[ast.Constant(value=str(field))]
        ) if field.isidentifier():
            return ast.Attribute(x, field, ast.Load())
        case ast.Name() | ast.Attribute():
            return ast.Call(function, [x], [])
    raise NoShortCode


def format_hole(value: ast.expr, spec: str, conversion: str = "") -> ast.FormattedValue:
    """`{value!conversion:spec}` of an f-string."""
    form = ast.JoinedStr([ast.Constant(spec)]) if spec else None
    return ast.FormattedValue(value, ord(conversion) if conversion else -1, form)


# ---------------------------------------------------------------------------- listed functions, called another way


_BACKWARDS = frozenset({"desc", "descending", "reversed", "rev", "order"})


def of_listed(call: ast.Call, name: str) -> str:
    """What to write for a listed function that was called with other arguments than it takes."""
    return _listed(call, name) or f"write {FUNCTIONS[name].form}"


@tried
def _listed(call: ast.Call, name: str) -> str:
    keywords = {k.arg or "": k.value for k in call.keywords}
    x = ast.Name(fresh_name("x", mentioned_names(call)), ast.Load())
    key = keywords.get("key")
    match name, call.args:
        case "sum" | "any" | "all" | "len", [ast.Lambda() as function, items]:
            return _over(name, function, items, x)
        case "sum" | "any" | "all" | "len", [items, ast.Lambda() as function]:
            return _over(name, function, items, x)
        case "sum" | "any" | "all" | "len", [items] if key is not None and len(keywords) == 1:
            return _over(name, key, items, x)
        case _, [items, ast.Lambda() | ast.Name() | ast.Attribute() as function] if FUNCTIONS[
            name
        ].takes_key and not keywords.keys() - {"reverse"}:
            whole = ast.Call(call.func, [items], [ast.keyword("key", as_key(function)), *call.keywords])
            return "write " + write("X", X=whole)
        case "sorted", [items, ast.Constant(value=bool()) as reverse] if "reverse" not in keywords:
            whole = ast.Call(call.func, [items], [*call.keywords, ast.keyword("reverse", reverse)])
            return "write " + write("X", X=whole)
        case "sorted", [items] if (wrong := keywords.keys() & _BACKWARDS) and len(wrong) == 1:
            [word] = wrong
            kept = [k for k in call.keywords if k.arg != word]
            down = keywords[word] if isinstance(keywords[word], ast.Constant) else ast.Constant(value=True)
            if isinstance(down, ast.Constant) and isinstance(down.value, str):
                down = ast.Constant(value=down.value.lower().startswith("d"))
            whole = ast.Call(call.func, [items], [*kept, ast.keyword("reverse", down)])
            return "write " + write("X", X=whole)
        case "round", [number] if len(keywords) == 1:
            [digits] = keywords.values()
            return "write " + write("round(X, N)", X=number, N=digits)
        case "sum" | "any" | "all", [_, _, *_] if not keywords:
            return "write " + write(f"{name}(XS)", XS=ast.List(call.args, ast.Load()))
        case "list", [_, _, *_] if not keywords:
            return "write " + write("X", X=ast.List(call.args, ast.Load()))
        case "set", [_, _, *_] if not keywords:
            return "write " + write("X", X=ast.Set(call.args))
        case "tuple", [_, _, *_] if not keywords:
            return "write " + write("X", X=ast.Tuple(call.args, ast.Load()))
        case "dict", [one, other] if not keywords:
            return "write " + write("A | B", A=one, B=other)
        case "float" | "bool" | "abs" | "len" | "str", [one, *_]:
            return "write " + write(f"{name}(X)", X=one)
    raise NoShortCode


def _over(name: str, function: ast.expr, items: ast.expr, x: ast.Name) -> str:
    variable = _variable(function, x)
    form = "len([X for X in XS if Y])" if name == "len" else f"{name}([Y for X in XS])"
    return "write " + write(form, Y=applied(function, x), X=variable, XS=items)


def as_key(function: ast.expr) -> ast.expr:
    """What `key=` is given, as a lambda."""
    if isinstance(function, ast.Lambda):
        return function
    if isinstance(function, ast.Constant):
        return filled("lambda x: x[KEY]", KEY=function)
    x = ast.Name(fresh_name("x", mentioned_names(function)), ast.Load())
    return filled(f"lambda {x.id}: Y", Y=applied(function, x))


@tried
def of_key(function: ast.expr, call: ast.Call, calls_tool: Callable[[ast.expr], bool]) -> str:
    """What to write for a `key=` that is no lambda."""
    if isinstance(function, ast.Constant) and function.value is None:
        return "leave `key=` out"
    key = as_key(function)
    assert isinstance(key, ast.Lambda)
    if not calls_tool(key.body):
        return f"write key={write('X', X=key)}"
    return of_key_that_calls(key, call)


@tried
def of_key_that_calls(key: ast.Lambda, call: ast.Call) -> str:
    """What to write for a lambda that calls a tool: what it gives is made first, beside the items."""
    match call:
        case ast.Call(func=ast.Name(id="sorted" | "min" | "max" as name), args=[items]) if len(key.args.args) == 1:
            variable = ast.Name(key.args.args[0].arg, ast.Load())
            pair = fresh_name("pair", mentioned_names(call))
            whole = ast.Call(
                call.func,
                [filled("[(Y, X) for X in XS]", Y=key.body, X=variable, XS=items)],
                [ast.keyword("key", filled(f"lambda {pair}: {pair}[0]"))]
                + [keyword for keyword in call.keywords if keyword.arg == "reverse"],
            )
            if name == "sorted":
                p = ast.Name(pair, ast.Load())
                return "write " + write("[P[1] for P in WHOLE]", P=p, WHOLE=whole)
            return "write " + write("WHOLE[1]", WHOLE=whole)
    raise NoShortCode
