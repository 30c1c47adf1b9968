"""What can be typed: the page of the command line, from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import EnumType
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import typer

from superscalar.cli.app import app
from superscalar.cli.codes import ENVIRONMENT, EXIT_CODES


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        within = f"{before}{name}"
        if not hasattr(command, "commands"):
            yield within, command
            continue
        if command.invoke_without_command:
            yield within, command
        yield from _commands(command, f"{within} ")


PAGES: Final[Mapping[str, Any]] = dict(_commands(typer.main.get_command(app)))
"""Every command, by name; those of a group by both names."""
COMMANDS: Final[Mapping[str, Any]] = {name: one for name, one in PAGES.items() if not hasattr(one, "commands")}
"""Those that have a result to print."""

RESULT: Final = (
    "{} partial complete failed run_id rounds fell_back outcomes timing usage usage_by_model usage_by_round cost"
)
PLAN: Final = "name file state description inputs tools language digest approved why_not"
DOCUMENTS: Final[Mapping[str, str]] = {
    "run": RESULT.format("answer"),
    "exec": f"syntax {RESULT.format('value')}",
    "plan": "plan tasks warnings",
    "check": "syntax errors warnings diagnostics",
    "compare": "ways paired rows complete",
    "tools": "tools limits",
    "models": "providers | tried",
    "warm": "warmed",
    "init": "files",
    "stubs": "files functions left_out",
    "plans list": "plans saved",
    "plans show": f"{PLAN} text",
    "plans save": PLAN,
    "plans check": "plans saved",
    "plans approve": PLAN,
    "plans run": f"syntax {RESULT.format('value')}",
    "runs": "journal runs more",
    "show": (
        "id question state began ended tasks done failed calls in_doubt asked error about plan written answer failures "
        "value partial complete run_id rounds fell_back outcomes timing usage usage_by_model usage_by_round cost"
    ),
    "resume": f"{RESULT.format('value')} | {RESULT.format('answer')}",
    "approve": "run_id questions | run_id answered approved open",
    "prune": "journal deleted unfinished busy",
    "rotate": "journal moved into unfinished busy",
    "mcp accept": "lock new changed gone",
}
"""The fields of the document that `--json` prints; of one or another document, where `|` stands."""

OPENING: Final = """# The command line

`superscalar COMMAND --help` says the same. This page is made from the commands: see
`tests/test_reference.py`.

## Where tools and agents come from

- **`--tools FILE.py`**, or `package.module`: every `@tool` of it, or with `:NAME` one tool, function, list or
  `Toolset`. What a module calls `LIMITS` (`LIMITS = {"quotes": Limit(concurrency=5, rate=10)}`) are the
  limits that its tools take part in; `SCHEMAS` (`SCHEMAS = {"Invoice": Invoice}`) are the types that plans
  may write `extract(...)` with ([more](extract.md)). The model and all else are options of the command.
- **`--mcp FILE.json`**: MCP servers, as other clients configure them, too: see [MCP servers](mcp.md). A file is read only
  where it is named.
- **`--agent FILE.py:NAME`**: an `LLMCompiler`, with its tools, limits, rules, models and journal. Options
  beside it change what it is told for this command. They may tighten its rules (`--policy`, `--replan`,
  `--replanner-sees`, `--approve-plan`) and not loosen them; its budgets and bounds are yours to set. Without
  `:NAME` it is the only one of the module. `resume --agent` goes on with a run that it began in another process.
- **`--context FILE.py:NAME`**: a function, async or plain, that is called once and returns what tools get as
  `ToolContext.context`; or a function that gives a context manager, async or plain (`@contextmanager`), which
  is open as long as the run.

A file is imported, from the folder where the command is typed. A program belongs under
`if __name__ == "__main__":`; a run that begins while a file is loaded is refused. No key is needed to load an
agent. `superscalar init` writes such files.

## What is printed where

The result is on standard output, and nothing else: what tools print goes to standard error. On a terminal
there is a live picture. Elsewhere the plan is told as it is written, what fails (the first ten), what has to
be known, and at most once a second how far the run is; `-v` tells every call, `-q` nothing. `--json` prints
one document on standard output, errors included: `{"error": {"type", "message", "diagnostics"}}`, with
`run_id` and `questions` where a run waits, `run_id` and `calls` (`done`, `failed`, `cancelled`) where it was
stopped, and `outcomes` where it ended without an answer. `run --save` has `saved` besides, what `plans show` says of
the plan but for its text, or its `name` and an `error`. That of `resume` has `rules` besides where some have
changed since the run was begun."""


def page() -> str:
    """`docs/cli.md`."""
    lines = [OPENING, "", "## Exit codes", "", "| code | |", "|---|---|"]
    lines += [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    lines += ["", "## Environment", "", "| variable | |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in ENVIRONMENT.items()]
    for name, command in PAGES.items():
        lines += ["", f"## superscalar {name}", "", *_about(command.help or "")]
        kinds = get_type_hints(command.callback)
        arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
        options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
        lines += ["", "| | |", "|---|---|"]
        lines += [f"| `{_metavar(one)}` | {_cell(one.help)} |" for one in arguments]
        lines += [
            f"| {_spelled(one, kinds)} | {_cell(one.help)}{_more(one)} |" for one in options if one.name != "help"
        ]
        if name not in DOCUMENTS:
            continue
        documents = [", ".join(f"`{field}`" for field in one.split()) for one in DOCUMENTS[name].split(" | ")]
        lines += ["", f"`--json`: {'; or '.join(documents)}."]
    return "\n".join(lines) + "\n"


def _about(help: str) -> Iterator[str]:
    """What a command is for; its examples are lines of a shell."""
    text, found, examples = help.partition("Examples:") if "Examples:" in help else help.partition("Example:")
    yield text.strip()
    if found:
        yield from ("", "```sh", *re.findall(r"^`(.+)`$", examples, re.MULTILINE), "```")


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _spelled(option: Any, kinds: Mapping[str, Any]) -> str:
    takes = "" if option.is_flag or option.count else f" {_value(option, kinds[option.name])}"
    return ", ".join(f"`{name}{takes if name == option.opts[0] else ''}`" for name in option.opts)


def _value(option: Any, kind: Any) -> str:
    if option.metavar:
        return str(option.metavar)
    kind = (
        next((one for one in get_args(kind) if one is not NoneType), kind)
        if get_origin(kind) in (Union, UnionType)
        else kind
    )
    if get_origin(kind) is Literal:
        return "\\|".join(get_args(kind))
    return "\\|".join(kind) if isinstance(kind, EnumType) else {"str": "TEXT"}.get(kind.__name__, kind.__name__.upper())


def _more(option: Any) -> str:
    parts = [f"`{option.envvar}`"] if option.envvar else []
    if (
        option.default not in (None, False, 0)
        and not callable(option.default)
        and "[default:" not in (option.help or "")
    ):
        parts.insert(0, f"default: {option.default}")
    return f" ({', or '.join(parts)})" if parts else ""


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
