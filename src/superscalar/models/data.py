"""Text that is data in a prompt: on one line where it has one, and unable to end the block that it stands in."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Control characters, every end of a line that Unicode knows, lone surrogates, and what reorders text, is not seen, or
# spells ASCII invisibly (U+E0000 to U+E007F). The joiners U+200C and U+200D stay: scripts and emoji need them.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def on_one_line(text: str) -> str:
    r"""`text` on one line, with everything in it to be seen: what is not is written as JSON writes it (`\u2028`)."""
    return _UNSEEN.sub(_escaped, text)


def block(name: str, text: str) -> str:
    """`text` between `<name>` and `</name>`. Nothing in it begins or ends such a block, however it is spelled."""
    return f"<{name}>\n{without_tags(name, text)}\n</{name}>"


def without_tags(name: str, text: str) -> str:
    """`text`, where the bracket of every tag of that name is written as JSON writes it (`\\u003c`)."""
    plain = text if text.isascii() else "".join(map(_simplest, text))
    places = [found.start() for found in _tags(name).finditer(plain)]
    for place in reversed(places):
        text = f"{text[:place]}\\u{ord(text[place]):04x}{text[place + 1 :]}"
    return text


@lru_cache
def _tags(name: str) -> re.Pattern[str]:
    """Where a tag of that name begins, with anything but letters and digits between its bracket and the name."""
    return re.compile(rf"<(?=[\W_]{{0,40}}{re.escape(name)}(?![^\W_]))", re.IGNORECASE)


def _simplest(character: str) -> str:
    """The same character without its width, style and position: one character for one."""
    made = unicodedata.normalize("NFKC", character)
    return made if len(made) == 1 else character


def _escaped(found: re.Match[str]) -> str:
    if found[0] in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[found[0]]
    return "".join(f"\\u{unit:04x}" for unit in _units(ord(found[0])))


def _units(code: int) -> tuple[int, ...]:
    """A character's UTF-16 code units, which JSON escapes are of."""
    if code < 0x10000:
        return (code,)
    code -= 0x10000
    return 0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF)
