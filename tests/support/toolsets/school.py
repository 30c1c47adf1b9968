"""Classes, students, marks, absences and lessons of a school."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from enum import Enum
from typing import NamedTuple, TypedDict

from superscalar import tool
from support.toolsets.writes import made


class Subject(Enum):
    MATHS = "maths"
    ENGLISH = "english"
    ART = "art"


@dataclass(frozen=True)
class Student:
    """A pupil."""

    id: int
    first_name: str
    last_name: str
    born: date
    guardian: str | None


class Mark(NamedTuple):
    subject: str
    points: float
    day: date


class Absence(TypedDict):
    day: date
    excused: bool
    reason: str | None


@dataclass(frozen=True)
class Lesson:
    """A lesson of the timetable."""

    weekday: str
    begins: time
    ends: time
    subject: Subject
    room: int | None


_STUDENTS = {
    "7a": [
        Student(1, "Lia", "Moor", date(2012, 5, 4), "moor@home.example"),
        Student(2, "Noah", "Okoye", date(2011, 12, 24), None),
        Student(3, "Paul", "Quist", date(2012, 5, 30), "quist@home.example"),
    ],
    "7b": [
        Student(4, "Rosa", "Sand", date(2012, 1, 9), "sand@home.example"),
        Student(5, "Timo", "Ulrich", date(2012, 8, 1), "ulrich@home.example"),
    ],
    "8c": [],
}
_MARKS = {
    1: [
        Mark("maths", 13, date(2025, 2, 3)),
        Mark("english", 9.5, date(2025, 2, 10)),
        Mark("maths", 11, date(2025, 3, 3)),
    ],
    2: [Mark("maths", 4, date(2025, 2, 3)), Mark("art", 14, date(2025, 2, 12))],
    3: [],
    4: [Mark("maths", 8, date(2025, 2, 3)), Mark("english", 12, date(2025, 2, 10))],
}
_ABSENCES: dict[int, list[Absence]] = {
    1: [],
    2: [
        {"day": date(2025, 2, 4), "excused": True, "reason": "flu"},
        {"day": date(2025, 2, 5), "excused": True, "reason": "flu"},
        {"day": date(2025, 3, 7), "excused": False, "reason": None},
    ],
    3: [{"day": date(2025, 3, 7), "excused": False, "reason": None}],
    4: [],
    5: [{"day": date(2025, 1, 13), "excused": True, "reason": "dentist"}],
}
_LESSONS = {
    "7a": [
        Lesson("Monday", time(8, 0), time(9, 30), Subject.MATHS, 101),
        Lesson("Monday", time(9, 45), time(10, 30), Subject.ART, None),
        Lesson("Tuesday", time(8, 0), time(8, 45), Subject.ENGLISH, 203),
        Lesson("Thursday", time(11, 30), time(13, 0), Subject.MATHS, 101),
    ]
}


@tool(effect="read", trust="trusted")
def students(class_name: str) -> list[Student]:
    """The students of a class; fails for a class that does not exist."""
    if class_name not in _STUDENTS:
        raise LookupError(f"no class {class_name}")
    return _STUDENTS[class_name]


@tool(effect="read", trust="trusted")
def marks(student_id: int, subject: Subject | None = None) -> list[Mark]:
    """Marks of a student (0 to 15 points), oldest first; fails where none were entered."""
    if student_id not in _MARKS:
        raise LookupError(f"no marks of student {student_id}")
    return [m for m in _MARKS[student_id] if subject is None or m.subject == subject.value]


@tool(effect="read", trust="trusted")
def absences(student_id: int) -> list[Absence]:
    """Days on which a student was not there."""
    return _ABSENCES.get(student_id, [])


@tool(effect="read", trust="trusted")
def timetable(class_name: str) -> list[Lesson]:
    """The lessons of a class in a week."""
    return _LESSONS.get(class_name, [])


@tool(effect="write")
def enter_mark(student_id: int, subject: Subject, points: float, day: date) -> None:
    """Enter a mark."""
    made("enter_mark", student_id=student_id, subject=subject, points=points, day=day)


@tool(effect="write")
def write_guardian(student_id: int, subject: str, text: str) -> bool:
    """Write to the guardian of a student."""
    made("write_guardian", student_id=student_id, subject=subject, text=text)
    return True


@tool(effect="write")
def book_trip(class_name: str, destination: str, day: date, seats: int, price_per_head: float | None = None) -> str:
    """Book a trip; returns its code."""
    made(
        "book_trip", class_name=class_name, destination=destination, day=day, seats=seats, price_per_head=price_per_head
    )
    return f"{destination[:3].upper()}-{day:%d%m}"


TOOLS = [students, marks, absences, timetable, enter_mark, write_guardian, book_trip]
