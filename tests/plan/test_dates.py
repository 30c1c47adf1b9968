"""Dates, times and durations mean what they mean in Python, and no plan has a clock (rules L3, L24)."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar import LLMCompiler, Observation, tool
from superscalar.codec import dumps, loads
from superscalar.events import Succeeded
from superscalar.plan import check, compile_plan
from superscalar.plan.evaluate.expression import EvaluationError
from superscalar.plan.print.program import print_plan
from superscalar.testing import run
from support.depth import examples
from support.named_values import NamedValues

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
VALUES: dict[str, Any] = {
    "day": dt.date(2026, 2, 27),
    "at": dt.datetime(2026, 2, 27, 14, 5, 6, 7),
    "utc": dt.datetime(2026, 2, 27, 14, 5, tzinfo=dt.UTC),
    "berlin": dt.datetime(2026, 3, 29, 4, tzinfo=BERLIN),
    "hour": dt.time(9, 30),
    "span": dt.timedelta(days=2, hours=3),
    "spans": [dt.timedelta(hours=1), dt.timedelta(minutes=30)],
    "days": [dt.date(2026, 3, 1), dt.date(2026, 1, 1)],
    "text": "2026-03-01T10:00:00+01:00",
    "seconds": 1_767_225_600,
}
PYTHON: dict[str, Any] = {
    "date": dt.date,
    "datetime": dt.datetime,
    "time": dt.time,
    "timedelta": dt.timedelta,
    "timezone": dt.timezone,
}
SAME = """
date(2026, 1, 31)
date(year=2026, month=1, day=31).isoformat()
datetime(2026, 1, 31, 9, 30)
datetime(2026, 1, 31, tzinfo=timezone.utc)
datetime(2026, 1, 31, 9, tzinfo=timezone(timedelta(hours=2)))
time(9, 30).isoformat()
timedelta(days=1, hours=-2, minutes=1.5)
timedelta()
day + timedelta(days=2)
day - timedelta(weeks=1)
day - date(2026, 1, 1)
(at - datetime(2026, 1, 1)).days
(at - datetime(2026, 1, 1)).total_seconds() / 3600
at + span * 2
span / 2
span // timedelta(hours=5)
span % timedelta(hours=5)
span / timedelta(hours=5)
-span
abs(-span)
sum(spans, timedelta())
max(spans)
sorted(days)[0]
min(days, key=lambda d: d.month)
day in days
{day: 1}[date(2026, 2, 27)]
day < date(2027, 1, 1) <= date(2027, 1, 1)
utc > berlin
utc == at
utc - berlin
berlin + timedelta(days=1)
at.hour, at.minute, at.second, at.microsecond, at.year, at.month, at.day, at.fold
span.days, span.seconds, span.microseconds
hour.hour, hour.minute
day.weekday(), day.isoweekday(), day.toordinal(), day.ctime()
day.isocalendar()[1]
day.isocalendar().week
day.strftime("%d.%m.%Y, %A")
at.strftime("%H:%M") + hour.strftime("%H")
at.isoformat(), at.isoformat(" "), at.isoformat(timespec="minutes")
at.date(), at.time(), utc.timetz()
at.replace(hour=0, minute=0)
at.replace(tzinfo=timezone.utc).isoformat()
day.replace(day=1)
hour.replace(minute=0)
utc.astimezone(timezone(timedelta(hours=-5)))
utc.timestamp()
berlin.utcoffset(), berlin.tzname(), berlin.dst()
at.tzinfo
utc.tzinfo == timezone.utc
f"{day}, {at:%d.%m.%Y %H:%M}, {span}, {hour:%H}, {day!r}"
str(at), str(span), str(timezone.utc)
[str(d) for d in days]
f"{timezone.utc!r}"
date.fromisoformat("2026-01-31")
date.fromisocalendar(2026, 5, 1)
date.fromordinal(739000)
time.fromisoformat("09:30")
datetime.fromisoformat(text)
datetime.fromisoformat("2026-01-31T09:30:00Z")
datetime.strptime("31/01/2026", "%d/%m/%Y")
datetime.combine(day, hour)
datetime.combine(day, time(9), tzinfo=timezone.utc)
datetime.fromtimestamp(seconds, timezone.utc)
datetime.fromtimestamp(seconds, tz=timezone.utc).isoformat()
bool(timedelta()), bool(span), not timedelta(0)
[d for d in days if d.year == 2026 and d.month == 1]
[(d - days[0]).days for d in days]
(day if day.weekday() < 5 else day + timedelta(days=7 - day.weekday())).isoformat()
""".strip().splitlines()


NAMED = NamedValues(VALUES)
AGENT, SIGNATURES, plan_of, outcome = NAMED.agent, NAMED.signatures, NAMED.plan, NAMED.outcome


@pytest.mark.parametrize("expression", SAME)
def test_it_is_what_python_says(expression: str) -> None:
    expected = eval(expression, {**PYTHON, **VALUES})
    found = outcome(expression)
    assert (found, type(found), str(found)) == (expected, type(expected), str(expected))


@pytest.mark.parametrize("expression", SAME)
def test_what_is_printed_of_it_reads_back_as_the_same(expression: str) -> None:
    tasks = compile_plan(plan_of(expression), SIGNATURES).tasks
    printed = print_plan(tasks)
    again = compile_plan(printed, SIGNATURES).tasks
    assert [(task.id, task.work) for task in again] == [(task.id, task.work) for task in tasks]


@pytest.mark.parametrize("expression", SAME)
def test_a_journal_keeps_it(expression: str, tmp_path: Path) -> None:
    value = eval(expression, {**PYTHON, **VALUES})
    event = Succeeded(0.0, "x", [value])
    assert loads(dumps(event)) == event


@pytest.mark.parametrize(
    ("same", "written"),
    [
        ("datetime.date(2026, 1, 31)", "date(2026, 1, 31)"),
        ("dt.datetime(2026, 1, 31, tzinfo=dt.timezone.utc)", "datetime(2026, 1, 31, tzinfo=timezone.utc)"),
        ("datetime.datetime.strptime('2026', '%Y')", "datetime.strptime('2026', '%Y')"),
        ("datetime.timedelta(days=1) + datetime.timedelta(2)", "timedelta(days=1) + timedelta(2)"),
    ],
)
def test_the_module_may_be_written_before_a_class(same: str, written: str) -> None:
    tasks = compile_plan(f"x = {same}\njoin(x)\n", SIGNATURES).tasks
    assert print_plan(tasks) == f"x = {written}\njoin(x)\n"


def test_a_value_of_such_a_name_is_that_value() -> None:
    plan = (
        'date = get("day")\ndt = get("at")\nx = date.isoformat()\ny = dt.date() == date\nz = date(2026, 2, 27) == date'
    )
    assert run(AGENT.execute(f"{plan}\njoin(x, y, z)\n"))["join()"] == Observation(["2026-02-27", True, True])


@pytest.mark.filterwarnings("ignore:the tool time")
def test_a_tool_of_such_a_name_is_called_by_another() -> None:
    @tool(effect="read", name="time")
    def clock() -> str:
        return "noon"

    agent = LLMCompiler(tools=[clock])
    assert run(agent.execute("x = time_()\ny = time(9).hour\njoin(x, y)\n"))["join()"] == Observation(["noon", 9])


# -------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("at - utc", "one has a time zone, the other none; write x.replace(tzinfo=timezone.utc)"),
        ("at < utc", "one has a time zone, the other none"),
        ("max([at, utc])", "one has a time zone, the other none"),
        ("hour < time(9, tzinfo=timezone.utc)", "one has a time zone, the other none"),
        ("day < at", "one has a time of day, the other none; write x.date()"),
        ("day - at", "one has a time of day, the other none"),
        ("day < text", "write datetime.fromisoformat(...) or date.fromisoformat(...) around the text"),
        ("day + 1", "write timedelta(days=...) around the number"),
        ("sum(spans)", "a sum of durations is sum(xs, timedelta())"),
        ("at.timestamp()", "without a time zone"),
        ("at.astimezone(timezone.utc)", "without a time zone"),
        ("utc.astimezone()", "write x.astimezone(timezone.utc)"),
        ("utc.strftime('%s')", "depends on the machine's time zone"),
        ("f'{utc:%-s}'", "depends on the machine's time zone"),
        ("day.hour", "no field `hour`; it has: year, month, day"),
        ("day.hours()", "there is no method `hours`"),
        ("day.date()", "a date has no method `date`; a date has: "),
        ("date(2026, 2, 30)", "day is out of range for month"),
        ("date.fromisoformat('tomorrow')", "Invalid isoformat string"),
        ("datetime.strptime('2026', '%Y%Y')", "says one thing twice"),
        ("date(day, 1, 1)", "cannot be interpreted as an integer"),
        ("date([1], 1, 1)", "`date` does not take a list of 1 item"),
        ("timedelta(days=10**300)", "too large"),
        ("timedelta(days=1) * 10**300", "too large"),
        ("timedelta(days=2**5000)", "bits"),
        ("date.fromisoformat('x' * 100000)", "the bound is 1,000"),
        ("day.strftime('%Y' * 1000)", "the bound is 1,000"),
        ("day.strftime('%999999999d')", "more than 1,000"),
        ("day.replace(month=13)", "month must be in 1..12"),
    ],
)
def test_what_has_no_value_says_why_and_what_to_write(expression: str, says: str) -> None:
    problems = [found for found in check(plan_of(expression), SIGNATURES) if found.code.startswith("E")]
    found = problems[0].message if problems else outcome(expression)
    assert says in (found if isinstance(found, str) else found.message)


@pytest.mark.parametrize(
    ("expression", "code", "says"),
    [
        ("datetime.now()", "E301", "a plan has no clock: let a tool give the time"),
        ("datetime.now(timezone.utc)", "E301", "a plan has no clock"),
        ("date.today()", "E301", "a plan has no clock"),
        ("datetime.datetime.utcnow()", "E301", "a plan has no clock"),
        ("time.time()", "E301", "a plan has no clock"),
        ("datetime.fromtimestamp(0)", "E305", "write datetime.fromtimestamp(seconds, timezone.utc)"),
        ("datetime.utcfromtimestamp(0)", "E301", "write datetime.fromtimestamp(seconds, timezone.utc)"),
        ("date.fromtimestamp(0)", "E301", "write datetime.fromtimestamp(seconds, timezone.utc)"),
        ("timedelta(months=1)", "E305", "write timedelta(days=1, hours=2)"),
        ("date.from_iso('x')", "E301", "date.fromisoformat"),
        ("due().hour", "E307", "parts: year, month, day"),
        ("due().weekday", "E307", "write .weekday()"),
        ("due().year()", "E307", "write .year without parentheses"),
        ("due().total_seconds()", "E307", "methods: ctime, "),
        ("(due() - due()).hours", "E307", "parts: days, seconds, microseconds"),
        ("(due() + timedelta(days=1)).minute", "E307", "parts: year, month, day"),
        ("note(due())", "E304", "write due().isoformat()"),
        ("note(due() - due())", "E304", "write (due() - due()).total_seconds()"),
        ("note('x').isoformat()", "E307", "write datetime.fromisoformat(...).isoformat(...) if it is a date"),
        ("note('x').keys()", "E307", "methods: capitalize, casefold"),
        ("'x'.isoformat()", "E204", "methods of text"),
    ],
)
def test_what_cannot_be_is_found_before_anything_runs(expression: str, code: str, says: str) -> None:
    @tool(effect="read")
    def due() -> dt.date:
        return dt.date(2026, 1, 1)

    @tool(effect="read")
    def note(text: str) -> str:
        return text

    (problem,) = LLMCompiler(tools=[due, note]).check(f"x = {expression}\njoin(x)\n")
    assert (problem.code, says in problem.help) == (code, True), problem.help


# ---------------------------------------------------------------------------------------------------- by generation

_MOMENTS = st.one_of(
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, dt.UTC, BERLIN])),
    st.times(),
    st.timedeltas(),
    st.integers(-9, 9),
    st.floats(-9, 9),
    st.text(max_size=3),
)
_USES = [
    *("a + b", "a - b", "a * b", "a / b", "a // b", "a % b", "a < b", "a <= b", "a == b", "a != b", "min(a, b)"),
    *("sorted([a, b])", "a in [b]", "{a: 1}.get(b)", "sum([a], b)", "str(a)", "f'{a}{b!r}'", "-a", "abs(a)", "bool(a)"),
    *(
        "a.isoformat()",
        "a.year",
        "a.hour",
        "a.days",
        "a.total_seconds()",
        "a.weekday()",
        "a.date()",
        "a.replace(day=b)",
    ),
    *("a.utcoffset()", "a.strftime('%Y')", "date(a, b, 1)", "timedelta(a, b)", "time(a, b)", "datetime.combine(a, b)"),
]


@settings(max_examples=examples(120, 3_000))
@given(st.sampled_from(_USES), _MOMENTS, _MOMENTS)
def test_any_use_of_any_two_is_what_python_says(use: str, a: Any, b: Any) -> None:
    try:
        expected = eval(use, {**PYTHON, "a": a, "b": b})
    except Exception as error:  # noqa: BLE001 -- whatever Python raises, a plan has no value there
        expected = error
    found = NAMED.evaluated(use, a=a, b=b)
    assert isinstance(found, EvaluationError) == isinstance(expected, Exception), (found, expected)
    if not isinstance(expected, Exception):
        assert (found, type(found)) == (expected, type(expected))
