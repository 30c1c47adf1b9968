"""Methods that a plan has not, as code that does the same."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from superscalar.plan.read.instead.code import NoShortCode, fresh_name, mentioned_names, tried, write
from superscalar.plan.read.instead.functions import applied

_RESULT = frozenset(
    "result json text read content data to_dict as_dict dict model_dump model_dump_json unwrap get_result value wait "
    "deepcopy items_list tolist to_list encode done exception body".split()
)
"""Methods of what a result is wrapped in elsewhere: here the result is what the tool returned."""

_FORMS: Mapping[tuple[str, int], str] = {
    ("sum", 0): "sum(O)",
    ("len", 0): "len(O)",
    ("length", 0): "len(O)",
    ("size", 0): "len(O)",
    ("__len__", 0): "len(O)",
    ("max", 0): "max(O)",
    ("min", 0): "min(O)",
    ("abs", 0): "abs(O)",
    ("round", 0): "round(O)",
    ("round", 1): "round(O, A)",
    ("sorted", 0): "sorted(O)",
    ("reversed", 0): "reversed(O)",
    ("any", 0): "any(O)",
    ("all", 0): "all(O)",
    ("enumerate", 0): "enumerate(O)",
    ("mean", 0): "sum(O) / len(O)",
    ("average", 0): "sum(O) / len(O)",
    ("unique", 0): "list(set(O))",
    ("to_string", 0): "str(O)",
    ("toString", 0): "str(O)",
    ("to_int", 0): "int(O)",
    ("to_float", 0): "float(O)",
    ("toUpperCase", 0): "O.upper()",
    ("toLowerCase", 0): "O.lower()",
    ("trim", 0): "O.strip()",
    ("startsWith", 1): "O.startswith(A)",
    ("endsWith", 1): "O.endswith(A)",
    ("replaceAll", 2): "O.replace(A, B)",
    ("indexOf", 1): "O.find(A)",
    ("includes", 1): "A in O",
    ("contains", 1): "A in O",
    ("has", 1): "A in O",
    ("has_key", 1): "A in O",
    ("__contains__", 1): "A in O",
    ("__getitem__", 1): "O[A]",
    ("at", 1): "O[A]",
    ("nth", 1): "O[A]",
    ("first", 0): "O[0]",
    ("head", 0): "O[:5]",
    ("head", 1): "O[:A]",
    ("take", 1): "O[:A]",
    ("last", 0): "O[-1]",
    ("tail", 1): "O[-A:]",
    ("slice", 1): "O[A:]",
    ("slice", 2): "O[A:B]",
    ("substring", 1): "O[A:]",
    ("substring", 2): "O[A:B]",
    ("concat", 1): "O + A",
    ("push", 1): "O + [A]",
    ("symmetric_difference", 1): "set(O) ^ set(A)",
    ("issuperset", 1): "set(O) >= set(A)",
    ("isdisjoint", 1): "not set(O) & set(A)",
    ("rpartition", 1): "O.rsplit(A, 1)",
    ("isnumeric", 0): "all([X in '0123456789' for X in O])",
    ("isupper", 0): "O == O.upper()",
    ("islower", 0): "O == O.lower()",
    ("most_common", 0): "sorted(O.items(), key=lambda x: x[1], reverse=True)",
    ("most_common", 1): "sorted(O.items(), key=lambda x: x[1], reverse=True)[:A]",
    ("map", 1): "[Y for X in O]",
    ("filter", 1): "[X for X in O if Y]",
    ("forEach", 1): "[Y for X in O]",
    ("apply", 1): "[Y for X in O]",
}
_SPECS: Mapping[tuple[str, int], str] = {
    ("toFixed", 1): ".{}f",
}


def instead_of_method(call: ast.Call, function: ast.Attribute) -> str:
    """What to write for a method that a plan has not; empty if there is nothing to say."""
    if function.attr in _RESULT and not call.args:
        return _left_out(function) or f"leave .{function.attr}() out: the result is there as it is"
    return _of_method(call, function)


@tried
def _left_out(function: ast.Attribute) -> str:
    return f"leave .{function.attr}() out: {write('X', X=function.value)} is the result already"


@tried
def _of_method(call: ast.Call, function: ast.Attribute) -> str:
    name, owner = function.attr, function.value
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        raise NoShortCode
    if call.keywords:
        raise NoShortCode
    if (spec := _SPECS.get((name, len(call.args)))) is not None:
        return "write " + write("X", X=_formatted(owner, spec, call.args[0]))
    form = _FORMS.get((name, len(call.args)))
    if form is None:
        raise NoShortCode
    taken = mentioned_names(call)
    parts: dict[str, ast.expr] = dict(zip("AB", call.args, strict=False))
    if any(isinstance(node, ast.Call) for node in ast.walk(owner)):
        _once(form)
    x = ast.Name(fresh_name("x", taken), ast.Load())
    i = ast.Name(fresh_name("i", taken), ast.Load())
    if "Y" in form.replace("lambda", ""):
        function_given = call.args[0]
        match function_given:
            case ast.Lambda(args=ast.arguments(args=[argument])):
                x = ast.Name(argument.arg, ast.Load())
        parts["Y"] = applied(function_given, x)
    return "write " + write(form, O=owner, X=x, I=i, **parts)


def _once(form: str) -> None:
    """A call is not to be made twice for a help's sake."""
    if sum(isinstance(n, ast.Name) and n.id == "O" for n in ast.walk(ast.parse(form))) > 1:
        raise NoShortCode


def _formatted(owner: ast.expr, spec: str, argument: ast.expr) -> ast.expr:
    """`f"{owner:spec}"`, with the argument in the place of `{}`."""
    before, _, after = spec.partition("{}")
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str | int):
        parts: list[ast.expr] = [ast.Constant(f"{before}{argument.value}{after}")]
    else:
        parts = [ast.Constant(before), ast.FormattedValue(argument, -1, None), ast.Constant(after)]
        parts = [part for part in parts if not (isinstance(part, ast.Constant) and part.value == "")]
    return ast.JoinedStr([ast.FormattedValue(owner, -1, ast.JoinedStr(parts))])
