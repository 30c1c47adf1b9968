"""A web shop: products with prices and stock, orders, reviews and suppliers."""

from __future__ import annotations

from datetime import date
from typing import TypedDict

from pydantic import BaseModel, Field

from superscalar import tool
from support.toolsets.writes import made


class Product(BaseModel):
    """Something for sale."""

    sku: str
    name: str
    price: float
    category: str
    stock: int = Field(description="pieces in the warehouse")
    supplier_id: str | None = None
    tags: list[str] = []


class Review(BaseModel):
    """What a customer said."""

    stars: int
    text: str
    author: str | None = None


class Line(BaseModel):
    """A line of an order."""

    sku: str
    quantity: int
    unit_price: float


class Order(BaseModel):
    """What a customer bought."""

    id: int
    customer: str
    placed: date
    status: str = Field(description="open, paid, shipped or returned")
    lines: list[Line]
    coupon: str | None = None


class Supplier(TypedDict):
    name: str
    lead_days: int
    min_order: int


_PRODUCTS = [
    Product(
        sku="A1", name="Desk lamp", price=39.9, category="light", stock=3, supplier_id="s1", tags=["home", "office"]
    ),
    Product(sku="A2", name="Floor lamp", price=89.0, category="light", stock=0, supplier_id="s1", tags=["home"]),
    Product(
        sku="B1", name="Office chair", price=249.5, category="furniture", stock=12, supplier_id="s2", tags=["office"]
    ),
    Product(sku="B2", name="Standing desk", price=599.0, category="furniture", stock=1, supplier_id=None),
    Product(
        sku="C1", name="Notebook", price=4.25, category="paper", stock=140, supplier_id="s3", tags=["office", "school"]
    ),
    Product(sku="C2", name="Sticky notes", price=2.1, category="paper", stock=8, supplier_id="s9"),
]
_ORDERS = [
    Order(
        id=1001,
        customer="eva",
        placed=date(2025, 2, 27),
        status="paid",
        lines=[Line(sku="A1", quantity=2, unit_price=39.9), Line(sku="C1", quantity=10, unit_price=4.0)],
    ),
    Order(
        id=1002,
        customer="max",
        placed=date(2025, 3, 1),
        status="open",
        lines=[Line(sku="B2", quantity=1, unit_price=599.0)],
        coupon="SPRING",
    ),
    Order(
        id=1003,
        customer="eva",
        placed=date(2025, 3, 4),
        status="shipped",
        lines=[Line(sku="B1", quantity=4, unit_price=249.5)],
    ),
    Order(
        id=1004,
        customer="ida",
        placed=date(2025, 3, 5),
        status="paid",
        lines=[Line(sku="C2", quantity=6, unit_price=2.1), Line(sku="A2", quantity=1, unit_price=89.0)],
    ),
    Order(
        id=1005,
        customer="max",
        placed=date(2025, 3, 9),
        status="returned",
        lines=[Line(sku="A2", quantity=1, unit_price=89.0)],
    ),
]
_REVIEWS = {
    "A1": [Review(stars=5, text="Great light", author="eva"), Review(stars=4, text="Good, a bit wobbly")],
    "A2": [Review(stars=2, text="Arrived broken", author="max"), Review(stars=1, text="It FLICKERS!", author="ida")],
    "B1": [Review(stars=4, text="Comfortable", author="tom")],
    "C1": [],
}
_SUPPLIERS: dict[str, Supplier] = {
    "s1": {"name": "Lumen AG", "lead_days": 5, "min_order": 10},
    "s2": {"name": "Sitwell", "lead_days": 14, "min_order": 4},
    "s3": {"name": "Paper & Co", "lead_days": 2, "min_order": 100},
}


@tool(effect="read", trust="trusted")
def search_products(query: str = "", category: str | None = None) -> list[Product]:
    """Products whose name has the query in it, of a category if one is given."""
    return [p for p in _PRODUCTS if query.lower() in p.name.lower() and category in (None, p.category)]


@tool(effect="read", trust="trusted")
def get_product(sku: str) -> Product:
    """A product by its SKU; fails if there is none."""
    for p in _PRODUCTS:
        if p.sku == sku:
            return p
    raise LookupError(f"no product {sku}")


@tool(effect="read", trust="trusted")
def list_orders(status: str | None = None, since: date | None = None) -> list[Order]:
    """Orders, oldest first."""
    return [o for o in _ORDERS if status in (None, o.status) and (since is None or o.placed >= since)]


@tool(effect="read", trust="trusted")
def reviews(sku: str) -> list[Review]:
    """Reviews of a product; fails where the product takes none."""
    if sku not in _REVIEWS:
        raise LookupError(f"{sku} takes no reviews")
    return _REVIEWS[sku]


@tool(effect="read", trust="trusted")
def supplier(supplier_id: str) -> Supplier:
    """A supplier by id; fails if it is not known."""
    if supplier_id not in _SUPPLIERS:
        raise LookupError(f"no supplier {supplier_id}")
    return _SUPPLIERS[supplier_id]


@tool(effect="write")
def set_price(sku: str, price: float) -> float:
    """Set the price of a product; returns the price."""
    made("set_price", sku=sku, price=price)
    return price


@tool(effect="write")
def reorder(sku: str, quantity: int, note: str = "") -> str:
    """Order pieces of a product from its supplier; returns the number of the purchase."""
    made("reorder", sku=sku, quantity=quantity, note=note)
    return f"PO-{sku}-{quantity}"


@tool(effect="write")
def refund(order_id: int, amount: float, reason: str | None = None) -> bool:
    """Pay an amount of an order back."""
    made("refund", order_id=order_id, amount=amount, reason=reason)
    return True


@tool(effect="write")
def message_customer(customer: str, subject: str, body: str) -> None:
    """Write to a customer."""
    made("message_customer", customer=customer, subject=subject, body=body)


TOOLS = [search_products, get_product, list_orders, reviews, supplier, set_price, reorder, refund, message_customer]
