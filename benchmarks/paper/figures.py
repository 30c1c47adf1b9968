"""What stands in for Wikipedia and for the calculator in ParallelQA: a table of figures, and safe arithmetic.

The paper's tools search Wikipedia and let a language model do the sums; what they returned is no part of its data. Here
`look_up` knows one figure of each thing that a question is about, rounded as encyclopedias give it, and `calculate`
works an expression out. So no tool reads prose, which makes every way of answering easier alike.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Final, Literal, TypeAlias, get_args

Figure: TypeAlias = Literal["depth", "speed", "height", "area", "length", "population"]

UNITS: Final[Mapping[Figure, str]] = {
    "depth": "metres",
    "speed": "km/h",
    "height": "metres",
    "area": "square kilometres",
    "length": "kilometres",
    "population": "millions",
}

FIGURES: Final[Mapping[str, tuple[str, Figure, float]]] = {
    "mariana": ("Mariana Trench", "depth", 10_984),
    "puerto": ("Puerto Rico Trench", "depth", 8_376),
    "sunda": ("Sunda Trench", "depth", 7_290),
    "sandwich": ("South Sandwich Trench", "depth", 8_202),
    "peru": ("Peru-Chile Trench", "depth", 8_065),
    "cheetah": ("cheetah", "speed", 98),
    "falcon": ("peregrine falcon", "speed", 389),
    "greyhound": ("greyhound", "speed", 70),
    "gazelle": ("gazelle", "speed", 100),
    "ostrich": ("ostrich", "speed", 70),
    "everest": ("Mount Everest", "height", 8_848.86),
    "kilimanjaro": ("Mount Kilimanjaro", "height", 5_895),
    "aconcagua": ("Aconcagua", "height", 6_961),
    "k2": ("K2", "height", 8_611),
    "elbert": ("Mount Elbert", "height", 4_401),
    "christ": ("Christ the Redeemer", "height", 38),
    "unity": ("Statue of Unity", "height", 182),
    "washington": ("Washington Monument", "height", 169),
    "motherland": ("Motherland Calls", "height", 85),
    "ushiku": ("Ushiku Daibutsu", "height", 120),
    "burj": ("Burj Khalifa", "height", 829.8),
    "skytree": ("Tokyo Skytree", "height", 634),
    "cn": ("CN Tower", "height", 553.3),
    "empire": ("Empire State Building", "height", 443.2),
    "shanghai": ("Shanghai Tower", "height", 632),
    "ostankino": ("Ostankino Tower", "height", 540.1),
    "sahara": ("Sahara Desert", "area", 9_200_000),
    "kalahari": ("Kalahari Desert", "area", 900_000),
    "sonoran": ("Sonoran Desert", "area", 260_000),
    "arabian": ("Arabian Desert", "area", 2_330_000),
    "atacama": ("Atacama Desert", "area", 105_000),
    "amazon": ("Amazon Rainforest", "area", 5_500_000),
    "congo_forest": ("Congo Rainforest", "area", 2_000_000),
    "borneo": ("Borneo Rainforest", "area", 748_168),
    "australian": ("Australian Forest", "area", 1_470_000),
    "black": ("Black Forest", "area", 6_009),
    "pacific": ("Pacific Ocean", "area", 165_250_000),
    "atlantic": ("Atlantic Ocean", "area", 85_133_000),
    "indian": ("Indian Ocean", "area", 70_560_000),
    "arctic": ("Arctic Ocean", "area", 14_060_000),
    "southern": ("Southern Ocean", "area", 20_327_000),
    "texas_land": ("Texas", "area", 695_662),
    "florida_land": ("Florida", "area", 170_312),
    "california_land": ("California", "area", 423_967),
    "michigan_land": ("Michigan", "area", 250_487),
    "jersey_land": ("New Jersey", "area", 19_047),
    "yangtze": ("Yangtze River", "length", 6_300),
    "mississippi": ("Mississippi River", "length", 3_766),
    "volga": ("Volga River", "length", 3_531),
    "mekong": ("Mekong River", "length", 4_909),
    "congo": ("Congo River", "length", 4_700),
    "vietnam": ("Vietnam", "population", 100),
    "thailand": ("Thailand", "population", 70),
    "korea": ("South Korea", "population", 52),
    "japan": ("Japan", "population", 125),
    "china": ("China", "population", 1_400),
    "texas": ("Texas", "population", 30.03),
    "florida": ("Florida", "population", 22.24),
    "california": ("California", "population", 39.03),
    "michigan": ("Michigan", "population", 10.03),
    "jersey": ("New Jersey", "population", 9.26),
}
"""By the short name that gold plans use: what it is, which figure of it, and how much that is in `UNITS`."""

_BY_FIGURE: Final[Mapping[Figure, Mapping[str, float]]] = {
    figure: {name.casefold(): value for name, of, value in FIGURES.values() if of == figure}
    for figure in get_args(Figure)
}
_WORDS: Final = ("the ", " statue", " tower", " desert", " ocean", " river", " trench")


def looked_up(name: str, figure: Figure) -> float:
    """A figure of something, as near to that name as anything in the table.

    Raises:
        LookupError: nothing in the table is called so, or that figure of it is not there.
    """
    known = _BY_FIGURE[figure]
    asked = " ".join(name.casefold().replace("statue", "").split()).removeprefix("the ")
    near = get_close_matches(asked, known, n=1, cutoff=0.75)
    near = near or [entry for entry in known if any(f"{asked}{word}" == entry for word in _WORDS)]
    near = near or get_close_matches(asked.replace(" forest", " rainforest"), known, n=1, cutoff=0.75)
    if not near:
        raise LookupError(f"no {figure} of {name!r}")
    return known[near[0]]


_OPERATORS: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS: Final[Mapping[str, Callable[..., float]]] = {"min": min, "max": max, "abs": abs, "round": round}


def calculated(expression: str) -> float:
    """What an expression of numbers comes to: `+ - * / ( )`, percents, min, max, abs and round, and nothing else.

    Raises:
        ValueError: it is no such expression.
    """
    text = expression.replace("×", "*").replace("÷", "/").replace("%", " * 0.01").strip()
    try:
        value = _value(ast.parse(text, mode="eval").body)
    except (SyntaxError, TypeError, ZeroDivisionError, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"cannot calculate {expression!r}: write numbers, + - * / ( ), min, max, abs") from error
    return round(value, 6)


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*map(_value, arguments))
    raise TypeError(ast.unparse(node))
