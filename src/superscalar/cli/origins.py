"""Where a value of a recorded run came from, as a tree and as a JSON document."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from superscalar.cli.terminal import console, safe_line
from superscalar.observe.provenance import Made, Provenance
from superscalar.short import short
from superscalar.tools.trust import remembered
from superscalar.values import Failure, Observation, Outcome, Skipped

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

    from superscalar.journal import Journal

_WIDEST = 60  # characters of a value
_WIDTH = 200  # characters of a line where nobody looks at a terminal


def provenance_of(journal: Journal, run: str) -> Provenance:
    """The provenance of a recorded run. Of tools that nothing was recorded of, nothing is trusted."""
    about = journal.summary(run).about
    declared = remembered(about.get("declared", {}))
    return Provenance((record.event for record in journal.read(run)), declared, str(about.get("question", "")))


def print_made(made: Made) -> None:
    """How a value was made, as a tree: what it was made from below it, and what decided on it."""
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(_line(made, ""))
    pending: list[tuple[Made, Tree]] = [(made, tree)]
    while pending:
        one, branch = pending.pop()
        for how, inputs in (("", one.inputs), ("because ", one.because)):
            pending += [(inner, branch.add(_line(inner, how))) for inner in inputs]
    out = console(sys.stdout)
    out.print(tree, width=out.width if out.is_terminal else _WIDTH)
    out.print(Text(f"\nfrom {safe_line(str(made.label))}", style="" if made.label.trusted else "yellow"))


def _line(made: Made, how: str) -> Text:
    from rich.text import Text

    mark = Text("")
    if not made.label.trusted:
        mark.append(f"  not trusted{_but_for(path for path, label in made.parts if label.trusted)}", style="yellow")
    if made.label.readers is not None:
        others = _but_for(path for path, label in made.parts if label.readers is None)
        mark.append(f"  only for {', '.join(sorted(made.label.readers)) or 'nobody'}{others}", style="magenta")
    told = "  (above)" if made.told else f"  {_shown(made.outcome)}"
    return Text.assemble(
        (how, "dim"), (safe_line(made.id), "bold"), f" = {safe_line(made.text)}", mark, (safe_line(told), "dim")
    )


def _but_for(paths: Iterable[str]) -> str:
    """The parts of a value of which that is not so."""
    first, *others = [safe_line(path) for path in paths] or [""]
    more = f" and {len(others) - 2} more" if len(others) > 2 else ""
    return first and f" but for {', '.join([first, *others[:2]])}{more}"


def _shown(outcome: Outcome | None) -> str:
    match outcome:
        case Observation(value):
            return f"-> {short(value, _WIDEST)}"
        case Failure():
            return f"failed: {short(str(outcome), _WIDEST)}"
        case Skipped():
            return str(outcome)
        case None:
            return "not settled"
