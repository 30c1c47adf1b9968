"""Text for a terminal: what comes from tools and models is shown and never obeyed."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO

from superscalar.unseen import HIDDEN

if TYPE_CHECKING:
    from rich.console import Console

# C0 and C1 controls but for the newline, and what reorders text or hides in it; joiners stay.
_UNSAFE = re.compile(f"[\x00-\x09\x0b-\x1f\x7f-\x9f{HIDDEN}]")


def safe(text: str) -> str:
    """`text` with everything escaped that a terminal would act on; newlines stay, tabs become spaces."""
    return _UNSAFE.sub(_escape, text.replace("\r\n", "\n").expandtabs(4))


def safe_line(text: str) -> str:
    """The same on one line."""
    return " ".join(safe(text).split("\n"))


def json_safe(text: str) -> str:
    """JSON that says the same without a character that a terminal would act on."""
    return _UNSAFE.sub(_json_escape, text)


def json_text(document: Any) -> str:
    """A document as text that is safe on a terminal; everything but plain data must be gone."""
    return json_safe(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "backslashreplace").decode("ascii")


def _json_escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def console(file: TextIO) -> Console:
    """A console that shows text as it is: no markup, no emoji codes, no guessed highlights; it obeys NO_COLOR."""
    from rich.console import Console

    return Console(file=file, markup=False, emoji=False, highlight=False, soft_wrap=True)


def tolerate_narrow_encodings() -> None:
    """Print `\\u2713` rather than fail where the terminal's encoding lacks a character."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
