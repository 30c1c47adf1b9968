"""Customers, deals and tickets of a sales team."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Literal, TypedDict

from superscalar import tool
from support.toolsets.writes import made


class Stage(str, Enum):  # noqa: UP042 -- many tools have such ones
    LEAD = "lead"
    OFFER = "offer"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True)
class Company:
    """A customer."""

    id: int
    name: str
    country: str
    industry: str | None
    employees: int | None
    owner: str


@dataclass(frozen=True)
class Deal:
    """A chance to sell."""

    id: int
    company_id: int
    title: str
    amount: float
    stage: Stage
    close_date: date | None
    probability: float


class Contact(TypedDict):
    name: str
    role: str
    phone: str | None


class Ticket(TypedDict):
    id: int
    company_id: int
    subject: str
    priority: Literal["low", "normal", "urgent"]
    opened: date


_COMPANIES = [
    Company(1, "Acme", "DE", "steel", 420, "nina"),
    Company(2, "Birch & Co", "FR", "wood", 35, "omar"),
    Company(3, "Cobalt", "DE", None, None, "nina"),
    Company(4, "Delta Foods", "IT", "food", 1200, "pia"),
]
_DEALS = [
    Deal(11, 1, "Sensors", 12000.0, Stage.OFFER, date(2025, 4, 15), 0.6),
    Deal(12, 1, "Service plan", 3000.0, Stage.WON, date(2025, 2, 1), 1.0),
    Deal(13, 2, "Saw line", 54000.0, Stage.LEAD, None, 0.2),
    Deal(14, 4, "Cold chain", 80500.5, Stage.OFFER, date(2025, 3, 31), 0.5),
    Deal(15, 3, "Pilot", 900.0, Stage.LOST, date(2025, 1, 20), 0.0),
    Deal(16, 4, "Labels", 7200.0, Stage.WON, date(2025, 3, 3), 1.0),
]
_CONTACTS: dict[int, list[Contact]] = {
    1: [{"name": "Uwe Ulm", "role": "buyer", "phone": "+49 1"}, {"name": "Vera Veit", "role": "CTO", "phone": None}],
    2: [{"name": "Wim Weil", "role": "owner", "phone": None}],
    4: [{"name": "Xenia Xu", "role": "buyer", "phone": "+39 4"}],
}
_TICKETS: list[Ticket] = [
    {"id": 501, "company_id": 1, "subject": "Sensor drops out", "priority": "urgent", "opened": date(2025, 3, 8)},
    {"id": 502, "company_id": 4, "subject": "Invoice address", "priority": "low", "opened": date(2025, 2, 20)},
    {"id": 503, "company_id": 1, "subject": "Manual in German", "priority": "normal", "opened": date(2025, 3, 1)},
    {"id": 504, "company_id": 4, "subject": "Cold room alarm", "priority": "urgent", "opened": date(2025, 3, 9)},
]


@tool(effect="read", trust="trusted")
def companies(country: str | None = None) -> list[Company]:
    """Customers, of a country if one is given (two letters)."""
    return [c for c in _COMPANIES if country in (None, c.country)]


@tool(effect="read", trust="trusted")
def deals(company_id: int | None = None, stage: Stage | None = None) -> list[Deal]:
    """Deals, of a company or at a stage."""
    return [d for d in _DEALS if company_id in (None, d.company_id) and stage in (None, d.stage)]


@tool(effect="read", trust="trusted")
def contacts(company_id: int) -> list[Contact]:
    """People of a customer; fails where none were ever kept."""
    if company_id not in _CONTACTS:
        raise LookupError(f"no contacts of company {company_id}")
    return _CONTACTS[company_id]


@tool(effect="read", trust="trusted")
def tickets(priority: Literal["low", "normal", "urgent"] | None = None) -> list[Ticket]:
    """Open tickets."""
    return [t for t in _TICKETS if priority in (None, t["priority"])]


@tool(effect="read", trust="trusted")
def exchange_rate(currency: str) -> float:
    """What one euro is in another currency; fails for one that is not traded."""
    rates = {"USD": 1.08, "CHF": 0.95}
    if currency not in rates:
        raise LookupError(f"{currency} is not traded")
    return rates[currency]


@tool(effect="read", trust="trusted")
def company_profile(company_id: int) -> dict[str, Any]:
    """What is known of a customer beside the fields of the record."""
    known: dict[int, dict[str, Any]] = {
        1: {"rating": "A", "since": 2019, "tags": ["key", "export"]},
        4: {"rating": "B", "tags": []},
    }
    return known.get(company_id, {})


@tool(effect="write")
def update_deal(deal_id: int, stage: Stage | None = None, amount: float | None = None) -> bool:
    """Change a deal."""
    made("update_deal", deal_id=deal_id, stage=stage, amount=amount)
    return True


@tool(effect="write")
def create_task(owner: str, title: str, due: date, priority: Literal["low", "normal", "urgent"] = "normal") -> int:
    """Give a colleague something to do; returns its number."""
    made("create_task", owner=owner, title=title, due=due, priority=priority)
    return 900 + len(title)


@tool(effect="write")
def log_note(company_id: int, text: str) -> None:
    """Keep a note at a customer."""
    made("log_note", company_id=company_id, text=text)


TOOLS = [companies, deals, contacts, tickets, exchange_rate, company_profile, update_deal, create_task, log_note]
