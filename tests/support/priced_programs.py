"""Random programs that compute with decimals, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from support.random_programs import FUNCTIONS, Sub, Writer, num

IMPORT = "from decimal import Decimal, ROUND_HALF_UP, ROUND_DOWN\n"
"""What Python needs above such a program, and a plan does not."""


def price(x: Any) -> Decimal:
    """An amount in cents."""
    return Decimal(num(x, "price")) / 4 + Decimal("0.10")


def prices(x: Any) -> list[Decimal]:
    """A few amounts, or none."""
    return [price((x, i)) for i in range(num(x, 5) % 4)]


PRICED: tuple[Callable[..., Any], ...] = (*FUNCTIONS, price, prices)


class PricedWriter(Writer):
    """Writes one program in which there are decimals."""

    kinds: ClassVar[Sequence[str]] = (*Writer.kinds, "price", "price", "price", "prices")
    literals: ClassVar[Mapping[str, Sequence[str]]] = {
        **Writer.literals,
        "price": ["Decimal('1.50')", "Decimal('0.00')", "Decimal(3)", "Decimal('-12.345')", "Decimal('1E+2')"],
        "prices": ["[Decimal('1.0'), Decimal('1.00')]", "[Decimal('0.1'), Decimal('0.2')]", "[]"],
    }

    def _more_forms(self, kind: str, sub: Sub, *, calls: bool) -> Iterable[Callable[[], str]]:
        pick = self._pick
        match kind:
            case "price":
                yield lambda: f"({sub('price')} {pick('+-*/')} {sub(pick(['price', 'int']))})"
                yield lambda: f"({sub('int')} {pick('+-*')} {sub('price')})"
                yield lambda: f"({sub('price')} {pick(['//', '%', '**'])} {pick('123')})"
                yield lambda: f"round({sub('price')}, {pick(['1', '2', '-1'])})"
                yield lambda: f"{sub('price')}.quantize(Decimal('0.01'){pick(['', ', rounding=ROUND_HALF_UP'])})"
                yield lambda: f"{sub('price')}.{pick(['normalize()', 'to_integral_value(ROUND_DOWN)'])}"
                yield lambda: f"{pick(['min', 'max'])}({sub('price')}, {sub(pick(['price', 'int', 'float']))})"
                yield lambda: f"{pick(['-', 'abs', '+'])}({sub('price')})"
                yield lambda: f"sum({sub('prices')}, Decimal('0.00'))"
                yield lambda: f"Decimal({sub('int')})"
                yield lambda: f"Decimal(str({sub('float')}))"
                if calls:
                    yield lambda: self._call("price", sub("int"))
            case "prices":
                yield lambda: f"sorted({sub('prices')}, reverse=True)"
                yield lambda: f"[p * 2 for p in {sub('prices')} if p {pick(['<', '>', '!='])} {sub('price')}]"
                yield lambda: f"({sub('prices')} + [{sub('price')}])"
                if calls:
                    yield lambda: self._call("prices", sub("int"))
            case "int":
                yield lambda: f"int({sub('price')})"
                yield lambda: f"round({sub('price')})"
                yield lambda: f"{{Decimal('1.0'): 7, 2: 8}}.get({sub('price')}, 9)"
            case "float":
                yield lambda: f"float({sub('price')})"
            case "text":
                yield lambda: f"str({sub(pick(['price', 'prices']))})"
                yield lambda: f"'{{:{pick(['.2f', ',', '>12', '+.1e', '.0%', '', 'g'])}}}'.format({sub('price')})"
                yield lambda: f"'%.1f %d' % ({sub('price')}, {sub('price')})"
            case "bool":
                yield lambda: f"({sub('price')} {pick(['<', '>=', '==', '!='])} {sub(pick(['price', 'int', 'float']))})"
                yield lambda: f"({sub(pick(['price', 'int']))} in {sub('prices')})"
                yield lambda: f"({sub('prices')} == {sub('prices')})"
                yield lambda: f"bool({sub('price')})"
                yield lambda: f"{sub('price')}.{pick(['is_zero', 'is_signed', 'is_nan'])}()"
