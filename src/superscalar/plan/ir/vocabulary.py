"""The functions and methods that a plan may use besides tools (rule L3)."""

from __future__ import annotations

from typing import Final

LANGUAGE: Final = 2
"""The version of the plan language: it grows by one when a text, or a task, comes to mean something else.

1: up to 0.1.0. 2: an item that has no value keeps its place (rule L33), a repair takes the place of what it mends
(L30), and functions, methods and statements of Python that version 1 refuses have a meaning.
"""

SPECIAL = frozenset({"ok", "default", "first"})
"""They look at outcomes, not at values (rules L15, L16)."""

FUNCTIONS = SPECIAL | frozenset(
    "len sum min max sorted reversed abs round any all range enumerate zip".split()
    + "int float str bool list dict set tuple divmod pow next dict.fromkeys".split()
    + "parse_json date datetime time timedelta timezone Decimal".split()
    + "date.fromisoformat date.fromisocalendar date.fromordinal time.fromisoformat".split()
    + "datetime.fromisoformat datetime.strptime datetime.combine datetime.fromtimestamp".split()
)
"""Those with a dot are functions of a class, and called by the name of that."""

DATE_CLASSES = frozenset("date datetime time timedelta timezone".split())
DATE_MODULES = frozenset({"datetime", "dt"})
ROUNDINGS = frozenset(
    "ROUND_CEILING ROUND_DOWN ROUND_FLOOR ROUND_HALF_DOWN ROUND_HALF_EVEN ROUND_HALF_UP ROUND_UP ROUND_05UP".split()
)
"""The names of Python's ways to round a `Decimal`: each is the text that says the same."""

CLASSES_OF = {**dict.fromkeys(DATE_MODULES, DATE_CLASSES), "decimal": ROUNDINGS | {"Decimal"}}
"""What modules are called in other people's code, and what is theirs: `datetime.date(...)` is `date(...)`."""

OF_MODULES = DATE_CLASSES | CLASSES_OF["decimal"]

TEXT_METHODS = frozenset(
    "split rsplit splitlines strip lstrip rstrip lower upper title replace startswith endswith join find count".split()
    + "index partition removeprefix removesuffix isdigit capitalize casefold zfill ljust rjust center".split()
)
MAPPING_METHODS = frozenset("get keys values items copy".split())
LIST_METHODS = frozenset("count index copy".split())
SET_METHODS = frozenset("union intersection difference issubset copy".split())
DATE_METHODS = frozenset(
    "isoformat strftime replace ctime weekday isoweekday isocalendar toordinal date time timetz".split()
    + "astimezone timestamp utcoffset tzname dst total_seconds".split()
)
DECIMAL_METHODS = frozenset(
    "quantize to_integral_value normalize sqrt adjusted is_nan is_finite is_infinite is_zero is_signed".split()
)
METHODS = TEXT_METHODS | MAPPING_METHODS | LIST_METHODS | SET_METHODS | DATE_METHODS | DECIMAL_METHODS
NOT_OF_TEXT = METHODS - TEXT_METHODS

MUTATING = frozenset("append extend insert remove pop popitem clear sort reverse add discard update setdefault".split())
"""Methods that change a value in Python. Values of a plan do not change, so they are refused with what to write."""
