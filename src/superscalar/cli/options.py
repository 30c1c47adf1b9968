"""The options that several commands share."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from superscalar.advice import JOURNAL as JOURNAL
from superscalar.advice import VARIABLE


def _seconds(value: float | None) -> float | None:
    if value is not None and not (value > 0 and math.isfinite(value)):
        raise typer.BadParameter(f"{value:g} is not a number of seconds above 0, such as 30 or 2.5")
    return value


def _amount(value: float | None) -> float | None:
    if value is not None and not (value > 0 and math.isfinite(value)):
        raise typer.BadParameter(f"{value:g} is not an amount above 0, such as 0.5")
    return value


def _address(value: str | None) -> str | None:
    if value is not None and not value.startswith(("http://", "https://")):
        raise typer.BadParameter(f"{value!r} is not an address such as http://localhost:8000/v1")
    return value


Question = Annotated[
    str, typer.Argument(metavar="QUESTION", help="What to answer; - reads it from standard input.", show_default=False)
]
PlanFile = Annotated[
    str, typer.Argument(metavar="PLAN_FILE", help="A file with a plan; - reads standard input.", show_default=False)
]
Tools = Annotated[
    list[str],
    typer.Option(
        "--tools",
        "-t",
        metavar="MODULE_OR_FILE[:NAME]",
        help="Where the tools are: a module, or a Python file, and one tool or list in it. May be repeated.",
        show_default=False,
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        envvar="SUPERSCALAR_DEFAULT_MODEL",
        help="Which model plans and answers: local, local:FILE.gguf or openai:NAME.",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        callback=_address,
        help="The server for openai:NAME, if it is not OpenAI's.",
        show_default=False,
    ),
]
Extractor = Annotated[
    str | None,
    typer.Option(
        "--extractor",
        metavar="MODEL",
        help="Which model reads for extract(...) in plans, if it is not the one that plans.",
        show_default=False,
    ),
]
Instructions = Annotated[
    str | None, typer.Option("--instructions", metavar="TEXT", help="What else the planner should know.")
]
MaxConcurrency = Annotated[
    int | None, typer.Option("--max-concurrency", min=1, metavar="N", help="Calls at once, at most. [default: 32]")
]
MaxReplans = Annotated[
    int | None, typer.Option("--max-replans", min=0, metavar="N", help="Rounds after the first, at most. [default: 2]")
]


class Replan(StrEnum):
    """What a later round may add once a tool ran whose results are not trusted."""

    never = "never"
    planned_tools = "planned-tools"
    read_only = "read-only"
    ask = "ask"
    any = "any"


class ReplannerSees(StrEnum):
    """What the planner of a later round is shown of results that are not trusted."""

    summaries = "summaries"
    text = "text"


ReplanOption = Annotated[
    Replan | None,
    typer.Option(
        "--replan",
        help="What a later round may add once a tool ran whose results are not trusted. [default: read-only]",
        show_default=False,
    ),
]
ReplannerSeesOption = Annotated[
    ReplannerSees | None,
    typer.Option(
        "--replanner-sees",
        help="What its planner is shown of such results; after text, nothing that it writes is trusted. "
        "[default: summaries]",
        show_default=False,
    ),
]
Deadline = Annotated[
    float | None,
    typer.Option(
        "--deadline",
        metavar="SECONDS",
        callback=_seconds,
        help="Answer with what there is after this long.",
        show_default=False,
    ),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens", min=1, metavar="N", help="Tokens that the models may spend; then answer.", show_default=False
    ),
]
MaxBytes = Annotated[
    int | None,
    typer.Option(
        "--max-bytes",
        min=1,
        metavar="N",
        help="Bytes that all values of the run may take; then answer.",
        show_default="1 GB",
    ),
]
MaxCost = Annotated[
    float | None,
    typer.Option(
        "--max-cost",
        metavar="AMOUNT",
        callback=_amount,
        help="What the run may cost, in the currency of @tool(cost=...).",
        show_default=False,
    ),
]


Journal = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        envvar=VARIABLE,
        metavar="FILE",
        help="Record the run in this file, so that it can be looked at, and resumed if it is killed.",
        show_default=False,
    ),
]
ReadJournal = Annotated[
    Path, typer.Option("--journal", envvar=VARIABLE, metavar="FILE", help="Where the runs are recorded.")
]


class PolicyMode(StrEnum):
    """What follows where what is not trusted would choose a destination, or what is confidential would leave."""

    off = "off"
    warn = "warn"
    ask = "ask"
    enforce = "enforce"


Policy = Annotated[
    PolicyMode | None,
    typer.Option(
        "--policy",
        help="Where a rule about untrusted or confidential data is broken: say nothing, warn, ask you, or deny the "
        "call. [default: enforce]",
        show_default=False,
        case_sensitive=False,
    ),
]
ApprovePlan = Annotated[
    bool, typer.Option("--approve-plan", help="Ask before anything of a plan is begun, and show it with its writes.")
]


AUTO: Final = "auto"


def _syntax(word: str) -> str:
    from superscalar.plan.read.fronts.detect import SYNTAXES

    if (syntax := word.lower()) not in (AUTO, *SYNTAXES):
        raise typer.BadParameter(f"{word!r} is not one of {', '.join(map(repr, (AUTO, *SYNTAXES)))}")
    return syntax


PlanSyntax = Annotated[
    str,
    typer.Option(
        "--syntax",
        metavar="SYNTAX",
        parser=_syntax,
        help="What the plan is written in, such as python; auto finds out and says so.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else, errors included.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only, no progress and no summary.")]
Explain = Annotated[
    bool,
    typer.Option("--explain", help="Print the plan after each pass of the compiler, what that did to it, and why."),
]
