"""Whether a text fits a pattern, in time that grows with its length alone: a stranger writes the text."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_FLAGS = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s", re.VERBOSE: "x"}


def fits_pattern(pattern: str, text: str) -> bool:
    """Whether all of a text fits a pattern; not one of a pattern that cannot be read."""
    try:
        return matcher(pattern)(text)
    except ValueError:
        return False


@lru_cache(maxsize=1_024)
def matcher(pattern: str) -> Callable[[str], bool]:
    """What says whether all of a text fits a pattern. It never backtracks: `re` may take hours over forty letters.

    Raises:
        ValueError: it is no pattern, or looks around or back, which takes more than one look at each letter.
    """
    from pydantic_core import SchemaError, SchemaValidator, core_schema  # its patterns are those of Rust

    try:
        re.compile(pattern)
        schema = core_schema.str_schema(pattern=rf"\A(?:{pattern})\z", strict=True)
        found = SchemaValidator(schema)
    except re.error as error:
        raise ValueError(str(error)) from error
    except SchemaError as error:
        raise ValueError(str(error).strip().splitlines()[-1].strip()) from error
    return found.isinstance_python


def plain_pattern(pattern: re.Pattern[str], method: str) -> str:
    """The pattern that all of a text fits exactly where `fullmatch`, `match` or `search` of a compiled one finds it."""
    flags = "".join(letter for flag, letter in _FLAGS.items() if pattern.flags & flag)
    inner = f"(?{flags}:{pattern.pattern}\n)" if "x" in flags else f"(?{flags}:{pattern.pattern})"
    before = r"(?s:.*?)" if method == "search" else ""
    after = "" if method == "fullmatch" else r"(?s:.*)"
    return before + inner + after
