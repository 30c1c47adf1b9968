"""Random plans of which some constants are inputs instead: the same plan three times."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from support.random_plans import plans


@dataclass(frozen=True, slots=True)
class WithInputs:
    """A plan that is given `values`; with `named` constants above it in their place; and with these written in."""

    given: str
    values: dict[str, Any]
    named: str
    written: str

    @property
    def types(self) -> dict[str, Any]:
        return {name: type(value) for name, value in self.values.items()}


@st.composite
def plans_with_inputs(draw: DrawFn) -> WithInputs:
    """A random plan in which some numbers are inputs. Where a call stands is told by its first argument: that stays.

    A subscript stays too: of a constant one it is known which item it takes.
    """
    *above, join = draw(plans(joins="some"))
    lines = [*above, "join(1)" if join == "join()" else join]  # which would be everything, what is given too
    tree = ast.parse("\n".join(lines))
    found = [node for node in _constants(tree) if draw(st.booleans())]
    values: dict[str, Any] = {}
    for number, node in enumerate(found):
        values[f"given{number}"] = node.value
        node.value = _Name(f"given{number}")
    given = ast.unparse(tree)
    constants = "".join(f"{name} = {value!r}\n" for name, value in values.items())
    return WithInputs(given, values, constants + given, "\n".join(lines))


class _Name(str):
    """What is unparsed as a name, where a constant stood."""

    def __repr__(self) -> str:
        return str(self)


def _constants(tree: ast.AST) -> Iterator[ast.Constant]:
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Constant(int()):
                yield node
            case ast.Subscript() | ast.JoinedStr():
                pass
            case ast.Call(ast.Name(id), [_, *others]) if id not in ("default", "sum", "ok", "len", "range"):
                for other in others:
                    yield from _constants(ast.Module([ast.Expr(other)], []))
            case _:
                yield from _constants(node)
