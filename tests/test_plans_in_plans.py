"""Plans that call plans: the same as the plan that is called written in the place of the call, and what is beyond that."""

from __future__ import annotations
