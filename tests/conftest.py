"""How deep the tests search, and which searches a sample has.

`make test` runs everything, its searches with few examples; `make search` the searches alone, in depth, or a sample of
them that a seed chooses. In CI the examples of `make test` are always the same ones: a landing depends on no luck.
"""

from __future__ import annotations

import gc
import os
import zlib

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from superscalar.models import cleaning
from support import depth

_ANY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
_SAME = bool(os.environ.get("CI"))
settings.register_profile("quick", _ANY, max_examples=depth.said() or depth.QUICK, derandomize=_SAME)
settings.register_profile("search", _ANY, max_examples=depth.said() or depth.SEARCH)
settings.load_profile("quick")


@pytest.fixture(autouse=True)
def _no_model_is_known_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test's model was found to do, another's of the same name is not known for."""
    monkeypatch.setattr(cleaning, "_thinking_aloud", set())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sample", type=int, default=1, help="run one in so many searches; --hypothesis-seed says which")


def pytest_configure(config: pytest.Config) -> None:
    seed = config.getoption("--hypothesis-seed")
    if seed is not None:
        os.environ[depth.SEARCH_SEED] = str(int(seed))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("search")
    among, seed = config.getoption("--sample"), config.getoption("--hypothesis-seed")
    if among > 1:
        tests = {_test(item) for item in items if item.get_closest_marker("search")}
        drawn = sorted(tests, key=lambda test: zlib.crc32(f"{seed} {test}".encode()))
        kept = set(drawn[: -(-len(drawn) // among)])
        config.hook.pytest_deselected(items=[item for item in items if _test(item) not in kept])
        items[:] = [item for item in items if _test(item) in kept]


def _test(item: pytest.Item) -> str:
    """One test, with whatever parameters: a wide matrix is drawn no more often than a test with one row."""
    return item.nodeid.partition("[")[0]


def pytest_collection_finish() -> None:
    gc.freeze()  # ten thousand items live until the end: each full collection would go through them for nothing
    gc.collect()  # from now on the collector counts what the tests make
