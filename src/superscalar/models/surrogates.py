"""Characters beyond the basic plane that a server cut in two, as JSON may write them."""

from __future__ import annotations

import re
from typing import Final

_ANY: Final = re.compile("[\ud800-\udfff]")


class Surrogates:
    """Joins the halves of characters over pieces of a text. A half that stays alone becomes U+FFFD."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Take the next piece; a half at its end waits for the next."""
        if not text or (not self._half and _ANY.search(text) is None):
            return text
        text = self._half + text
        self._half = ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return without_halves(text)

    def flush(self) -> str:
        """The text is over."""
        half, self._half = self._half, ""
        return without_halves(half)


def without_halves(text: str) -> str:
    """A text without lone halves."""
    if _ANY.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
