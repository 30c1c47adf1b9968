"""Calls of tools that were wrapped in something, as the calls themselves."""

from __future__ import annotations

import ast

from superscalar.plan.ir.signatures import Signature, Signatures
from superscalar.plan.read.instead.code import NoShortCode, tried, write


def of_tool(call: ast.Call, alias: str) -> str:
    """`tools.price("A")`, `price.run(ticker="A")`."""
    return _of_tool(call, alias) or f"in a plan it is called {alias}(...)"


@tried
def _of_tool(call: ast.Call, alias: str) -> str:
    keywords = call.keywords
    match call.args:
        case [ast.Dict() as given] if not keywords and (named := _named(given)) is not None:
            return f"in a plan it is called {_call(alias, [], named)}"
    return f"in a plan it is called {_call(alias, call.args, keywords)}"


@tried
def of_chain(call: ast.Call, alias: str) -> str:
    """`x.price()` and `x.price(y)`, where `price` is a tool."""
    assert isinstance(call.func, ast.Attribute)
    arguments = call.args if call.args or call.keywords else [call.func.value]
    return f"`{alias}` is a tool: write {_call(alias, arguments, call.keywords)}"


@tried
def of_caller(call: ast.Call, tools: Signatures) -> str:
    """`call_tool("price", ticker="A")`, `call("price", {"ticker": "A"})`."""
    match call.args:
        case [ast.Constant(value=str(name)), *rest] if name in tools.aliases():
            alias = tools.aliases()[name]
            match rest:
                case [ast.Dict() as given] if not call.keywords and (named := _named(given)) is not None:
                    return f"write {_call(alias, [], named)}"
            return f"write {_call(alias, rest, call.keywords)}"
    raise NoShortCode


def in_one_dict(call: ast.Call, signature: Signature) -> list[ast.keyword] | None:
    """What `price({"ticker": "A"})` gives by name; None where a dict may be what is meant."""
    match call.args:
        case [ast.Dict(keys=[_, *_]) as given] if not call.keywords and (named := _named(given)) is not None:
            keys = [keyword.arg for keyword in named]
            first = signature.parameters[0] if signature.parameters else None
            if first is None or set(keys) - {p.alias for p in signature.parameters} or len(set(keys)) < len(keys):
                return None
            return None if first.reject({}) is None else named
    return None


@tried
def of_double_star(call: ast.Call, signature: Signature) -> str:
    """`price(**{"ticker": "A"})`, `price(**d)`."""
    keywords: list[ast.keyword] = []
    given = {keyword.arg for keyword in call.keywords}
    needed = [p.alias for p in signature.parameters[len(call.args) :] if p.required and p.alias not in given]
    for keyword in call.keywords:
        match keyword:
            case ast.keyword(arg=str()):
                keywords.append(keyword)
            case ast.keyword(value=ast.Dict() as value) if (named := _named(value)) is not None:
                keywords += named
            case ast.keyword(value=ast.Name() as value):
                items = [ast.Subscript(value, ast.Constant(alias), ast.Load()) for alias in needed]
                keywords += [ast.keyword(alias, item) for alias, item in zip(needed, items, strict=True)]
            case _:
                raise NoShortCode
    return f"write each argument by name: {_call(signature.alias, call.args, keywords)}"


def _named(given: ast.Dict) -> list[ast.keyword] | None:
    keywords: list[ast.keyword] = []
    for key, value in zip(given.keys, given.values, strict=True):
        match key:
            case ast.Constant(value=str(name)) if name.isidentifier():
                keywords.append(ast.copy_location(ast.keyword(name, value), value))
            case _:
                return None
    return keywords


def _call(alias: str, args: list[ast.expr], keywords: list[ast.keyword]) -> str:
    if any(isinstance(argument, ast.Starred) for argument in args) or any(k.arg is None for k in keywords):
        raise NoShortCode
    return write("X", X=ast.Call(ast.Name(alias, ast.Load()), args, keywords))
