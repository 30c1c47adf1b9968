"""Shipments, vehicles, routes and warehouses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NotRequired

from typing_extensions import TypedDict

from superscalar import tool
from support.toolsets.writes import made


class State(Enum):
    """How far a shipment is."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    LOST = "lost"


@dataclass(frozen=True)
class Shipment:
    """A parcel on its way."""

    tracking: str
    origin: str
    destination: str
    weight_kg: float
    state: State
    eta: datetime | None
    fragile: bool = False


@dataclass(frozen=True)
class Route:
    """A way between two cities."""

    distance_km: float
    duration: timedelta
    stops: list[str]


class Vehicle(TypedDict):
    plate: str
    capacity_kg: int
    city: str
    driver: NotRequired[str]


def _t(day: int, hour: int) -> datetime:
    return datetime(2025, 5, day, hour, tzinfo=UTC)


_SHIPMENTS = [
    Shipment("T100", "Berlin", "Paris", 12.5, State.IN_TRANSIT, _t(6, 14)),
    Shipment("T101", "Berlin", "Rome", 220.0, State.PENDING, None),
    Shipment("T102", "Paris", "Madrid", 3.2, State.DELIVERED, _t(4, 9)),
    Shipment("T103", "Berlin", "Paris", 48.0, State.PENDING, _t(7, 8), True),
    Shipment("T104", "Rome", "Berlin", 75.25, State.LOST, None),
    Shipment("T105", "Madrid", "Paris", 9.9, State.IN_TRANSIT, _t(5, 20), True),
]
_VEHICLES: list[Vehicle] = [
    {"plate": "B-XY 1", "capacity_kg": 300, "city": "Berlin", "driver": "Olga"},
    {"plate": "B-XY 2", "capacity_kg": 50, "city": "Berlin"},
    {"plate": "P-AB 7", "capacity_kg": 120, "city": "Paris", "driver": "Jean"},
]
_ROUTES = {
    ("Berlin", "Paris"): Route(1054.0, timedelta(hours=10, minutes=30), ["Hannover", "Cologne", "Liege"]),
    ("Berlin", "Rome"): Route(1502.5, timedelta(hours=15), ["Munich", "Verona"]),
    ("Paris", "Madrid"): Route(1276.0, timedelta(hours=12, minutes=15), ["Bordeaux"]),
    ("Madrid", "Paris"): Route(1276.0, timedelta(hours=12, minutes=40), ["Bordeaux"]),
}


@tool(effect="read", trust="trusted")
def now() -> datetime:
    """The time now, in UTC."""
    return _t(5, 22)


@tool(effect="read", trust="trusted")
async def shipments(origin: str | None = None, state: State | None = None) -> list[Shipment]:
    """Shipments, from a city or in a state."""
    return [s for s in _SHIPMENTS if origin in (None, s.origin) and state in (None, s.state)]


@tool(effect="read", trust="trusted")
async def track(tracking: str) -> Shipment:
    """A shipment by its tracking number; fails for one that is unknown."""
    for s in _SHIPMENTS:
        if s.tracking == tracking:
            return s
    raise LookupError(f"unknown tracking number {tracking}")


@tool(effect="read", trust="trusted")
async def route(origin: str, destination: str) -> Route:
    """The way between two cities; fails where there is none."""
    if (origin, destination) not in _ROUTES:
        raise LookupError(f"no route from {origin} to {destination}")
    return _ROUTES[origin, destination]


@tool(effect="read", trust="trusted")
async def vehicles(city: str) -> list[Vehicle]:
    """Vehicles that stand in a city; those without a driver have none given."""
    return [v for v in _VEHICLES if v["city"] == city]


@tool(effect="read", trust="trusted")
async def stock_levels(warehouse: str) -> dict[str, int]:
    """Pieces of each article in a warehouse."""
    return {"Berlin": {"bolt": 500, "nut": 20, "gear": 0}, "Paris": {"bolt": 40, "gear": 7}}.get(warehouse, {})


@tool(effect="write")
async def assign(tracking: str, plate: str, depart: datetime | None = None) -> str:
    """Load a shipment onto a vehicle."""
    made("assign", tracking=tracking, plate=plate, depart=depart)
    return f"{tracking}@{plate}"


@tool(effect="write")
async def transfer(article: str, quantity: int, source: str, target: str) -> int:
    """Move pieces between warehouses; returns how many."""
    made("transfer", article=article, quantity=quantity, source=source, target=target)
    return quantity


@tool(effect="write")
async def open_claim(tracking: str, reason: str, amount: float = 0.0) -> str:
    """Report a damage or a loss to the insurer; returns the number of the claim."""
    made("open_claim", tracking=tracking, reason=reason, amount=amount)
    return f"CL-{tracking}"


@tool(effect="write")
async def inform(city: str, message: str) -> None:
    """Tell the office of a city."""
    made("inform", city=city, message=message)


TOOLS = [now, shipments, track, route, vehicles, stock_levels, assign, transfer, open_claim, inform]
