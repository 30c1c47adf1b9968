"""Accounts, transactions, invoices and budgets of a household or a small firm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from pydantic import BaseModel

from superscalar import tool
from support.toolsets.writes import made


class Kind(str, Enum):  # noqa: UP042 -- many tools have such ones
    CHECKING = "checking"
    SAVINGS = "savings"
    CREDIT = "credit"


@dataclass(frozen=True)
class Account:
    """An account at a bank."""

    iban: str
    label: str
    kind: Kind
    balance: float
    currency: str = "EUR"


class Transaction(BaseModel):
    """Money that came or went; what went is negative."""

    id: str
    day: date
    amount: float
    payee: str
    category: str | None = None


@dataclass(frozen=True)
class Invoice:
    """What a customer owes."""

    number: str
    customer: str
    total: Decimal
    due: date
    paid_on: date | None = None


_ACCOUNTS = [
    Account("DE01", "Everyday", Kind.CHECKING, 1523.75),
    Account("DE02", "Rainy days", Kind.SAVINGS, 8200.0),
    Account("DE03", "Card", Kind.CREDIT, -412.3),
    Account("US04", "Dollars", Kind.SAVINGS, 950.0, "USD"),
]
_TRANSACTIONS = {
    "DE01": [
        ("t1", (2025, 1, 3), 2600.0, "Employer", "salary"),
        ("t2", (2025, 1, 5), -850.0, "Landlord", "rent"),
        ("t3", (2025, 1, 9), -64.2, "Grocer", "food"),
        ("t4", (2025, 1, 20), -31.5, "Grocer", "food"),
        ("t5", (2025, 2, 3), 2600.0, "Employer", "salary"),
        ("t6", (2025, 2, 5), -850.0, "Landlord", "rent"),
        ("t7", (2025, 2, 11), -19.99, "StreamFlix", None),
        ("t8", (2025, 2, 14), -72.4, "Bistro", "food"),
    ],
    "DE03": [
        ("c1", (2025, 1, 15), -120.0, "Airline", "travel"),
        ("c2", (2025, 2, 15), -19.99, "StreamFlix", None),
        ("c3", (2025, 2, 20), -272.31, "Hotel", "travel"),
    ],
    "DE02": [],
}
_INVOICES = [
    Invoice("R-1", "Acme", Decimal("1190.00"), date(2025, 1, 31), date(2025, 1, 28)),
    Invoice("R-2", "Birch", Decimal("249.90"), date(2025, 2, 10)),
    Invoice("R-3", "Acme", Decimal("80.10"), date(2025, 3, 15)),
    Invoice("R-4", "Cobalt", Decimal("4000.00"), date(2025, 1, 15)),
]


@tool(effect="read", trust="trusted")
def accounts() -> list[Account]:
    """All accounts."""
    return list(_ACCOUNTS)


@tool(effect="read", trust="trusted")
def transactions(iban: str, start: date | None = None, end: date | None = None) -> list[Transaction]:
    """Transactions of an account, oldest first; fails for accounts abroad."""
    if iban not in _TRANSACTIONS:
        raise PermissionError(f"no access to {iban}")
    every = [Transaction(id=i, day=date(*d), amount=a, payee=p, category=c) for i, d, a, p, c in _TRANSACTIONS[iban]]
    return [t for t in every if (start is None or t.day >= start) and (end is None or t.day <= end)]


@tool(effect="read", trust="trusted")
def invoices(customer: str | None = None) -> list[Invoice]:
    """Invoices, of a customer if one is given."""
    return [i for i in _INVOICES if customer in (None, i.customer)]


@tool(effect="read", trust="trusted")
def budget(category: str) -> float | None:
    """What may be spent in a category in a month; None where there is no budget."""
    return {"food": 150.0, "travel": 200.0, "rent": 850.0}.get(category)


@tool(effect="read", trust="trusted")
def rate(base: str, target: str, day: date | None = None) -> float:
    """What one unit of base is in target."""
    if (base, target) != ("USD", "EUR"):
        raise LookupError(f"no rate of {base} in {target}")
    return 0.92


@tool(effect="write")
def move_money(source: str, target: str, amount: float, reference: str = "") -> str:
    """Move money between own accounts; returns a receipt."""
    made("move_money", source=source, target=target, amount=amount, reference=reference)
    return f"{source}>{target}:{amount:.2f}"


@tool(effect="write")
def categorize(transaction_id: str, category: str) -> None:
    """Set the category of a transaction."""
    made("categorize", transaction_id=transaction_id, category=category)


@tool(effect="write")
def remind(customer: str, subject: str, text: str, fee: float = 0) -> int:
    """Send a customer a reminder; returns how many were sent today."""
    made("remind", customer=customer, subject=subject, text=text, fee=fee)
    return 1


TOOLS = [accounts, transactions, invoices, budget, rate, move_money, categorize, remind]
