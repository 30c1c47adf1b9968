"""`superscalar run ... --save NAME`: the plan of a good run as a saved plan, some of its constants as inputs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from superscalar.advice import typed
from superscalar.cli.approval import is_at_terminal
from superscalar.cli.codes import FAILED
from superscalar.cli.failures import CommandError
from superscalar.cli.terminal import safe_line
from superscalar.errors import SuperscalarError

if TYPE_CHECKING:
    from superscalar.compiler import LLMCompiler, RunResult
    from superscalar.saved.constants import PlanConstant
    from superscalar.saved.examining import SavedPlan


@dataclass(frozen=True, slots=True)
class SaveAs:
    """Under which name a plan is saved, and which of its constants become inputs, by their names."""

    name: str
    inputs: Mapping[str, Any]

    @classmethod
    def of(cls, name: str | None, given: Iterable[str] | None, compiler: LLMCompiler) -> SaveAs | None:
        """What `--save` and `--save-input` say; None where nothing is saved. It is seen to before anything is run.

        Raises:
            CommandError: there is no folder, or nothing is saved under that name; or an input says nothing.
            UsageError: that is no name, or one of an input is none.
        """
        from superscalar.saved.constants import check_chosen
        from superscalar.saved.folder import check_plan_name

        if name is None:
            if given:
                raise CommandError("--save-input is said of --save: add --save NAME")
            return None
        if compiler.options.plans is None:
            raise CommandError("--save: say where saved plans are: --plans DIR, or an agent that has plans=DIR")
        if check_plan_name(name) in compiler.plans.names():
            raise CommandError(f"--save {name}: {compiler.plans.path} has a plan of that name; take another one")
        chosen = _constants_in(given or ())
        check_chosen(chosen)
        return cls(name, chosen)


def _constants_in(given: Iterable[str]) -> dict[str, Any]:
    """What `--save-input NAME=CONSTANT` says: constants by name, as JSON, or else as a text.

    Raises:
        CommandError: one says nothing, or a name twice.
    """
    found: dict[str, Any] = {}
    for said in given:
        name, equals, text = said.partition("=")
        if not equals or name in found:
            raise CommandError(
                f"--save-input {said}: write NAME=CONSTANT, each name once, such as --save-input ticker=IBM"
            )
        try:
            found[name] = json.loads(text)
        except (ValueError, RecursionError):
            found[name] = text
    return found


def concluded(
    compiler: LLMCompiler,
    result: RunResult[Any],
    wanted: SaveAs | None,
    conclude: Callable[[Mapping[str, Any]], None],
    *,
    as_json: bool,
) -> None:
    """End a command with `conclude(document)`, and save the plan of its run if that is wanted and it was a good one."""
    if wanted is None:
        conclude({})
    elif as_json:
        document = _saved_document(compiler, result, wanted)
        conclude({"saved": document})
        if "file" not in document:
            raise typer.Exit(FAILED)
    else:
        try:
            conclude({})
        except typer.Exit:
            typer.echo("not saved: the run has failed", err=True)
            raise
        try:
            saved = _save_run(compiler, result, wanted, asks=is_at_terminal())
        except SuperscalarError as error:
            raise CommandError(f"not saved: {error}", kind=type(error).__name__, code=FAILED) from error
        _tell_saved(saved)


def _saved_document(compiler: LLMCompiler, result: RunResult[Any], wanted: SaveAs) -> dict[str, Any]:
    from superscalar.cli.plans import plan_summary

    try:
        return plan_summary(_save_run(compiler, result, wanted, asks=False))
    except SuperscalarError as error:
        return {"name": wanted.name, "error": str(error)}


def _save_run(compiler: LLMCompiler, result: RunResult[Any], wanted: SaveAs, *, asks: bool) -> SavedPlan:
    """Save the plan of a run. With `asks`, the person at the terminal says which constants become inputs.

    Raises:
        UsageError: the plan cannot be saved, or should not be; the message says why not.
    """
    from superscalar.compiler.learned import asked_in
    from superscalar.saved.constants import found_in, plan_constants, words_of_plan

    offered = found_in(asked_in(result), plan_constants(result.plan.tasks))
    left = [one for one in offered if one.value not in wanted.inputs.values()]
    chosen = {**wanted.inputs, **(_asked(left, set(wanted.inputs), words_of_plan(result.plan.tasks)) if asks else {})}
    saved = compiler.plans.save(wanted.name, result, inputs=chosen)
    if left and not asks:
        words = [typed("--save-input", f"{one.name or 'NAME'}={json.dumps(one.value)}") for one in left]
        typer.echo(safe_line(f"constants of the question that stayed constants: {'  '.join(words)}"), err=True)
    return saved


def _asked(offered: Iterable[PlanConstant], given: set[str], in_plan: set[str]) -> dict[str, Any]:
    """Which constants become inputs, as the person at the terminal says; no input any more is a no."""
    chosen: dict[str, Any] = {}
    for one in offered:
        proposed = "" if one.name in given | chosen.keys() else one.name
        name = _asked_of(one, proposed, (given | chosen.keys() | in_plan) - {proposed})
        if name:
            chosen[name] = one.value
    return chosen


def _asked_of(constant: PlanConstant, proposed: str, taken: set[str]) -> str:
    """The name of the input that a constant becomes; empty if it stays one."""
    from superscalar.tools.plan_inputs import check_input_name

    where = f" in {', '.join(constant.where)}" if constant.where else ""
    yes = f"[y]es, as {proposed}, " if proposed else ""
    question = f"{json.dumps(constant.value, ensure_ascii=False)}{where}: an input? {yes}[n]o, or a name: "
    while True:
        typer.echo(safe_line(question), err=True, nl=False)
        word = sys.stdin.readline().strip()
        if word.lower() in ("n", "no", ""):
            return ""
        name = proposed if word.lower() in ("y", "yes") else word
        try:
            check_input_name(name)
        except ValueError:
            continue
        if name not in taken:
            return name


def _tell_saved(saved: SavedPlan) -> None:
    """Say on standard error where a plan was saved, and what comes next."""
    approve = typed("superscalar", "plans", "approve", saved.name, "--plans", str(saved.path.parent))
    typer.echo(safe_line(f"saved: {saved.path} ({saved.state}); look at it and approve it: {approve} ..."), err=True)
