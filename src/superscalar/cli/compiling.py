"""From command-line options to a compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from superscalar.tools import Toolset

if TYPE_CHECKING:
    from superscalar.compiler import LLMCompiler


def open_compiler(toolset: Toolset, *, model: str | None = None, joiner: bool = True, **options: Any) -> LLMCompiler:
    """A compiler for `toolset`; without a `model` it can check and execute plans, and not write any.

    `options` that are None are left to the compiler's defaults.
    """
    from superscalar.compiler import LLMCompiler

    given = {name: value for name, value in options.items() if value is not None}
    if not joiner:
        given["joiner"] = None
    return LLMCompiler(model, [toolset], **given)
