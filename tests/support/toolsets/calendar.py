"""A calendar: events with attendees, rooms, people and free times."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum

from superscalar import tool
from support.toolsets.writes import made


class Status(Enum):
    CONFIRMED = "confirmed"
    TENTATIVE = "tentative"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Event:
    """An entry of a calendar."""

    id: str
    title: str
    start: datetime
    end: datetime
    attendees: list[str]
    status: Status = Status.CONFIRMED
    room: str | None = None
    notes: str | None = None


@dataclass(frozen=True)
class Person:
    """Somebody of the company."""

    name: str
    email: str
    birthday: date | None
    team: str


@dataclass(frozen=True)
class Room:
    """A meeting room."""

    name: str
    seats: int
    floor: int
    equipment: list[str] = field(default_factory=list)


_D = date(2025, 3, 10)  # a Monday


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 3, 10 + day, hour, minute)


_EVENTS = [
    Event("e1", "Standup", _at(0, 9), _at(0, 9, 15), ["ann", "bob", "cy"], room="Oak"),
    Event("e2", "Budget review", _at(0, 10), _at(0, 11, 30), ["ann", "dee"], room="Elm", notes="bring the Q1 figures"),
    Event("e3", "Lunch with Bob", _at(0, 12, 30), _at(0, 13, 30), ["ann", "bob"], Status.TENTATIVE),
    Event("e4", "Standup", _at(1, 9), _at(1, 9, 15), ["ann", "bob", "cy"], room="Oak"),
    Event("e5", "Interview: designer", _at(1, 14), _at(1, 15), ["ann", "cy"], Status.CANCELLED, "Oak"),
    Event("e6", "Planning", _at(2, 13), _at(2, 15), ["ann", "bob", "cy", "dee"], room="Elm"),
    Event("e7", "1:1 with Dee", _at(3, 16), _at(3, 16, 30), ["ann", "dee"], notes=""),
    Event("e8", "Retro", _at(4, 15), _at(4, 16), ["ann", "bob", "cy"], Status.TENTATIVE),
]
_PEOPLE = {
    "ann": Person("Ann Arbor", "ann@corp.example", date(1990, 3, 12), "design"),
    "bob": Person("Bob Barker", "bob@corp.example", None, "sales"),
    "cy": Person("Cy Coleman", "cy@corp.example", date(1985, 11, 2), "design"),
    "dee": Person("Dee Dale", "dee@corp.example", date(1978, 3, 14), "finance"),
}


@tool(effect="read", trust="trusted")
def today() -> date:
    """Today's date."""
    return _D


@tool(effect="read", trust="trusted")
async def list_events(start: date, end: date | None = None) -> list[Event]:
    """Events that begin on a day, or from start to end (both included).

    Args:
        start: the first day
        end: the last day; the first day if left out
    """
    return [e for e in _EVENTS if start <= e.start.date() <= (end or start)]


@tool(effect="read", trust="trusted")
def person(nickname: str) -> Person:
    """Somebody of the company by nickname; fails for one who is not there."""
    if nickname not in _PEOPLE:
        raise LookupError(f"nobody is called {nickname}")
    return _PEOPLE[nickname]


@tool(effect="read", trust="trusted")
def rooms(min_seats: int = 1) -> list[Room]:
    """Rooms with at least so many seats."""
    every = [Room("Oak", 4, 1), Room("Elm", 8, 2, ["screen", "camera"]), Room("Fir", 12, 2, ["screen"])]
    return [r for r in every if r.seats >= min_seats]


@tool(effect="read", trust="trusted")
def find_free_slot(attendees: list[str], day: date, minutes: int = 30) -> datetime | None:
    """The first free time of all attendees on a day, if there is one."""
    busy = [(e.start, e.end) for e in _EVENTS if e.start.date() == day and set(e.attendees) & set(attendees)]
    if len(attendees) > 3:
        return None
    at = datetime(day.year, day.month, day.day, 9)
    while any(s < at + timedelta(minutes=minutes) and at < e for s, e in busy):
        at += timedelta(minutes=15)
    return at


@tool(effect="write")
def create_event(
    title: str, start: datetime, end: datetime, attendees: list[str], room: str | None = None, notes: str = ""
) -> str:
    """Put an event into the calendar; returns its id."""
    made("create_event", title=title, start=start, end=end, attendees=attendees, room=room, notes=notes)
    return f"new-{title.lower().replace(' ', '-')}"


@tool(effect="write")
def move_event(event_id: str, start: datetime) -> str:
    """Move an event to another start; its length stays."""
    made("move_event", event_id=event_id, start=start)
    return event_id


@tool(effect="write")
def set_status(event_id: str, status: Status) -> None:
    """Set the status of an event."""
    made("set_status", event_id=event_id, status=status)


@tool(effect="write")
def notify(nickname: str, text: str) -> bool:
    """Send somebody of the company a message."""
    made("notify", nickname=nickname, text=text)
    return True


TOOLS = [today, list_events, person, rooms, find_free_slot, create_event, move_event, set_status, notify]
