"""What a text hides from who reads it: characters that nobody sees, and letters that look like Latin ones."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

# Unicode's Default_Ignorable_Code_Point (Hangul's fillers are among them) but for what scripts and emoji need (below);
# then what is blank and no space (the Braille blank, a note without a head), what annotates or reorders text, ends of
# lines that only Unicode knows, and lone surrogates.
HIDDEN: Final = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff"
    "\uffa0\ufff0-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    "\ufe00-\ufe0d\U000e0000-\U000e0fff"
)
"""The inside of a class of characters that nobody sees anywhere."""

JOINING: Final = "\u180b-\u180d\u180f\u200c\u200d\ufe0e\ufe0f"
"""The same for those that scripts and emoji need."""

_UNSEEN: Final = re.compile(f"[{HIDDEN}{JOINING}]")
_PLAIN: Final = frozenset("LMNPSZ")  # the rest are controls, formats, surrogates, what nobody assigned
_ADDRESS: Final = re.compile(r"[@/.:\\]")
_WORD: Final = re.compile(r"(?:\\\\|\\(?![\\nrt])|[^\s\\])+")  # a `repr` has written its spaces as escapes
_ESCAPE: Final = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


def is_unseen(sign: str) -> bool:
    """Whether a character leaves nothing to see, or a blank that is no plain space."""
    if sign.isascii():
        return not sign.isprintable()
    kind = unicodedata.category(sign)
    return kind[0] not in _PLAIN or kind[0] == "Z" or _UNSEEN.match(sign) is not None


def hides(text: str) -> bool:
    """Whether there is more in a text than anybody sees."""
    return not (text.isascii() and text.isprintable()) and any(map(is_unseen, text))


def revealed(text: str) -> str:
    """A line for a person who decides on it: what cannot be seen stands there as the escape that Python has for it.

    So do, in a word with Latin letters, letters and digits of other scripts and what only looks like ASCII. Of the
    scripts that no Latin letter looks like (Han, kana, Hangul) that holds for what may be an address.
    """
    if text.isascii() and text.isprintable():
        return text
    return _WORD.sub(_told_apart, "".join(map(_escaped_if_unseen, text)))


def _escaped_if_unseen(sign: str) -> str:
    return _escape(sign) if is_unseen(sign) else sign


def _told_apart(found: re.Match[str]) -> str:
    word = found[0]
    if word.isascii() or not any(map(_is_latin, _ESCAPE.sub("", word))):
        return word
    misleading = ("other", "alike", "distant") if _ADDRESS.search(word) else ("other", "alike")
    return "".join(_escape(sign) if _kind(sign) in misleading else sign for sign in word)


def _is_latin(sign: str) -> bool:
    return _kind(sign) in ("latin", "alike")


_DISTANT: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC")


@lru_cache(maxsize=4_096)
def _kind(sign: str) -> str:
    """Whether a sign is "latin", a letter or digit of a "distant" script or any "other", "alike" to ASCII, or none."""
    if sign.isascii():
        return "latin" if sign.isalpha() else ""
    category = unicodedata.category(sign)
    same = unicodedata.normalize("NFKC", sign)
    if len(same) == 1 and same.isascii() and category != "No":
        return "alike"
    if category[0] != "L" and category not in ("Nd", "Nl"):
        return ""
    name = unicodedata.name(sign, "")
    if name.startswith("LATIN "):
        return "latin"
    return "distant" if name.startswith(_DISTANT) else "other"


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape", "backslashreplace").decode("ascii")
