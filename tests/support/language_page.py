"""The section of docs/language.md that is written from the table of functions and methods."""

from __future__ import annotations

from pathlib import Path

from superscalar.plan.evaluate.listed import Function, Listed
from superscalar.plan.evaluate.table import FUNCTIONS, METHODS_OF

PAGE = Path(__file__).parents[2] / "docs" / "language.md"
BEGIN = "<!-- From the table of functions: SUPERSCALAR_UPDATE_GOLDEN=1 pytest tests/plan/test_table.py writes it. -->\n"
END = "<!-- The end of what is written from the table. -->\n"


def section() -> str:
    """What the page says of every function, and of the methods of each kind of value."""
    functions = [_line(name, row) for name, row in FUNCTIONS.items()]
    methods = [f"| {whose} | `{' '.join(rows)}` |" for whose, rows in METHODS_OF.items()]
    return "\n".join(
        [
            "",
            "| Function | Takes | Written as in | What comes out |",
            "|---|---|---|---|",
            *functions,
            "",
            "| Methods of | |",
            "|---|---|",
            *methods,
            "\n",
        ]
    )


def parts() -> tuple[str, str, str]:
    """The page before the section, the section as it stands there, and the page behind it."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    inside, end, after = rest.partition(END)
    assert begin, "the mark before the section is gone"
    assert end, "the mark behind it is gone"
    return before, inside, after


def write() -> None:
    """Write the section anew."""
    before, _, after = parts()
    PAGE.write_text(f"{before}{BEGIN}{section()}{END}{after}")


def _line(name: str, row: Function) -> str:
    comes = row.about or {"": "", "number": "a number", "list[item]": "a list"}.get(row.gives, f"`{row.gives}`")
    return f"| `{name}` | {_takes(row)} | `{row.form}` | {comes} |"


def _takes(row: Listed) -> str:
    keywords = "any keywords" if row.keywords is None else ", ".join(f"`{word}=`" for word in sorted(row.keywords))
    takes = row.takes if row.fewest or row.most is not None else "any number"
    return f"{takes}; {keywords}" if keywords else takes
