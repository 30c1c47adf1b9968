"""From command-line options to a compiler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from superscalar.tools import Toolset

if TYPE_CHECKING:
    from superscalar.compiler import LLMCompiler
    from superscalar.compiler.approval import Approve


def open_compiler(toolset: Toolset, *, model: str | None = None, joiner: bool = True, **options: Any) -> LLMCompiler:
    """A compiler for `toolset`; without a `model` it can check and execute plans, and not write any.

    `options` that are None are left to the compiler's defaults.
    """
    from superscalar.compiler import LLMCompiler

    given = {name: value for name, value in options.items() if value is not None}
    if not joiner:
        given["joiner"] = None
    return LLMCompiler(model, [toolset], **given)


def opened(
    tools: Sequence[str], chosen: Mapping[str, Any], journal: Path | None, approve: Approve | None
) -> LLMCompiler:
    """The compiler of a command that runs something: what was `chosen` is recorded with the run, to go on with it."""
    from superscalar.cli.loading import load_tools

    about = _recorded(journal, tools, chosen)
    return open_compiler(load_tools(tools), **chosen, **about, approve=approve)


def _recorded(path: Path | None, tools: Sequence[str], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The compiler's option for a journal, which remembers how the command was called; none without a path.

    Raises:
        JournalError: the journal cannot be opened.
    """
    if path is None:
        return {}
    from superscalar.journal import Journal

    remembered = {name: value for name, value in chosen.items() if value is not None}
    if address := remembered.get("base_url"):
        remembered["base_url"] = urlsplit(address)._replace(netloc=urlsplit(address).netloc.rpartition("@")[2]).geturl()
    return {"journal": Journal(path, about={"cli": {"tools": list(tools), "folder": str(Path.cwd()), **remembered}})}
