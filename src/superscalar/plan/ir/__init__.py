"""The one intermediate representation of a plan: tasks over expressions, frozen.

A plan is a sequence of `Task`s in program order. Every `Ref` points to an earlier task, so the graph has no cycle by
construction (rule L8). A call never stands inside an expression: it was lifted to a task of its own (rule L10).

Ids (rule L31): `name`; `name.2`, its second version; `name.tool`, `name.tool.2`, calls lifted out of its expression;
`tool()`, a statement that is a bare call; `name[i]`, an item of a map or display, and `name[i].tool` inside it. In the
body of a map, which is written once and instantiated per item, `[i]` is printed `[]`. `if`, `for`: the condition of an
`if` and the map of a loop; `for[i]:name`, a name of a loop's body. `name/x`: the task `x` of the plan that the task
`name` calls (`PlanCall`), and `name/()` where that is entered.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias, final, get_args
from typing import Literal as OneOf

from superscalar.labels import NOTHING, Label
from superscalar.plan.ir.aliases import told_name
from superscalar.short import LONGEST_REPR, cut
from superscalar.values import TaskId

LANGUAGE: Final = 2
"""The version of the plan language: it grows by one when a text, or a task, comes to mean something else.

1: up to 0.1.0. 2: an item that has no value keeps its place (rule L33), a repair takes the place of what it mends
(L30), and functions, methods and statements of Python that version 1 refuses have a meaning.
"""


class Span(NamedTuple):
    """A stretch of source text: lines count from 1, columns (characters) from 0, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


NOWHERE = Span(0, 0, 0, 0)

# --------------------------------------------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: None, a bool, a number, text or bytes."""

    value: bool | int | float | str | bytes | None


@dataclass(frozen=True, slots=True)
class Ref:
    """The value that an earlier task left behind. A node, never text (rule L9)."""

    task: TaskId


@dataclass(frozen=True, slots=True)
class Var:
    """A name bound by an enclosing `Comprehension` or `Lambda`, gone when that is evaluated."""

    name: str


@dataclass(frozen=True, slots=True)
class Hole:
    """A `{value!r:spec}` of an f-string."""

    value: Expr
    conversion: OneOf["", "s", "r", "a"] = ""
    spec: Text | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """An f-string: constant parts and holes in order."""

    parts: tuple[str | Hole, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`, `+x`, `~x`, `not x`."""

    operator: OneOf["-", "+", "~", "not"]
    operand: Expr


BinarySign: TypeAlias = OneOf["+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^"]
BINARY_SIGNS: Final[tuple[BinarySign, ...]] = get_args(BinarySign)


@dataclass(frozen=True, slots=True)
class Binary:
    """An arithmetic or bitwise operation."""

    operator: BinarySign
    left: Expr
    right: Expr


Comparator: TypeAlias = OneOf["==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not"]


@dataclass(frozen=True, slots=True)
class Compare:
    """`first op x op y ...`, chained as in Python."""

    first: Expr
    rest: tuple[tuple[Comparator, Expr], ...]


@dataclass(frozen=True, slots=True)
class Logic:
    """`a and b and ...` or `a or b or ...`; a later operand is looked at only if it matters."""

    operator: OneOf["and", "or"]
    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """`then if condition else otherwise`; only the chosen side is looked at."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Index:
    """`base[index]`. With a constant index it looks at one item of a map or display (rule L15)."""

    base: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Slice:
    """`base[start:stop:step]`."""

    base: Expr
    start: Expr | None
    stop: Expr | None
    step: Expr | None


@dataclass(frozen=True, slots=True)
class Field:
    """`base.name`: a field of a record or a key of a mapping (rule L4).

    `key`: its own name, where `name` is known to be an alias (rule L7).
    """

    base: Expr
    name: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Item `index` of `base`, which must hold exactly `count` items: one target of `a, b = base`."""

    base: Expr
    index: int
    count: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list, tuple or set display without calls in it."""

    kind: OneOf["list", "tuple", "set"]
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Dict:
    """A dict display without calls in it."""

    items: tuple[tuple[Expr, Expr], ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """`for target in iterable if condition ...`; a target is a name or a (nested) tuple of names."""

    target: Target
    iterable: Expr
    conditions: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Comprehension:
    """A comprehension without calls in it; `key` is set for a dict only."""

    kind: OneOf["list", "set", "dict"]
    element: Expr
    clauses: tuple[Clause, ...]
    key: Expr | None = None


@dataclass(frozen=True, slots=True)
class Apply:
    """A call of one of the listed functions (rule L3), `ok`, `default` and `first` included."""

    function: str
    arguments: tuple[Expr, ...]
    keywords: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """A call of one of the listed methods of text and mappings (rule L3)."""

    base: Expr
    name: str
    arguments: tuple[Expr, ...]
    keywords: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class Fold:
    """`initial`, and every one of `items` in order added to it with `operator`: `acc += e` in a loop (rule L14).

    `operator` is one of `Binary`, or one of `ir.changes.CHANGES`: then it is what a collection comes to that each of
    `items` changes.
    """

    operator: str
    initial: Expr
    items: Expr


@dataclass(frozen=True, slots=True)
class Missing:
    """Whether `operand` has no value because a task failed or was skipped: when a fallback is wanted (rule L15)."""

    operand: Expr


@dataclass(frozen=True, slots=True)
class Lambda:
    """A function of one or more values, allowed as `key=` only."""

    parameters: tuple[str, ...]
    body: Expr


Target: TypeAlias = "str | tuple[Target, ...]"

Expr: TypeAlias = (
    Literal
    | Ref
    | Var
    | Text
    | Unary
    | Binary
    | Compare
    | Logic
    | Choice
    | Index
    | Slice
    | Field
    | Unpacked
    | Sequence
    | Dict
    | Comprehension
    | Apply
    | Method
    | Fold
    | Missing
    | Lambda
)

# --------------------------------------------------------------------------------------------------------- tasks


@final
class Unbound:
    """Stands for a value that is not there: a default that an input has not, or what one is still to be given."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNBOUND"

    def __reduce__(self) -> str:
        return "UNBOUND"  # there is one


UNBOUND: Final = Unbound()


@dataclass(frozen=True, slots=True)
class Input:
    """What a plan is given when it is run, under this name.

    `type`: an annotation, or one as text (`list[str] | None`); in a plan it is text. Without a `default` it has to be
    given. `secret`: its value, a text, is shown nowhere, and in no journal.
    """

    type: Any = "Any"
    default: Any = field(default=UNBOUND, hash=False)
    description: str = ""
    secret: bool = False
    name: str = ""

    @property
    def required(self) -> bool:
        """Tell whether it has to be given."""
        return self.default is UNBOUND


@dataclass(frozen=True, slots=True)
class Access:
    """What a call reads or writes (rule L17): a `resource` of its `provider`, or all of that where none was declared.

    Not `known`: the name is a function of arguments that have no values yet, so until then it is all of the provider.
    """

    provider: str
    resource: str | None = None
    known: bool = True

    def meets(self, other: Access) -> bool:
        """Whether both may touch the same thing."""
        if self.provider != other.provider:
            return False
        return self.resource is None or other.resource is None or self.resource == other.resource


@dataclass(frozen=True, slots=True)
class Call:
    """Call a tool. `tool` and the parameter names are the printed aliases (rule L7).

    `access`: what it touches, where some tool of the provider writes; set by `plan.passes.order`. `enters`: the tool is
    a plan, whose own tasks follow, and this calls nothing: it is where a rule that names the tool has its say.
    """

    tool: str
    arguments: tuple[tuple[str, Expr], ...] = ()
    effect: OneOf["pure", "read", "write"] = "read"
    access: Access | None = None
    enters: bool = False


@dataclass(frozen=True, slots=True)
class Compute:
    """Evaluate an expression: no tool, no slot, no waiting.

    `given_for`: a tool that is a plan, and the parameter of it for which this is given, whose type it must have.
    """

    value: Expr
    given_for: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Map:
    """Run `body` once per item of `source`; items flow independently, the result is in input order (rule L13).

    Inside the body `Ref(item)` is the item. `result` names the body's task (or the item itself) whose outcome is the
    element; `key` likewise, for a dict. `keep`: the tasks of the body whose values must all be true for the item to
    count (the filters). `flatten`: the elements are maps themselves and their items are spliced in (a further `for`).
    `chained`: body tasks that wait for the same tasks of the item before (accesses of a resource that the body writes).
    `ok_of`: `source` is what `ok` keeps of that task. If its items come in one by one, each that succeeds is gone
    through at once, as an item of that task: the others count as little as what a filter leaves out.
    """

    source: TaskId
    item: TaskId
    body: tuple[Task, ...]
    result: TaskId
    kind: OneOf["list", "tuple", "set", "dict"] = "list"
    key: TaskId | None = None
    keep: tuple[TaskId, ...] = ()
    flatten: bool = False
    chained: tuple[TaskId, ...] = ()
    ok_of: TaskId | None = None


@dataclass(frozen=True, slots=True)
class Display:
    """A display with calls in it: one outcome per item (rule L15). `keys` are set for a dict only."""

    kind: OneOf["list", "tuple", "set", "dict"]
    items: tuple[TaskId, ...]
    keys: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class First:
    """`first(count, source)`: the first `count` items of a list that succeed, in input order (rule L16)."""

    count: Expr
    source: TaskId


@dataclass(frozen=True, slots=True)
class Select:
    """What a name stands for after an `if` (rule L11): `then` if the condition held, else `otherwise`.

    None is a path on which the name has no value: the select is then skipped by guard.
    """

    condition: TaskId
    then: TaskId | None
    otherwise: TaskId | None


@dataclass(frozen=True, slots=True)
class Each:
    """What tasks in the body of `loop` left behind, item by item: how values leave a `for` (rule L14).

    All of them as a list, item by item and within an item in the order of `tasks`, behind the items of what `otherwise`
    left behind; with `last`, the last one that was reached, or else what `otherwise` left behind. The items of a task
    of `spliced` are put in its place.
    """

    loop: TaskId
    tasks: tuple[TaskId, ...]
    spliced: tuple[TaskId, ...] = ()
    last: bool = False
    otherwise: TaskId | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """What the joiner sees. One unnamed item: its value; several: a list; named: an object (rule L6)."""

    items: tuple[tuple[str | None, TaskId], ...]
    whole_plan: bool = False


@dataclass(frozen=True, slots=True)
class Supplied:
    """The value of an input of the plan. Its task is called as the input is, and stands before all others.

    A plan that was compiled has no `value` there yet; one that runs has, with the `label` of what it was given.
    """

    input: Input
    value: Any = field(default=UNBOUND, hash=False, repr=False)
    label: Label = NOTHING


@dataclass(frozen=True, slots=True)
class PlanCall:
    """What a call of a plan comes to: its tasks stand before this one, their ids begin with its own (`brief/price`).

    `entry`: the call that enters it, which has the tool and the arguments. `result`: what it joins, item by item.
    `effect`: what its tasks may do, all together.
    """

    entry: TaskId
    result: TaskId
    effect: OneOf["pure", "read", "write"] = "read"


Work: TypeAlias = Call | Compute | Map | Display | First | Select | Each | Join | Supplied | PlanCall


@dataclass(frozen=True, slots=True)
class Guard:
    """The task runs only if `condition` came out as `expected` (rule L12)."""

    condition: TaskId
    expected: bool


class Need(NamedTuple):
    """What a task waits for before it is ready.

    `value`: the task succeeded, or else this one is skipped. `outcome`: it settled in whatever way; what happens then
    is decided where the expression is evaluated. `item`: the same for item `item` of a map or display. `shape`: how
    many items it has. `named`: nothing, or not always; but it is of use to this task, and part of what it means.
    """

    task: TaskId
    mode: OneOf["value", "outcome", "item", "shape", "named"] = "value"
    item: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One node of the graph.

    `needs` is derived from `work` (see `needs_of`) and kept so that nothing walks expressions twice. `after`: ordering
    edges, tasks that must have ended before this one starts, however they ended. `thought`: the comment
    above it. `notes`: what the reader tolerated.
    """

    id: TaskId
    work: Work
    needs: tuple[Need, ...] = ()
    guards: tuple[Guard, ...] = ()
    after: tuple[TaskId, ...] = ()
    thought: str = ""
    notes: tuple[str, ...] = ()
    span: Span = field(default=NOWHERE, compare=False)


SHOWN: Final[dict[OneOf["text", "picture"], Callable[[Plan], str]]] = {}
"""How a plan is shown, by those who can: this room knows neither text nor pictures."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole, checked plan: its tasks in program order, the text they came from, and the syntax of that.

    `str(plan)` is its text in Python, whatever it was written in; a notebook draws it. `compiled_with`: the tools that
    it calls, where somebody in this process knows them.
    """

    tasks: tuple[Task, ...]
    source: str = field(default="", compare=False)
    warnings: tuple[object, ...] = field(default=(), compare=False)
    syntax: str = field(default="python", compare=False)
    compiled_with: object = field(default=None, compare=False, repr=False)

    def __reduce__(self) -> tuple[type[Plan], tuple[object, ...]]:
        return Plan, (self.tasks, self.source, self.warnings, self.syntax)  # tools are of the process that has them

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)

    def __len__(self) -> int:
        return len(self.tasks)

    def __str__(self) -> str:
        return SHOWN["text"](self)

    def __repr__(self) -> str:
        calls = ", ".join(
            dict.fromkeys(told_name(task.work.tool) for task in self.calls if isinstance(task.work, Call))
        )
        return cut(f"<{type(self).__name__}: {len(self):,} tasks, calls of {calls or 'nothing'}>", LONGEST_REPR)

    def _repr_html_(self) -> str:
        return SHOWN["picture"](self)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Return what it is given when it is run, in the order in which that was declared."""
        return inputs_of(self.tasks)

    def function(self, agent: Any, **named: Any) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Make an async Python function of it that an agent runs: its inputs are the parameters.

        `named`: as for `LLMCompiler.function`.
        """
        made: Callable[..., Coroutine[Any, Any, Any]] = agent.function(self, **named)
        return made

    @property
    def calls(self) -> tuple[Task, ...]:
        """Return the tasks that call a tool, bodies of maps included."""
        return tuple(task for task in walk(self.tasks) if isinstance(task.work, Call))


def secret_inputs(tasks: Iterable[Task]) -> frozenset[TaskId]:
    """The tasks of a plan whose values are shown nowhere, whatever they are."""
    return frozenset(task.id for task in tasks if isinstance(task.work, Supplied) and task.work.input.secret)


def inputs_of(tasks: Iterable[Task]) -> tuple[Input, ...]:
    """What a plan of these tasks is given when it is run."""
    return tuple(task.work.input for task in tasks if isinstance(task.work, Supplied))


def walk(tasks: tuple[Task, ...]) -> Iterator[Task]:
    """Every task, those of map bodies included, in program order."""
    for task in tasks:
        if isinstance(task.work, Map):
            yield from walk(task.work.body)
        yield task
