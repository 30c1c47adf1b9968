"""The options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from superscalar import choices
from superscalar.advice import JOURNAL as JOURNAL
from superscalar.advice import VARIABLE
from superscalar.errors import UsageError
from superscalar.given import WANTED
from superscalar.options import SAME, Options, check_call, meanings

_BEGUN: Final = "as it was begun"


def _checked(check: Callable[[Any], None]) -> Callable[[Any], Any]:
    """What typer calls with a value that was given."""

    def checked(value: Any) -> Any:
        if value is not None:
            try:
                check(value)
            except UsageError as error:
                raise typer.BadParameter(str(error)) from None
        return value

    return checked


def _first_sentence(name: str) -> str:
    """What an option is for, in short."""
    return re.split(r"(?<=\.) (?=[A-Z\"`])", meanings().get(name, ""))[0]


def _option(name: str, metavar: str | None = None, *, begun: str = "", **more: Any) -> Any:
    """One of the agent's options, as a command takes it: what it is for, and its default, are said where it is.

    `begun`: what is said in the default's place, of a run that there is already.
    """
    field = Options.__dataclass_fields__[name]
    wanted = field.metadata.get(WANTED)
    if wanted is not None and field.type != "bool":
        more.setdefault("callback", _checked(lambda value: wanted.check(name, value)))
    left_out = f"{field.default:,}" if isinstance(field.default, int) else field.default
    default = "" if field.default in (None, "", False, MISSING, SAME) else f" [default: {begun or left_out}]"
    return typer.Option(
        f"--{name.replace('_', '-')}",
        metavar=metavar,
        help=_first_sentence(name) + default,
        show_default=False,
        case_sensitive=False,
        **more,
    )


QuestionArgument = Annotated[
    str, typer.Argument(metavar="QUESTION", help="What to answer; - reads it from standard input.", show_default=False)
]
FileOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="A file that comes with the question: an image, a PDF, a text. May be repeated.",
        show_default=False,
    ),
]
PlanFileArgument = Annotated[
    str, typer.Argument(metavar="PLAN_FILE", help="A file with a plan; - reads standard input.", show_default=False)
]
ToolsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tools",
        "-t",
        metavar="MODULE_OR_FILE[:NAME]",
        help="Where the tools are: a module, or a Python file, and one tool or list in it. May be repeated.",
        show_default=False,
    ),
]
McpOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--mcp",
        metavar="FILE",
        help="MCP servers whose tools plans may call: a JSON file with mcpServers. May be repeated.",
        show_default=False,
    ),
]
TrustOption = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        metavar="SERVER",
        help="Believe a server of --mcp that says of tools that they only read. May be repeated.",
        show_default=False,
    ),
]
Agent = Annotated[
    str | None,
    typer.Option(
        "--agent",
        metavar="MODULE_OR_FILE:NAME",
        help="An LLMCompiler of yours, with its tools, rules, limits, models and journal; instead of --tools.",
        show_default=False,
    ),
]
PlansOption = Annotated[
    Path | None,
    typer.Option(
        "--plans",
        metavar="DIR",
        help="The folder of saved plans. [default: that of the agent]",
        show_default=False,
    ),
]
SaveOption = Annotated[
    str | None,
    typer.Option(
        "--save",
        metavar="NAME",
        help="Save the plan of a good run under this name; you are asked which of its constants become inputs.",
        show_default=False,
    ),
]
SaveInputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--save-input",
        metavar="NAME=CONSTANT",
        help="With --save: a constant of the plan that becomes an input of this name (ticker=IBM, top=5, "
        "tickers='[\"IBM\"]'). May be repeated.",
        show_default=False,
    ),
]
JournalOf = Annotated[
    str | None,
    typer.Option(
        "--agent",
        metavar="MODULE_OR_FILE:NAME",
        help="An LLMCompiler of yours, whose journal it is.",
        show_default=False,
    ),
]
Context = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="MODULE_OR_FILE:NAME",
        help="A function that returns what tools get as their context, or a context manager of it; it is called once.",
        show_default=False,
    ),
]
_SEVERAL: Final = " Several, with commas between: where one does not answer, the next one is asked."
ModelOption = Annotated[
    str,
    typer.Option("--model", "-m", envvar="SUPERSCALAR_DEFAULT_MODEL", help=_first_sentence("model") + _SEVERAL),
]
BaseUrlOption = Annotated[str | None, _option("base_url", "URL")]
ExtractorOption = Annotated[str | None, _option("extractor", "MODEL")]
InstructionsOption = Annotated[str | None, _option("instructions", "TEXT")]
PlannerInstructionsOption = Annotated[str | None, _option("planner_instructions", "TEXT")]
JoinerInstructionsOption = Annotated[str | None, _option("joiner_instructions", "TEXT")]
ExamplesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--examples",
        metavar="FILE",
        help='Questions with their plans, which the planner is shown: lines of {"question": TEXT, "plan": TEXT}. '
        "May be repeated.",
        show_default=False,
    ),
]
MaxConcurrencyOption = Annotated[int | None, _option("max_concurrency", "N")]
MaxReplansOption = Annotated[int | None, _option("max_replans", "N")]
FallbackOption = Annotated[choices.Fallback | None, _option("fallback")]
ReplanOption = Annotated[choices.ReplanMode | None, _option("replan")]
ReplanAgain = Annotated[choices.ReplanMode | None, _option("replan", begun=_BEGUN)]
ReplannerSeesOption = Annotated[choices.ReplannerSees | None, _option("replanner_sees")]
ReplannerSeesAgain = Annotated[choices.ReplannerSees | None, _option("replanner_sees", begun=_BEGUN)]
FirstTokenTimeoutOption = Annotated[float | None, _option("first_token_timeout", "SECONDS")]
StallTimeoutOption = Annotated[float | None, _option("stall_timeout", "SECONDS")]
MaxPromptTokensOption = Annotated[int | None, _option("max_prompt_tokens", "N")]
MaxTokensOption = Annotated[int | None, _option("max_tokens", "N")]
MaxBytesOption = Annotated[int | None, _option("max_bytes", "N")]
MaxCostOption = Annotated[float | None, _option("max_cost", "AMOUNT")]
PolicyOption = Annotated[choices.Mode | None, _option("policy")]
PolicyAgain = Annotated[choices.Mode | None, _option("policy", begun=_BEGUN)]
ApprovePlanOption = Annotated[bool, _option("approve_plan")]
JournalOption = Annotated[Path | None, _option("journal", "FILE", envvar=VARIABLE)]
DeadlineOption = Annotated[
    float | None,
    typer.Option(
        "--deadline",
        metavar="SECONDS",
        callback=_checked(lambda value: check_call(deadline=value)),
        help="Answer with what there is after this long; the answer may take a quarter of it more, and at least 2 s.",
        show_default=False,
    ),
]
ReadJournalOption = Annotated[
    Path, typer.Option("--journal", envvar=VARIABLE, metavar="FILE", help="Where the runs are recorded.")
]

MeasuredOption = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        envvar=VARIABLE,
        metavar="FILE",
        help="With --estimate: the runs in this file say how long calls take.",
        show_default=False,
    ),
]
EstimateOption = Annotated[
    bool,
    typer.Option(
        "--estimate", help="Say what the plan would take before it runs: calls, writes, tokens, time and cost."
    ),
]


def as_typed(command: typer.Context) -> frozenset[str]:
    """The names of the options that stand on the command line, whatever the environment says and what is usual."""
    sources = {name: command.get_parameter_source(name) for name in command.params}
    return frozenset(name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE")


AUTO: Final = "auto"


def _syntax(word: str) -> str:
    from superscalar.plan.read.fronts.detect import SYNTAXES

    if (syntax := word.lower()) not in (AUTO, *SYNTAXES):
        raise typer.BadParameter(f"{word!r} is not one of {', '.join(map(repr, (AUTO, *SYNTAXES)))}")
    return syntax


PlanSyntaxOption = Annotated[
    str,
    typer.Option(
        "--syntax",
        metavar="SYNTAX",
        parser=_syntax,
        help="What the plan is written in, such as python; auto finds out and says so.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else, errors included.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only, no progress and no summary.")]


def _logged(command: typer.Context, count: int) -> int:
    if count:
        import logging

        from superscalar.cli.logs import log_to_stderr

        command.call_on_close(log_to_stderr(logging.INFO if count == 1 else logging.DEBUG))
    return count


Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        callback=_logged,
        help="Log runs, retries and failures, and print a line for every call where there is no terminal to draw on; "
        "-vv logs every event.",
        show_default=False,
    ),
]
Traceback = Annotated[bool, typer.Option("--traceback", help="Print all of the traceback of what a tool raised.")]
ExplainOption = Annotated[
    bool,
    typer.Option("--explain", help="Print the plan after each pass of the compiler, what that did to it, and why."),
]
