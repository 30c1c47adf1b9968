"""A plugin of pytest (`-p support.run_elsewhere`): all calls run in another process, which is forked for each run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from superscalar.compiler import equipment
from superscalar.executors.runners import Runners
from support import elsewhere
from support.elsewhere import Inherited


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    executor = Inherited()
    monkeypatch.setattr(elsewhere, "PATIENCE", 2.0)
    monkeypatch.setattr(equipment, "LOCAL", executor)
    monkeypatch.setattr(Runners.__init__, "__defaults__", (executor,))
    yield
    executor.end()
