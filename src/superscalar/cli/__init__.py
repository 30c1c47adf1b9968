"""The command line: arguments in, the compiler called, text out."""

from __future__ import annotations


def main() -> None:
    """The `superscalar` command; exits with 0 (answered), 1 (the plan or run failed), 2 (usage) or 130 (Ctrl-C)."""
    from superscalar.cli.app import app  # the rest of the package is loaded by the command that needs it
    from superscalar.cli.terminal import tolerate_narrow_encodings

    tolerate_narrow_encodings()
    app(prog_name="superscalar")
