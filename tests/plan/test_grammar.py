"""Grammars: whatever they accept can be read, and what is written by hand is accepted."""

from __future__ import annotations

from random import Random

import golden_tools
from grammar_samples import Sampler
from hypothesis import given
from hypothesis import strategies as st

from superscalar.plan import check
from superscalar.plan.grammars.language import rules_of
from superscalar.tools.toolset import Toolset

TOOLS = Toolset.from_module(golden_tools).signatures
BEYOND = {"E102", "E307", "E308", "W501", "W502"}
"""Which names and fields there are, and what is in them: no context-free grammar tells."""


@given(st.integers(0, 2**32), st.integers(4, 20))
def test_what_a_grammar_accepts_can_be_read(seed: int, depth: int) -> None:
    """No bad syntax, no construct outside the language, no tool or argument that is not there (rules L3 to L7, L32)."""
    text = Sampler(rules_of(TOOLS), Random(seed), depth=depth).text()
    assert [d for d in check(text, TOOLS) if d.code not in BEYOND] == [], text
