"""What must hold for every text, whatever it says."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any

from fuzz.world import tools
from superscalar import JoinError, LLMCompiler, PlanError, Toolset
from superscalar.plan import Plan, check, compile_plan, detect, ir
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.print.program import print_plan
from superscalar.plan.read.fronts.detect import SYNTAXES, reader_of
from superscalar.plan.read.program import Program, ProgramStep, Retirement
from superscalar.testing import ScriptedModel, run

MOST_SECONDS = 20  # of this process; far more than any text takes
_FORBIDDEN = frozenset(
    [
        "open",
        "exec",
        "import",
        "os.system",
        "subprocess.Popen",
        "socket.connect",
        "os.exec",
        "shutil.rmtree",
        "os.remove",
    ]
)
_watched: list[str] | None = None


class Finding(Exception):
    """Something that must never happen. `kind` tells findings apart."""

    def __init__(self, kind: str, detail: str) -> None:
        self.kind = kind
        super().__init__(f"{kind}: {detail}")


class _Hung(BaseException):
    """It takes too long."""


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched is not None and event in _FORBIDDEN:
        _watched.append(f"{event} {str(arguments)[:200]}")


sys.addaudithook(_audit)


@contextmanager
def _bounded() -> Iterator[None]:
    """Ends what takes too long, where the platform can; nothing else of the process is touched."""

    def ring(*_: object) -> None:
        raise _Hung

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)  # of this process alone, however busy the machine is
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def _watching() -> Iterator[list[str]]:
    """What Python's audit hooks say of files, imports, processes and code while something is evaluated."""
    global _watched
    _watched = []
    try:
        yield _watched
    finally:
        _watched = None


def examine(text: str, random: Random) -> str:
    """Look at a text from all sides; returns how far it got.

    Raises:
        Finding: one of the invariants does not hold.
    """
    step = "reading"

    def at(what: str) -> None:
        nonlocal step
        step = what

    try:
        with _bounded():
            return _examined(text, random, at)
    except Finding:
        raise
    except _Hung as error:
        raise Finding(f"hangs while {step}", f"over {MOST_SECONDS} s") from error
    except Exception as error:
        raise Finding(f"{type(error).__name__} while {step}", str(error)[:1_000]) from error


def _examined(text: str, random: Random, at: Callable[[str], None]) -> str:
    calls: Counter[str] = Counter()
    touched: list[str] = []
    toolset = Toolset(tools(random, calls, touched))
    signatures = toolset.signatures
    syntax = random.choice([detect(text), detect(text), *SYNTAXES])
    at(f"reading {syntax}")
    whole = _anatomy([text], signatures, syntax)
    for chunks in (_pieces(random, text), text.splitlines(keepends=True), [*text[:600], text[600:]]):
        if _anatomy(chunks, signatures, syntax) != whole:
            raise Finding(f"chunks matter in {syntax}", repr(chunks)[:500])
    reader = reader_of(syntax, Program(signatures))
    cut = text[: random.randrange(len(text) + 1)]
    beginning = [step for step in reader.feed(cut) if isinstance(step, ir.Task)]
    if [step for step, _ in whole if isinstance(step, ir.Task)][: len(beginning)] != beginning:
        raise Finding(f"what was completed is taken back in {syntax}", repr(cut))
    reader.finish("cut")
    at(f"checking {syntax}")
    for found in check(text, signatures, syntax):
        if len(str(found)) > 10_000:
            raise Finding("a diagnostic is too long", str(found)[:500])
    at("a session")
    _session(text, random, toolset)
    at("compiling")
    try:
        plan = compile_plan(text, signatures, syntax)
    except PlanError as error:
        str(error)
        return f"refused as {syntax}"
    at("printing")
    _printed(plan, signatures)
    at("running")
    with _watching() as events:
        _run(plan, toolset)
    if events:
        raise Finding("the plan reaches out of the language", "; ".join(events[:5]))
    if touched:
        raise Finding("a handle is looked into", ", ".join(touched[:5]))
    return f"ran as {syntax}"


def _anatomy(chunks: list[str], signatures: Signatures, syntax: str) -> list[tuple[ProgramStep, ir.Span]]:
    reader = reader_of(syntax, Program(signatures))
    steps = [step for chunk in chunks for step in reader.feed(chunk)]
    return [(step, ir.NOWHERE if isinstance(step, Retirement) else step.span) for step in [*steps, *reader.finish()]]


def _pieces(random: Random, text: str) -> list[str]:
    places = sorted(random.randrange(len(text) + 1) for _ in range(random.randrange(12)))
    return [text[begin:end] for begin, end in zip([0, *places], [*places, len(text)], strict=True)]


def _printed(plan: Plan, signatures: Signatures) -> None:
    """What is printed reads back as the same plan, and prints the same."""
    printed = print_plan(plan.tasks)
    try:
        again = compile_plan(printed, signatures, "python")
    except PlanError as error:
        raise Finding("what is printed does not read back", f"{printed}\n{error}") from error
    if repr([placeless(task) for task in again.tasks]) != repr([placeless(task) for task in plan.tasks]):
        raise Finding("what is printed reads back as another plan", printed)
    if print_plan(again.tasks) != printed:
        raise Finding("what is printed prints as another text", printed)


def placeless(value: Any) -> Any:
    """The same without places in the source, and what was tolerated there; its `repr` tells 1 from True."""
    if isinstance(value, ir.Span):
        return None
    if isinstance(value, ir.Task):
        value = replace(value, notes=())
    if isinstance(value, tuple):
        return tuple(map(placeless, value))
    if hasattr(value, "__dataclass_fields__"):
        return type(value)(*(placeless(getattr(value, name)) for name in value.__dataclass_fields__))
    return value


def _run(plan: Plan, toolset: Toolset) -> None:
    agent = LLMCompiler(tools=[toolset], max_tasks=1_000, max_fan_out=50, timeout=20)
    outcomes = run(agent.execute(plan))
    missing = [task.id for task in plan.tasks if task.id not in outcomes]
    if missing:
        raise Finding("tasks never settled", ", ".join(missing))


def _session(text: str, random: Random, toolset: Toolset) -> None:
    """A model writes it in chunks, and what is wrong is written again, cut or changed."""
    replies = [text, *(random.choice([text, text[: random.randrange(len(text) + 1)], "a = 1\n", ""]) for _ in range(3))]
    finish: Any = random.choice(["stop", "stop", "length", None])
    model = ScriptedModel(*replies, chunk=random.choice([None, 3, 17]), finish=finish)
    agent = LLMCompiler(model, [toolset], joiner=None, max_repairs=3, max_tasks=500, max_fan_out=20, timeout=20)
    try:
        run(agent.run("?"))
    except JoinError:  # nothing of what it joins has a value
        return
    except PlanError as error:
        found = [each for each in error.diagnostics if isinstance(each, Diagnostic)]
        if not found:
            raise Finding("a plan is refused without a word", str(error)) from error
