"""The text of a piece of Python that every version of Python reads.

Python 3.12 and later write and read an f-string with its own quotes in its holes, f'{a['b']}'; Python 3.11 does not.
"""

from __future__ import annotations

import ast
import copy
import re
import sys

_QUOTES = ("'", '"', "'''", '"""')


def unparsed(tree: ast.AST) -> str:
    """The text of a syntax tree, as `ast.unparse` writes it on Python 3.11.

    Raises:
        ValueError: an f-string has both quotes, or a backslash, in its holes.
    """
    if sys.version_info < (3, 12) or not any(isinstance(node, ast.JoinedStr) for node in ast.walk(tree)):
        return ast.unparse(tree)
    setting = _Setting(ast.dump(tree))
    text = ast.unparse(setting.visit(copy.deepcopy(tree)))
    return re.sub(rf"{setting.mark}(\d+)_", lambda found: setting.texts[int(found[1])], text)


class _Setting(ast.NodeTransformer):
    """Sets names in the places of f-strings, and writes those itself."""

    def __init__(self, beside: str) -> None:
        self.texts: list[str] = []
        self.mark = "_f"
        while self.mark in beside:
            self.mark += "_f"

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Name:
        self.texts.append(_f_string(node))
        return ast.Name(f"{self.mark}{len(self.texts) - 1}_", ast.Load())


def _f_string(node: ast.JoinedStr) -> str:
    parts = list(_parts(node))
    holes = "".join(text for text, is_hole in parts if is_hole)
    words = "".join(text for text, is_hole in parts if not is_hole)
    if "\\" in holes or "\n" in holes:
        raise ValueError("a hole of an f-string has no backslash and no line end")
    fitting = [quote for quote in _QUOTES if quote not in holes and quote[0] != holes[-1:]]
    if not fitting:
        raise ValueError("the holes of an f-string have all quotes")
    quote = next((each for each in fitting if each[0] not in words), fitting[0])
    body = "".join(text if is_hole else text.replace(quote[0], f"\\{quote[0]}") for text, is_hole in parts)
    return f"f{quote}{body}{quote}"


def _parts(node: ast.JoinedStr) -> list[tuple[str, bool]]:
    """Words, with all that has a meaning in an f-string escaped, and holes."""
    parts: list[tuple[str, bool]] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            value = unparsed(part.value)
            conversion = "" if part.conversion == -1 else f"!{chr(part.conversion)}"
            parts.append((f"{{{' ' * value.startswith('{')}{value}{conversion}", True))
            if isinstance(part.format_spec, ast.JoinedStr):
                parts += [(":", True), *_parts(part.format_spec)]
            parts.append(("}", True))
        elif isinstance(part, ast.Constant):
            words = str(part.value).replace("{", "{{").replace("}", "}}")
            parts.append((repr("'" + words)[2:-1] if not words.isprintable() or "\\" in words else words, False))
    return parts
