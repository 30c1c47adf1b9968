"""Random programs that compute with dates and durations, too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from support.random_programs import FUNCTIONS, Sub, Writer, num

IMPORT = "from datetime import date, datetime, time, timedelta, timezone\n"
"""What Python needs above such a program, and a plan does not."""


def day(x: Any) -> dt.date:
    """A date."""
    return dt.date(2026, 2, 27) + dt.timedelta(days=num(x, "day"))


def moment(x: Any) -> dt.datetime:
    """A date with a time of day and a zone."""
    return dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC) + dt.timedelta(hours=num(x, "moment"))


DATED: tuple[Callable[..., Any], ...] = (*FUNCTIONS, day, moment)


class DatedWriter(Writer):
    """Writes one program in which there are dates, dates with a time, and durations."""

    kinds: ClassVar[Sequence[str]] = (*Writer.kinds, "date", "date", "moment", "span", "span")
    literals: ClassVar[Mapping[str, Sequence[str]]] = {
        **Writer.literals,
        "date": ["date(2026, 2, 28)", "date(2024, 12, 31)", "date.fromisoformat('2026-01-01')"],
        "moment": ["datetime(2026, 1, 1, tzinfo=timezone.utc)", "datetime.fromisoformat('2026-03-01T10:00:00+01:00')"],
        "span": ["timedelta(days=2)", "timedelta(hours=-3)", "timedelta()", "timedelta(minutes=1.5)"],
    }

    def _more_forms(self, kind: str, sub: Sub, *, calls: bool) -> Iterable[Callable[[], str]]:
        pick = self._pick
        match kind:
            case "date":
                yield lambda: f"({sub('date')} {pick('+-')} {sub('span')})"
                yield lambda: f"{sub('date')}.replace({pick(['day=1', 'month=5', 'year=2024'])})"
                yield lambda: f"{sub('moment')}.date()"
                yield lambda: f"{pick(['min', 'max'])}({sub('date')}, {sub('date')})"
                yield lambda: f"sorted([{sub('date')}, {sub('date')}])[0]"
                if calls:
                    yield lambda: self._call("day", sub("int"))
            case "moment":
                yield lambda: f"({sub('moment')} {pick('+-')} {sub('span')})"
                yield lambda: f"{sub('moment')}.replace(hour=0, minute=0)"
                yield lambda: f"{sub('moment')}.astimezone(timezone({pick(['timedelta(hours=2)', 'timedelta()'])}))"
                yield lambda: f"datetime.combine({sub('date')}, time(9, 30), tzinfo=timezone.utc)"
                if calls:
                    yield lambda: self._call("moment", sub("int"))
            case "span":
                yield lambda: f"({sub('date')} - {sub('date')})"
                yield lambda: f"({sub('moment')} - {sub('moment')})"
                yield lambda: f"({sub('span')} {pick('+-')} {sub('span')})"
                yield lambda: f"({sub('span')} {pick(['*', '//'])} {pick('123')})"
                yield lambda: f"{pick(['-', 'abs'])}({sub('span')})"
                yield lambda: f"sum([{sub('span')}, {sub('span')}], timedelta())"
            case "int":
                yield lambda: f"{sub('date')}.{pick(['day', 'month', 'year', 'weekday()', 'isocalendar()[1]'])}"
                yield lambda: f"{sub('moment')}.{pick(['hour', 'minute', 'date().day', 'utcoffset().seconds'])}"
                yield lambda: f"{sub('span')}.{pick(['days', 'seconds'])}"
                yield lambda: f"({sub('span')} // timedelta(hours=5))"
            case "float":
                yield lambda: f"{sub('span')}.total_seconds()"
                yield lambda: f"{sub('moment')}.timestamp()"
            case "text":
                yield lambda: f"{sub(pick(['date', 'moment']))}.isoformat()"
                yield lambda: f"{sub(pick(['date', 'moment']))}.strftime('%d.%m. %H:%M')"
                yield lambda: f"str({sub(pick(['date', 'moment', 'span']))})"
            case "bool":
                yield lambda: f"({sub('date')} {pick(['<', '<=', '==', '!='])} {sub('date')})"
                yield lambda: f"({sub('moment')} {pick(['<', '>=', '=='])} {sub('moment')})"
                yield lambda: f"({sub('date')} in [{sub('date')}, {sub('date')}])"
                yield lambda: f"bool({sub('span')})"
