"""A program from its tasks: what an earlier process planned is continued without reading its text again."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from superscalar.errors import IllegalEvent
from superscalar.plan import ir
from superscalar.plan.ir.forms import is_assert
from superscalar.plan.ir.signatures import Output, Signatures
from superscalar.plan.ir.within import ENTRY, is_inside
from superscalar.plan.passes.pipeline import bare
from superscalar.plan.print.expression import name_of
from superscalar.plan.print.program import print_plan
from superscalar.plan.read.ground import Ground
from superscalar.plan.read.lowering.body import Writes
from superscalar.plan.read.lowering.outputs import EMPTY_LIST, ITEMS, Outputs, returned
from superscalar.plan.read.lowering.scope import ScopePath
from superscalar.plan.read.slots import Arm, Branch, OpenBranch, Slot, names_given
from superscalar.plan.read.source import SourceText, parsed
from superscalar.values import TaskId

_ROOT: Final = re.compile(r"(?P<base>\([^)]*\)|\w+(?:\(\))?)(?:\.(?P<number>\d+)(?=$|[.\[:/]))?")
_NOTHING: Final = SourceText("", 0)


def begun_with(signatures: Signatures, inputs: Iterable[ir.Input]) -> Adopted | None:
    """What a program begins with that is given these inputs; None where there are none."""
    tasks = [ir.Task(input.name, ir.Supplied(input)) for input in inputs]
    return Adopted(signatures, [tasks, ()]) if tasks else None


class Adopted:
    """What a program has come to whose first statements are there as tasks, round by round.

    Names stand for what they stood for, ids stay unique, and accesses keep their order. Of a statement of which only
    the first tasks are there the name stands for nothing. `being_written`: so was the last round, and `open` are its
    `if`s whose last line may not be there. `retired`: the ids of tasks that were taken back, which stay used. `now` and
    `ground`: where it stands, and where its last round began. `joined`: that has its `join`.
    """

    def __init__(
        self,
        signatures: Signatures,
        rounds: Sequence[Sequence[ir.Task]],
        *,
        being_written: bool = False,
        retired: Collection[TaskId] = (),
    ) -> None:
        self._signatures = signatures
        self.now = Ground.empty(signatures)
        self.ground = Ground.empty(signatures)
        self.retired = frozenset(with_roots(retired))
        self.joined = False
        self.open: list[OpenBranch] = []
        self._writing = Writes(frozenset())
        self._by_header: dict[TaskId, Branch] = {}
        for number, tasks in enumerate(rounds):
            if number:
                self.now.next_round()
                self.ground = self.now.copy()
                self.joined = False
            for task in tasks:
                self._adopt(task)
        self.inputs = frozenset(input.name for tasks in rounds for input in ir.inputs_of(tuple(tasks)))
        self.being_written = being_written and bool(rounds) and bool(rounds[-1])
        if self.being_written:
            self._reopen(rounds[-1])

    # ---------------------------------------------------------------------------------------------------- one task

    def _adopt(self, task: ir.Task) -> None:
        self.now.count += 1
        place = (self.now.count,)
        self.now.tasks.append(((*place, 0), task))
        for inner in ir.walk((task,)):
            self._writing.note(inner.id, inner.work, inner.needs)
        self.now.writes = self._writing.own
        if not is_inside(task.id):
            self.now.sharing.note_all((task,))
            self.now.asserts += [ir.Guard(task.id, expected=True)] if is_assert(task.work) else []
        self.now.passes(bare(task))  # so that it knows of the access; what it says is said already
        self._note_output(task)
        self._number(task)
        path = self._path(task)
        if (header := self._header(task)) is not None:
            header.place = place
        name = name_of(task.id)
        if name is not None:
            self.now.names.bind(name, place, ir.Ref(task.id), path)
            if not _is_passing(task):
                self.now.top_level[name] = None
            for number, _ in path[-1:]:
                self._branch(number).targets[name] = None
        if isinstance(task.work, ir.Select) and name is not None:
            self._note_end(task.work.condition, name)
        self.joined = self.joined or isinstance(task.work, ir.Join)

    def _number(self, task: ir.Task) -> None:
        """Give the next statement that is called so another number."""
        root = _ROOT.match(task.id)
        if root is None:
            raise IllegalEvent(f"`{task.id}` is no id of a task")
        base, number = root["base"], int(root["number"] or 1)
        counted = (
            self.now.versions if base.isidentifier() and base not in ("if", "for", "assert") else self.now.nameless
        )
        counted[base] = max(counted.get(base, 0), number)

    def _note_output(self, task: ir.Task) -> None:
        match task.work:
            case ir.Call(tool, arguments) if (signature := self._signatures.called(tool)) is not None:
                of = task.id.removesuffix(ENTRY)  # what a plan comes to, the task does that stands for the call
                self.now.outputs[of] = returned(signature, arguments)
            case ir.Supplied(input):
                self.now.outputs[task.id] = _output_of(parsed(input.type).body[0])
            case ir.Map() | ir.Display(kind="list" | "tuple") | ir.Each(last=False):
                self.now.outputs[task.id] = ITEMS
            case ir.Compute(ir.Sequence("list", ())):
                self.now.outputs[task.id] = EMPTY_LIST
            case ir.Compute(value):
                self.now.outputs[task.id] = Outputs(self.now.outputs).of(value)

    # -------------------------------------------------------------------------------------------------------- blocks

    def _header(self, task: ir.Task) -> Slot | None:
        """The statement that a task is the condition of, if it is that of an `if`."""
        root = _ROOT.fullmatch(task.id)
        if root is None or root["base"] != "if":
            return None
        self.now.ifs += 1
        branch = Branch(self.now.ifs, self._arm_of(task.guards))
        branch.header = Slot(
            (), _NOTHING, None, (), nameless=task.id, published=True, arm=branch.outer, blocks=([], [])
        )
        self._by_header[task.id] = branch
        return branch.header

    def _note_end(self, condition: TaskId, name: str) -> None:
        """An `if` has ended, and behind it stands a version of that name."""
        branch = self._by_header.get(condition)
        if branch is not None:
            branch.targets.pop(name, None)

    def _arm_of(self, guards: Sequence[ir.Guard]) -> Arm | None:
        """The arm of an `if` in which a task with these guards stands."""
        for guard in reversed(guards):
            if (branch := self._by_header.get(guard.condition)) is not None:
                return Arm(branch, guard.expected)
        return None

    def _path(self, task: ir.Task) -> ScopePath:
        arm = self._arm_of(task.guards)
        return () if arm is None else arm.path

    def _branch(self, number: int) -> Branch:
        return next(branch for branch in self._by_header.values() if branch.number == number)

    def _reopen(self, tasks: Sequence[ir.Task]) -> None:
        """The `if`s whose last line may not have been written yet."""
        last = tasks[-1]
        arm = self._arm_of(last.guards)
        if last.id in self._by_header:
            arm = Arm(self._by_header[last.id], expected=True)
        while arm is not None and arm.branch.header is not None:
            header = arm.branch.header
            self.open.insert(0, OpenBranch(header, header.blocks[not arm.expected], arm))
            arm = arm.branch.outer


def with_roots(ids: Iterable[TaskId]) -> Iterator[TaskId]:
    """Ids, and those of the statements that the tasks are of: only the first tasks of one may have been there."""
    for id in ids:
        yield id
        if (root := _ROOT.match(id)) is not None:
            yield root[0]


def without_join(tasks: Sequence[ir.Task]) -> list[ir.Task]:
    """The tasks of a round but those of its `join`."""
    return [task for task in tasks if not task.id.startswith("join()")]


def can_go_on(tasks: Sequence[ir.Task]) -> bool:
    """Whether a text that was cut off behind these tasks may stand, for a planner to write its rest.

    Not where it has a write: the text may have been a draft, a writer who starts over means the same write and not
    another one, and nobody has said that it is to happen. Nor where the tasks of the last statement may not all be
    there, nor where they cannot be shown as a text.
    """
    if not tasks:
        return True
    if any(
        isinstance(task.work, ir.Call) and task.work.effect not in ("pure", "read") for task in ir.walk(tuple(tasks))
    ):
        return False
    return not _may_lack_tasks(tasks[-1]) and _is_text(tasks)


def _may_lack_tasks(last: ir.Task) -> bool:
    """Whether the statement of which this task is the last that is there may come to more of them."""
    root = _ROOT.fullmatch(last.id)
    if root is None or root["base"] in ("if", "for") or isinstance(last.work, ir.Each):
        return True
    return any(need.task.endswith(".each") for need in last.needs)  # the total of a loop, which may have others


def _is_text(tasks: Sequence[ir.Task]) -> bool:
    try:
        parsed(print_plan(tuple(tasks)))
    except SyntaxError:  # an `if` of which nothing but the condition is there
        return False
    return True


def as_text(tasks: Sequence[ir.Task]) -> list[Slot]:
    """The statements that tasks are, as they are printed."""
    return [_slot(tree) for tree in parsed(print_plan(tuple(tasks))).body]


def _slot(tree: ast.stmt) -> Slot:
    """A statement of a text that was printed."""
    if isinstance(tree, ast.If):
        text = f"if {ast.unparse(tree.test)}:"
        header = parsed(f"{text} pass").body[0]
        assert isinstance(header, ast.If)
        header.body = []
        blocks = [_slot(inner) for inner in tree.body], [_slot(inner) for inner in tree.orelse]
        return Slot((), SourceText(text), header, (), blocks=blocks)
    text = ast.unparse(tree)
    alone = parsed(text).body[0]
    return Slot((), SourceText(text), alone, names_given(alone, text))


def _output_of(type: ast.AST) -> Output:
    """What the type of an input tells of its value, and of each item of a list."""
    match type:
        case ast.Expr(value=ast.Subscript(ast.Name("list" | "set"), items) as value):
            return Output(ast.unparse(value), items=_output_of(ast.Expr(items)), annotated=True)
    return Output(ast.unparse(type), annotated=True)


def _is_passing(task: ir.Task) -> bool:
    """Whether it is what the name of a loop's item stands for behind the loop, which nobody wants joined."""
    return isinstance(task.work, ir.Each) and task.work.last and task.work.tasks == (f"{task.work.loop}[]:{task.id}",)
