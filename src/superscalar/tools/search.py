"""Finding tools by words: BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import log
from typing import Final

from superscalar.plan.ir.signatures import Signature

K1: Final = 1.2
"""How soon more of the same word says nothing more."""
B: Final = 0.75
"""How far a long description counts less, from 0 (not at all) to 1."""

_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_HUMP: Final = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def ranked(signatures: Iterable[Signature], query: str) -> list[Signature]:
    """The tools that have a word of the query in their name, description or parameters, the best first.

    Of two that are as good the earlier comes first.
    """
    tools = list(signatures)
    documents = [_words(_text_of(signature)) for signature in tools]
    scores = _scores(documents, list(dict.fromkeys(_words(query))))
    found = sorted((-score, place) for place, score in enumerate(scores) if score > 0.0)
    return [tools[place] for _, place in found]


def _scores(documents: Sequence[list[str]], query: Sequence[str]) -> list[float]:
    counts = [Counter(document) for document in documents]
    mean = sum(map(len, documents)) / max(len(documents), 1) or 1.0
    having = {word: sum(word in count for count in counts) for word in query}
    weights = {word: log(1.0 + (len(documents) - many + 0.5) / (many + 0.5)) for word, many in having.items()}
    return [
        sum(
            weight * count[word] * (K1 + 1.0) / (count[word] + K1 * (1.0 - B + B * len(document) / mean))
            for word, weight in weights.items()
        )
        for document, count in zip(documents, counts, strict=True)
    ]


def _text_of(signature: Signature) -> str:
    parameters = [f"{p.name} {p.description}" for p in signature.parameters]
    return " ".join([signature.name, signature.alias, signature.description, *parameters])


def _words(text: str) -> list[str]:
    """The words of a text, in lower case and without the s of a plural; names like `getUser` and `get_user` are two."""
    words = (word.lower() for word in _WORD.findall(_HUMP.sub(" ", text)))
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in words]
