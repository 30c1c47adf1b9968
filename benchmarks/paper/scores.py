"""Which answers are right: numbers within a tenth, as the paper's evaluation has it, and names."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from typing import Final

_NUMBER: Final = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_CLOSED: Final = ("yes", "no")
_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)


def is_right(answer: str, expected: str, others: Iterable[str] = ()) -> bool:
    """Tell whether an answer is right: one of words as well, which the paper's evaluation takes for wrong.

    Where a number is expected, the last one of the answer is less than a tenth away from it. Yes or no is its first
    word. Else what is expected stands in the answer, case, punctuation and articles aside, and none of the `others`
    that it could have been does.
    """
    try:
        wanted = float(expected)
    except ValueError:
        said = f" {plain_words(answer)} "
        if expected in _CLOSED:
            return said.startswith(f" {expected} ")
        return f" {plain_words(expected)} " in said and not any(
            f" {plain_words(other)} " in said.replace(f" {plain_words(expected)} ", " ") for other in others
        )
    numbers = [float(found.replace(",", "")) for found in _NUMBER.findall(answer)]
    return bool(numbers) and abs(numbers[-1] - wanted) < 0.1 * abs(wanted)


def plain_words(text: str) -> str:
    """A text without case, punctuation and articles, as SQuAD's evaluation compares it."""
    words = text.casefold().translate(_PUNCTUATION).split()
    return " ".join(word for word in words if word not in ("a", "an", "the"))
