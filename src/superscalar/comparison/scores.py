"""How near an answer comes to what was expected: exact match and F1, as SQuAD and HotpotQA score answers."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable
from typing import Final

_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)
_CLOSED: Final = frozenset({"yes", "no", "noanswer"})


def normalized(answer: str) -> str:
    """The answer without case, punctuation, articles and spare spaces (arXiv 1606.05250, `evaluate-v1.1.py`)."""
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, expected: Iterable[str]) -> bool:
    """Tell whether it is one of those that are expected, once all are `normalized`."""
    return any(normalized(answer) == normalized(one) for one in expected)


def f1_score(answer: str, expected: Iterable[str]) -> float:
    """The best F1 of its words with those of an expected one, from 0 to 1.

    Where either is yes or no, only the same is worth anything (arXiv 1809.09600, `hotpot_evaluate_v1.py`).
    """
    return max((_f1(normalized(answer), normalized(one)) for one in expected), default=0.0)


def _f1(said: str, wanted: str) -> float:
    if said == wanted:
        return 1.0
    if said in _CLOSED or wanted in _CLOSED:
        return 0.0
    words, others = said.split(), wanted.split()
    same = (Counter(words) & Counter(others)).total()
    return 2 * same / (len(words) + len(others)) if same else 0.0
