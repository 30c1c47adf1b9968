"""Where `superscalar.plan.print_plan` was before: kept for one version."""

from __future__ import annotations

import warnings

from superscalar.plan.print.program import print_plan as print_plan

warnings.warn(
    "superscalar.plan.printer is no more: from superscalar.plan import print_plan", DeprecationWarning, stacklevel=2
)
