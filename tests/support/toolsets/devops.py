"""Services, deployments, metrics, alerts and logs of an operations team."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Literal

from pydantic import BaseModel

from superscalar import tool
from support.toolsets.writes import made


class Severity(IntEnum):
    INFO = 1
    WARNING = 2
    CRITICAL = 3


class Service(BaseModel):
    """Something that runs."""

    name: str
    replicas: int
    version: str
    owner: str | None
    regions: list[str]


@dataclass(frozen=True)
class Metrics:
    """What a service used in the last minutes."""

    cpu: float
    memory_mb: int
    error_rate: float
    latencies_ms: list[float]


@dataclass(frozen=True)
class Alert:
    """Something that went wrong."""

    id: int
    service: str
    severity: Severity
    message: str
    raised: datetime
    acknowledged: bool = False


class Deployment(BaseModel):
    """A version that was brought out."""

    version: str
    at: datetime
    by: str
    ok: bool


_SERVICES = [
    Service(name="web", replicas=3, version="2.4.1", owner="kim", regions=["eu", "us"]),
    Service(name="api", replicas=5, version="1.9.0", owner="lee", regions=["eu", "us", "ap"]),
    Service(name="worker", replicas=1, version="0.3.12", owner=None, regions=["eu"]),
    Service(name="search", replicas=2, version="7.0.2", owner="kim", regions=["us"]),
]
_METRICS = {
    "web": Metrics(0.42, 512, 0.001, [12.0, 15.5, 11.2]),
    "api": Metrics(0.91, 2048, 0.034, [40.0, 120.5, 88.0, 61.3]),
    "worker": Metrics(0.88, 300, 0.0, []),
}
_ALERTS = [
    Alert(71, "api", Severity.CRITICAL, "error rate above 3%", datetime(2025, 6, 2, 3, 15)),
    Alert(72, "worker", Severity.WARNING, "queue grows", datetime(2025, 6, 2, 5, 40)),
    Alert(73, "web", Severity.INFO, "certificate renewed", datetime(2025, 6, 1, 0, 5), True),
    Alert(74, "api", Severity.WARNING, "p95 latency 120 ms", datetime(2025, 6, 2, 6, 1)),
]
_DEPLOYMENTS = {
    "api": [
        ("1.8.2", (2025, 5, 20, 10), "lee", True),
        ("1.8.3", (2025, 5, 28, 16), "lee", True),
        ("1.9.0", (2025, 6, 1, 22), "kim", False),
    ],
    "web": [("2.4.1", (2025, 5, 30, 9), "kim", True)],
    "worker": [],
}


@tool(effect="read", trust="trusted")
def list_services(region: str | None = None) -> list[Service]:
    """Services, of a region if one is given."""
    return [s for s in _SERVICES if region is None or region in s.regions]


@tool(effect="read", trust="trusted")
def metrics(service: str, window_minutes: int = 15) -> Metrics:
    """What a service used in the last minutes; fails for one that is not measured."""
    if service not in _METRICS:
        raise TimeoutError(f"no metrics of {service}")
    return _METRICS[service]


@tool(effect="read", trust="trusted")
def alerts(severity: Severity | None = None, acknowledged: bool | None = None) -> list[Alert]:
    """Alerts of the last days, in the order of their ids."""
    return [a for a in _ALERTS if severity in (None, a.severity) and acknowledged in (None, a.acknowledged)]


@tool(effect="read", trust="trusted")
def deployments(service: str, limit: int = 10) -> list[Deployment]:
    """The last deployments of a service, oldest first."""
    return [Deployment(version=v, at=datetime(*at), by=by, ok=ok) for v, at, by, ok in _DEPLOYMENTS.get(service, [])][
        -limit:
    ]


@tool(effect="read", trust="trusted")
def logs(service: str, contains: str = "", lines: int = 100) -> list[str]:
    """Lines of a log, oldest first."""
    every = {
        "api": [
            "03:14:59 WARN slow query 812ms",
            "03:15:02 ERROR timeout db-2",
            "03:15:04 ERROR timeout db-2",
            "03:16:40 ERROR refused db-1",
            "06:01:00 WARN slow query 1204ms",
        ],
        "worker": ["05:39:10 INFO 120 jobs", "05:40:00 WARN 480 jobs"],
    }.get(service, [])
    return [line for line in every if contains in line][-lines:]


@tool(effect="write")
def scale(service: str, replicas: int) -> int:
    """Set how many replicas of a service run; returns how many."""
    made("scale", service=service, replicas=replicas)
    return replicas


@tool(effect="write")
def rollback(service: str, version: str) -> bool:
    """Bring back a version."""
    made("rollback", service=service, version=version)
    return True


@tool(effect="write")
def acknowledge(alert_id: int, note: str = "") -> None:
    """Take an alert."""
    made("acknowledge", alert_id=alert_id, note=note)


@tool(effect="write")
def page(who: str, message: str, severity: Severity = Severity.WARNING) -> str:
    """Wake somebody; returns an id."""
    made("page", who=who, message=message, severity=severity)
    return f"page-{who}"


@tool(effect="write")
def open_ticket(
    title: str, body: str, labels: list[str] | None = None, priority: Literal["P1", "P2", "P3"] = "P3"
) -> str:
    """Open a ticket; returns its key."""
    made("open_ticket", title=title, body=body, labels=labels, priority=priority)
    return f"OPS-{len(title)}"


TOOLS = [list_services, metrics, alerts, deployments, logs, scale, rollback, acknowledge, page, open_ticket]
