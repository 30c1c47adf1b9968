"""Finding tools by words: BM25F (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009)."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from math import log
from typing import Final

from superscalar.plan.ir.signatures import Signature

K1: Final = 1.2
"""How soon more of the same word says nothing more."""
B: Final = 0.6
"""How far a long text counts less, from 0 (not at all) to 1."""

FIELDS: Final[Mapping[str, float]] = {"name": 3.0, "description": 1.5, "parameters": 1.0, "about": 0.5}
"""What a word counts by where it stands: in a tool's name or its server's, its description, the names of its
parameters and of the keys of records that it takes, and what is said of these."""

_BEFORE: Final = 0.3
"""What a word of an earlier turn counts."""

_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_HUMP: Final = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ACCENT: Final = re.compile("[\u0300-\u036f]")
_UNSPACED: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_COMMON: Final = frozenset(
    "a about all am an and any are as at be been by can could did do does each every for from had has have her "
    "his how i if in into is it its just many me more most much my of on one or our out please should so some "
    "than that the their them then there these they this those to up us was we were what when where which who "
    "whom whose why will with would you your".split()
)


class WordIndex:
    """The words of some documents, to find these by: what each has in its fields. Made once, asked often.

    `weights`: what a word counts by the field in which it stands.
    """

    def __init__(self, documents: Iterable[Mapping[str, Iterable[str]]], weights: Mapping[str, float]) -> None:
        counted = [{name: Counter(words) for name, words in document.items()} for document in documents]
        self._count = len(counted)
        count = max(self._count, 1)
        means = {name: sum(sum(one[name].values()) for one in counted) / count or 1.0 for name in weights}
        self._having: dict[str, list[tuple[int, float]]] = defaultdict(list)  # of each word, what it counts and where
        for place, fields in enumerate(counted):
            words: dict[str, float] = defaultdict(float)
            for name, weight in weights.items():
                scale = weight / (1.0 - B + B * sum(fields[name].values()) / means[name])
                for word, times in fields[name].items():
                    words[word] += times * scale
            for word, weight in words.items():
                self._having[word].append((place, weight))

    def scored(self, query: str) -> list[tuple[int, float]]:
        """The places of documents that have a word of the query, with how well each one fits, the best first.

        Of two that are as good the earlier comes first. Words such as "the" count where there are no others.
        """
        words = dict.fromkeys(words_of_text(query))
        telling = [word for word in words if word not in _COMMON] or list(words)
        scores: dict[int, float] = defaultdict(float)
        for word in telling:
            having = self._having.get(word, ())
            rarity = log(1.0 + (self._count - len(having) + 0.5) / (len(having) + 0.5))
            for place, weight in having:
                scores[place] += rarity * weight * (K1 + 1.0) / (weight + K1)
        return _best_first(scores)

    def scored_after(self, query: str, before: str) -> list[tuple[int, float]]:
        """The same for a query that goes on with what was said before it, of which a word counts less."""
        scores = dict(self.scored(query))
        for place, score in self.scored(before):
            scores[place] = scores.get(place, 0.0) + _BEFORE * score
        return _best_first(scores)


def _best_first(scores: Mapping[int, float]) -> list[tuple[int, float]]:
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))


class ToolIndex(WordIndex):
    """Finds tools by words of their name, description or parameters."""

    def __init__(self, signatures: Iterable[Signature]) -> None:
        self._tools = list(signatures)
        super().__init__(map(_fields_of, self._tools), FIELDS)

    def ranked(self, query: str) -> list[Signature]:
        """The tools that a query finds, the best first."""
        return [self._tools[place] for place, _ in self.scored(query)]


def _fields_of(signature: Signature) -> dict[str, Iterator[str]]:
    keys = [key for form in signature.forms for key in form.keys]
    texts = {
        "name": [signature.name, signature.alias if signature.alias != signature.name else "", signature.server],
        "description": [signature.description],
        "parameters": [p.name for p in (*signature.parameters, *keys)],
        "about": [p.description for p in (*signature.parameters, *keys)],
    }
    return {name: words_of_text(" ".join(parts)) for name, parts in texts.items()}


def words_of_text(text: str) -> Iterator[str]:
    """The words of a text, in lower case, without endings and accents; names like `getUser` and `get_user` are two.

    Of what is written without spaces (Han, kana) each two characters are one.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFKD", text)))
        text = _UNSPACED.sub(_in_pairs, text)
    return (stem(word.lower()) for word in _WORD.findall(_HUMP.sub(" ", text)))


def _in_pairs(found: re.Match[str]) -> str:
    signs = found[0]
    return " ".join(["", *(signs[at : at + 2] for at in range(max(len(signs) - 1, 1))), ""])


_VOWELS: Final = frozenset("aeiouy")
_ENDINGS: Final[Mapping[str, int]] = {"tion": 1, "sion": 1, "ment": 0, "er": 0}  # how much of them stays


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """A word without the endings that say nothing of what is meant: of a plural, of a verb, and what is made of one.

    Rough, and the same for what is described and what is looked for: `prices`, `priced` and `pricing` are `pric`.
    """
    if not word.isascii() or word in _COMMON:
        return word
    if len(word) > 4 and word.endswith("ies"):
        word = f"{word[:-3]}y"
    elif len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        stemmed = word.removesuffix(ending)
        if stemmed != word and len(stemmed) > 2 and not _VOWELS.isdisjoint(stemmed):
            doubled = stemmed[-1] == stemmed[-2] and stemmed[-1] not in "lsz"
            word = stemmed[:-1] if doubled else stemmed
            break
    if len(word) > 6:
        cut = next((len(end) - kept for end, kept in _ENDINGS.items() if word.endswith(end)), 0)
        word = word[: len(word) - cut]
    if len(word) > 4 and word.endswith("y"):
        word = f"{word[:-1]}i"
    return word[:-1] if len(word) > 3 and word.endswith("e") else word
