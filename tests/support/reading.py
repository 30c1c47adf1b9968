"""Reading plans in tests: a table of tools, and a plan's tasks and diagnostics in a few characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from superscalar.plan import ir
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.ir.signatures import Parameter, ResourceFunction, Signature, Signatures
from superscalar.plan.print.program import print_expr
from superscalar.plan.read.fronts.python import PythonReader
from superscalar.plan.read.program import Program, ProgramStep, Retirement


def _is_text(constant: Any) -> str | None:
    return None if isinstance(constant, str) else "write text"


def signature(
    name: str,
    *parameters: str,
    effect: Literal["pure", "read", "write"] = "read",
    provider: str = "",
    resource: str | ResourceFunction | None = None,
) -> Signature:
    """A tool; `x?` is a parameter that may be left out, `x:` one that takes text."""
    made = [
        Parameter(p.rstrip("?:"), p.rstrip("?:"), required="?" not in p)
        if ":" not in p
        else Parameter(p.rstrip("?:"), p.rstrip("?:"), "str", required="?" not in p, reject=_is_text)
        for p in parameters
    ]
    return Signature(name, name, tuple(made), effect=effect, provider=provider, resource=resource)


TOOLS = Signatures(
    [
        signature("f", "x?", "y?", effect="pure"),
        signature("g", "x?", "y?", effect="pure"),
        signature("look", "key:", provider="web"),
        signature("load", "key?", provider="store"),
        signature("save", "key?", "value?", effect="write", provider="store"),
        signature("mail", "to?", effect="write", provider="post"),
    ]
)


class Reading:
    """A program as it is read: `feed` text, then look at `tasks` and `found`."""

    def __init__(self, tools: Signatures = TOOLS) -> None:
        self.program = Program(tools)
        self.reader = PythonReader(self.program)
        self.tasks: list[ir.Task] = []
        self.found: list[Diagnostic] = []
        self.retired: list[str] = []

    def feed(self, *chunks: str) -> list[str]:
        """The ids of the tasks that this completed."""
        return self.note(step for chunk in chunks for step in self.reader.feed(chunk))

    def finish(self, reason: Literal["stop", "cut"] = "stop") -> list[str]:
        return self.note(self.reader.finish(reason))

    def note(self, steps: Iterable[ProgramStep]) -> list[str]:
        before = {task.id for task in self.tasks}
        for step in steps:
            if isinstance(step, Diagnostic):
                self.found.append(step)
            elif isinstance(step, Retirement):
                self.retired += step.ids
                self.tasks = [task for task in self.tasks if task.id not in step.ids]
            else:
                self.tasks.append(step)
        return [task.id for task in self.tasks if task.id not in before]

    def repair(self, text: str, reason: Literal["stop", "cut"] = "stop") -> list[str]:
        """One reply with corrections; the ids of the tasks that it completed."""
        self.reader = PythonReader(self.program)
        self.program.begin_repair()
        done = [*self.feed(text), *self.finish(reason)]
        return [*done, *self.note(self.program.end_repair())]

    def next_round(self, text: str) -> list[str]:
        self.program.next_round()
        self.reader = PythonReader(self.program)
        return [*self.feed(text), *self.finish()]

    @property
    def shown(self) -> list[str]:
        """Every task in program order as `id = work`, see `show`."""
        return show(self.program.in_order())

    @property
    def problems(self) -> list[str]:
        """What is wrong still: `line code`."""
        return [f"{problem.span.line} {problem.code}" for problem in self.program.problems]


def read(text: str, tools: Signatures = TOOLS) -> Reading:
    """A whole plan, read to its end."""
    reading = Reading(tools)
    reading.feed(text)
    reading.finish()
    return reading


def show(tasks: Sequence[ir.Task], indent: str = "") -> list[str]:
    """Tasks as lines that say everything but their needs: `id = work`, then `if`, `unless` and `after`.

    References are written in angle brackets, since ids are no names. The body of a map follows it, indented.
    """
    return [line for task in tasks for line in _lines(task, indent)]


def _lines(task: ir.Task, indent: str) -> Iterator[str]:
    more = [f"{'if' if guard.expected else 'unless'} <{guard.condition}>" for guard in task.guards]
    more += [f"after <{before}>" for before in task.after]
    yield f"{indent}{task.id} = {_work(task.work)}" + (f" ({', '.join(more)})" if more else "")
    if isinstance(task.work, ir.Map):
        yield from show(task.work.body, indent + "  ")


def _work(work: ir.Work) -> str:
    match work:
        case ir.Call(tool, arguments, effect):
            shown = ", ".join(f"{name}={text(value)}" for name, value in arguments)
            return f"{tool}({shown})" + ("!" if effect == "write" else "")
        case ir.Compute(value):
            return text(value)
        case ir.Map(source, item, _, result, kind, key, keep, flatten, chained):
            said = [f"{kind} of <{result}> for <{item}> in <{source}>"]
            said += [f"key <{key}>"] if key else []
            said += [f"keep <{kept}>" for kept in keep]
            said += ["flatten"] if flatten else []
            said += [f"chained <{link}>" for link in chained]
            return ", ".join(said)
        case ir.PlanCall(entry, result, effect):
            return f"<{result}> of <{entry}>" + ("!" if effect == "write" else "")
        case ir.Supplied(given):
            return f"input {given.type}"
        case ir.Display(kind, items, keys):
            return f"{kind} of " + ", ".join([*(text(k) for k in keys), *(f"<{item}>" for item in items)])
        case ir.Join(items, whole):
            named = [f"{name}=<{task}>" if name else f"<{task}>" for name, task in items]
            return f"join({', '.join(named)})" + (" of everything" if whole else "")
        case ir.First(count, source):
            return f"first {text(count)} of <{source}>"
        case ir.Select(condition, then, otherwise):
            return f"select <{then}> if <{condition}> else <{otherwise}>"
        case ir.Each(loop, tasks, spliced, last, otherwise):
            gathered = ", ".join(f"{'*' * (task in spliced)}<{task}>" for task in tasks)
            return f"{'last' if last else 'each'} of {gathered} in <{loop}>" + (
                f" or <{otherwise}>" if otherwise else ""
            )


def text(expr: ir.Expr) -> str:
    """An expression with its references in angle brackets."""
    return print_expr(_marked(expr))


def _marked(value: Any) -> Any:
    """The same with every `Ref` turned into a variable of that spelling, which prints as itself."""
    if isinstance(value, ir.Ref):
        return ir.Var(f"<{value.task}>")
    if isinstance(value, tuple):
        return tuple(_marked(part) for part in value)
    if hasattr(value, "__dataclass_fields__"):
        return type(value)(*(_marked(getattr(value, name)) for name in value.__dataclass_fields__))
    return value
