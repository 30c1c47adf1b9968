"""What a text hides from who reads it: characters that nobody sees, and letters that look like Latin ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

# Unicode's Default_Ignorable_Code_Point (Hangul's fillers are among them) but for what scripts and emoji need (below);
# then what is blank and no space (the Braille blank, a note without a head), what annotates or reorders text, ends of
# lines that only Unicode knows, and lone surrogates.
HIDDEN: Final = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff"
    "\uffa0\ufff0-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    "\ufe00-\ufe0d\U000e0000-\U000e0fff"
    "\u2d7f\U0001107f\U00016fe4"  # joiners and fillers that are marks
)
"""The inside of a class of characters that nobody sees anywhere."""

JOINING: Final = "\u180b-\u180d\u180f\u200c\u200d\ufe0e\ufe0f"
"""The same for those that scripts and emoji need."""

LESS: Final = (
    r"[<\uFF1C\uFE64\u2039\u3008\u2329\u27E8\u276E\u2770\u02C2\u227A\u1438\u16B2]|&lt;?|&#0*60;?|&#x0*3c;?|%3c|\\+u003c"
)
SLASH: Final = r"[/\u2044\u2215\uFF0F\u29F8\u2571\u27CB\u1735\u2CC6]|&#0*47;?|&#x0*2f;?|&sol;?|%2f|\\+u002f"
GREATER: Final = (
    r"[>\uFF1E\uFE65\u203A\u3009\u232A\u27E9\u276F\u2771\u02C3\u227B\u1433]|&gt;?|&#0*62;?|&#x0*3e;?|%3e|\\+u003e"
)
"""Patterns of what a reader takes for `<`, `/` and `>`: signs that look alike, entities and escapes, in any case."""

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
    """Whether there is more in a text than anybody sees, or can tell from another one."""
    return not (text.isascii() and text.isprintable()) and any(hidden for _, hidden in _looked_at(text))


def revealed(text: str) -> str:
    """A line for a person who decides on it: what cannot be seen stands there as the escape that Python has for it.

    So do marks on a letter that is none of their own script, such as accents written apart from it; in a word with
    Latin letters, letters and digits of other scripts and what only looks like ASCII. Of the scripts that no Latin
    letter looks like (Han, kana, Hangul) and of rare Latin letters and signs that holds for what may be an address.
    """
    if text.isascii() and text.isprintable():
        return text
    return _WORD.sub(_told_apart, "".join(_escape(sign) if hidden else sign for sign, hidden in _looked_at(text)))


def _looked_at(text: str) -> Iterator[tuple[str, bool]]:
    """The signs of a text, and whether each hides something: it is not seen, or a mark on no letter of its script."""
    script = ""
    for sign in text:
        if sign.isascii():
            script = ""
            yield sign, not sign.isprintable()
            continue
        kind = unicodedata.category(sign)[0]
        if kind == "M":
            yield sign, not script or _script(sign) != script or is_unseen(sign)
        else:
            script = _script(sign) if kind == "L" else ""
            yield sign, is_unseen(sign)


def _script(sign: str) -> str:
    """The script of a letter or mark, by the first word of its name; that of what goes with any is "COMBINING"."""
    return unicodedata.name(sign, "").partition(" ")[0]


def _told_apart(found: re.Match[str]) -> str:
    word = found[0]
    if word.isascii() or not any(map(_is_latin, _ESCAPE.sub("", word))):
        return word
    misleading = ["other", "alike"]
    misleading += ["distant"] if _ADDRESS.search(word) else []
    misleading += ["rare"] if _INNER.search(word) else []
    return "".join(_escape(sign) if _kind(sign) in misleading else sign for sign in word)


def _is_latin(sign: str) -> bool:
    return _kind(sign) in ("latin", "alike") or (_kind(sign) == "rare" and sign.isalpha())


_INNER: Final = re.compile(r"\w[@/.:\\]+\w|[\w/](?=@)|://")  # not the end of a sentence
_SIGNS: Final = re.compile(r"HYPHEN|DASH|SLASH|SOLIDUS|COLON|RATIO|FULL STOP|DOT OPERATOR|MINUS|LOW LINE|COMMERCIAL AT")
_ACCENTED: Final = "\u017f"  # the last letter of Latin Extended-A; few languages write what comes behind it
_DOTLESS: Final = "\u0131\u0138\u0149"
_DISTANT: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC")


@lru_cache(maxsize=4_096)
def _kind(sign: str) -> str:
    """Whether a sign is "latin", a letter or digit of a "distant" script or any "other", "alike" to ASCII, or none.

    "rare": a Latin letter, or a sign, that few would tell from one of ASCII.
    """
    if sign.isascii():
        return "latin" if sign.isalpha() else ""
    category = unicodedata.category(sign)
    same = unicodedata.normalize("NFKC", sign)
    if len(same) == 1 and same.isascii() and category != "No":
        return "alike"
    name = unicodedata.name(sign, "")
    if category[0] in "PS":
        return "rare" if _SIGNS.search(name) else ""
    if category[0] != "L" and category not in ("Nd", "Nl"):
        return ""
    if name.startswith("LATIN "):
        return "rare" if (sign > _ACCENTED or sign in _DOTLESS) and not unicodedata.decomposition(sign) else "latin"
    return "distant" if name.startswith(_DISTANT) else "other"


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape", "backslashreplace").decode("ascii")
