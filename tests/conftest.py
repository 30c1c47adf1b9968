"""How hypothesis searches: anew on a developer's machine, always the same in CI: a landing depends on no luck."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("search"), derandomize=True, print_blob=True)
settings.load_profile("same" if os.environ.get("CI") else "search")
