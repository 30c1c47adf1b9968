"""A rule is told from another of its name by all that decides on what it says, its class and its helpers included."""

from __future__ import annotations

from typing import Any

import pytest

from superscalar.compiler.identity import identity_of

WAYS = {
    "a cached rule": "@cache\ndef rule(x): return x in (LIMIT,)",
    "a cached function beside it": "@cache\ndef fits(x): return x in (LIMIT,)\ndef rule(x): return fits(x)",
    "a partial of a cached function": "@cache\ndef fits(a, x): return x in (LIMIT,)\nrule = partial(fits, 1)",
    "what its class has": "class Rule:\n  most = LIMIT\n  def __call__(self, x): return x < self.most\nrule = Rule()",
    "a method that it calls": (
        "class Rule:\n  def fits(self, x): return x < (LIMIT, )\n"
        "  def __call__(self, x): return self.fits(x)\nrule = Rule()"
    ),
    "a method of what it is a method of": (
        "class Rule:\n  def fits(self, x): return x < (LIMIT, )\n"
        "  def check(self, x): return self.fits(x)\nrule = Rule().check"
    ),
    "a property": (
        "class Rule:\n  @property\n  def most(self): return LIMIT, 1\n"
        "  def __call__(self, x): return self.most\nrule = Rule()"
    ),
    "a class method": (
        "class Rule:\n  most = LIMIT\n  @classmethod\n  def check(cls, x): return cls.most\nrule = Rule.check"
    ),
    "what its class derives from": (
        "class Base:\n  most = LIMIT\n  def __call__(self, x): return self.most\nclass Rule(Base): pass\nrule = Rule()"
    ),
    "slots": (
        "class Rule:\n  __slots__ = ('most',)\n  def __init__(self): self.most = LIMIT\n"
        "  def __call__(self, x): return self.most\nrule = Rule()"
    ),
    "a class of its module": "class Terms:\n  MOST = LIMIT\ndef rule(x): return x < Terms.MOST",
    "a member of an enum": "class Most(IntEnum):\n  ONE = LIMIT\ndef rule(x): return x < Most.ONE",
    "its own attribute": "def rule(x): return x in rule.most\nrule.most = [LIMIT]",
    "a list of a class": "class Some(list): pass\nmost = Some([LIMIT])\ndef rule(x): return x in most",
    "a text of a class": "class Word(str): pass\nmost = Word(LIMIT)\ndef rule(x): return x == most",
    "a queue": "most = deque([LIMIT])\ndef rule(x): return x in most",
    "a namespace": "most = SimpleNamespace(x=LIMIT)\ndef rule(x): return x == most.x",
    "bytes that may change": "most = bytearray([LIMIT])\ndef rule(x): return x in most",
}

USED = """
from collections import deque
from enum import IntEnum
from functools import cache, partial
from types import SimpleNamespace
"""


def rule_of(text: str, limit: int) -> Any:
    module: dict[str, Any] = {"__name__": "shop"}
    exec(f"{USED}{text.replace('LIMIT', str(limit))}", module)
    return module["rule"]


@pytest.mark.parametrize("way", WAYS)
def test_a_rule_is_another_one_where_what_it_decides_by_is_another(way: str) -> None:
    told = identity_of(rule_of(WAYS[way], 1))
    assert told.is_(identity_of(rule_of(WAYS[way], 1)))
    assert not told.is_(identity_of(rule_of(WAYS[way], 2)))
