"""The front ends: other texts, the same program. One file each, and each listed once, here."""

from __future__ import annotations

from typing import Final

from superscalar.plan.read.fronts.front import Front
from superscalar.plan.read.fronts.json_steps import JSON
from superscalar.plan.read.fronts.numbered import NUMBERED
from superscalar.plan.read.fronts.python import PYTHON
from superscalar.plan.read.fronts.rewoo import REWOO

FRONTS: Final[tuple[Front, ...]] = (PYTHON, NUMBERED, REWOO, JSON)
"""The first is what a text is taken for that looks like none; a line that looks like several is of the last of them."""
