"""Tools of an office, as their signatures: nothing of them is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from superscalar import Toolset, tool


@dataclass
class Invoice:
    """A bill."""

    id: str
    amount: float
    due: str
    paid: bool


@dataclass
class Customer:
    """`since`: a year."""

    email: str
    plan: str
    since: int


@dataclass
class Flight:
    """`hours`: how long it takes."""

    number: str
    price: float
    stops: int
    hours: float


@dataclass
class Hotel:
    """A hotel with a free room."""

    name: str
    price: float
    stars: int


@dataclass
class Alert:
    """`severity`: critical, high or low."""

    server: str
    text: str
    severity: str


@dataclass
class Parcel:
    """`status`: packed, sent or delivered."""

    status: str
    carrier: str


@dataclass
class Order:
    """How many pieces of an item were ordered."""

    id: str
    item: str
    pieces: int


@dataclass
class Mail:
    """A message."""

    subject: str
    text: str


@dataclass
class Meeting:
    """`people`: who takes part."""

    title: str
    minutes: int
    people: list[str]


@dataclass
class Paper:
    """`cited`: how often."""

    title: str
    year: int
    cited: int
    abstract: str


@dataclass
class Weather:
    """`rain`: from 0 to 1."""

    degrees: float
    rain: float


def invoices(customer: str) -> list[Invoice]:
    """The invoices of a customer, the oldest first."""
    raise NotImplementedError


def customer(name: str) -> Customer:
    """What we know of a customer."""
    raise NotImplementedError


def send_reminder(invoice: str, text: str) -> str:
    """Send the customer a reminder of an invoice."""
    raise NotImplementedError


def refund(invoice: str, amount: float) -> str:
    """Pay back a part of an invoice."""
    raise NotImplementedError


def team(manager: str) -> list[str]:
    """Who works for a manager."""
    raise NotImplementedError


def vacation_days(person: str) -> int:
    """Days of vacation that somebody has left this year."""
    raise NotImplementedError


def salary(person: str) -> float:
    """What somebody is paid, in euros a year."""
    raise NotImplementedError


def book_leave(person: str, first: str, last: str) -> str:
    """Enter a vacation, from the first to the last day."""
    raise NotImplementedError


def flights(origin: str, to: str, day: str) -> list[Flight]:
    """Flights of a day; prices in euros."""
    raise NotImplementedError


def hotels(city: str, day: str, nights: int = 1) -> list[Hotel]:
    """Hotels with a free room; prices in euros a night."""
    raise NotImplementedError


def book_flight(number: str) -> str:
    """Book a flight by its number."""
    raise NotImplementedError


def weather(city: str, day: str = "today") -> Weather:
    """The weather of a day: degrees Celsius, and the probability of rain."""
    raise NotImplementedError


def servers(environment: str) -> list[str]:
    """The names of all servers of an environment: production, staging or test."""
    raise NotImplementedError


def cpu(server: str) -> float:
    """The CPU load of a server, in percent."""
    raise NotImplementedError


def logs(server: str, hours: int = 24) -> list[str]:
    """The lines of a server's log over the last hours."""
    raise NotImplementedError


def restart(server: str) -> str:
    """Restart a server."""
    raise NotImplementedError


def alerts() -> list[Alert]:
    """All alerts that are open now."""
    raise NotImplementedError


def deploy(service: str, version: str) -> str:
    """Deploy a version of a service to production."""
    raise NotImplementedError


def stock(item: str) -> int:
    """Pieces of an item in the warehouse."""
    raise NotImplementedError


def reorder(item: str, pieces: int) -> str:
    """Order more pieces of an item from its supplier."""
    raise NotImplementedError


def orders(day: str) -> list[Order]:
    """What customers ordered on a day."""
    raise NotImplementedError


def parcel(order: str) -> Parcel:
    """Where the parcel of an order is."""
    raise NotImplementedError


def mails(sender: str, since: str = "") -> list[Mail]:
    """The mails that somebody sent, the oldest first."""
    raise NotImplementedError


def send_mail(to: str, subject: str, text: str) -> str:
    """Send a mail."""
    raise NotImplementedError


def meetings(day: str) -> list[Meeting]:
    """The meetings in my calendar on a day."""
    raise NotImplementedError


def invite(person: str, start: str, minutes: int) -> str:
    """Invite somebody to a meeting."""
    raise NotImplementedError


def share_price(ticker: str) -> float:
    """The latest price of a share, in the currency of its exchange."""
    raise NotImplementedError


def exchange_rate(source: str, target: str) -> float:
    """What one unit of a currency is worth in another."""
    raise NotImplementedError


def dividends(ticker: str, year: int) -> list[float]:
    """The dividends per share that were paid in a year."""
    raise NotImplementedError


def papers(topic: str, limit: int = 10) -> list[Paper]:
    """Scientific papers on a topic, the best match first."""
    raise NotImplementedError


def summarize(text: str) -> str:
    """Make a text short."""
    raise NotImplementedError


def translate(text: str, language: str) -> str:
    """Translate a text into another language."""
    raise NotImplementedError


READS: tuple[Callable[..., Any], ...] = (
    *(invoices, customer, team, vacation_days, salary, flights, hotels, weather, servers, cpu, logs, alerts, stock),
    *(orders, parcel, mails, meetings, share_price, exchange_rate, dividends, papers, summarize, translate),
)
WRITES: tuple[Callable[..., Any], ...] = (
    send_reminder,
    refund,
    book_leave,
    book_flight,
    restart,
    deploy,
    reorder,
    send_mail,
    invite,
)
TOOLS = Toolset([*(tool(effect="read")(one) for one in READS), *(tool(effect="write")(one) for one in WRITES)])
