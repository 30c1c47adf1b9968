"""How deep the tests search, and which searches a sample has.

`make test` runs everything, its searches with few examples; `make search` the searches alone, in depth, or a sample of
them that a seed chooses. In CI the examples of `make test` are always the same ones: a landing depends on no luck.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import tempfile
import zlib
from collections.abc import Generator
from functools import cache

import pytest
import typer.testing
from hypothesis import HealthCheck, is_hypothesis_test, settings
from typer.main import get_command

from superscalar import facts
from superscalar.models import cleaning
from support import depth

_ANY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
_SAME = bool(os.environ.get("CI"))
settings.register_profile("quick", _ANY, max_examples=depth.said() or depth.QUICK, derandomize=_SAME)
settings.register_profile("search", _ANY, max_examples=depth.said() or depth.SEARCH)
settings.load_profile("quick")


def _in_memory(folder: str = "/dev/shm", room: int = 1 << 30) -> bool:
    """Whether files made there never go to a disk: journals wait for theirs at each durable write."""
    try:
        return not os.statvfs(folder).f_flag & os.ST_NOEXEC and shutil.disk_usage(folder).free > room
    except (OSError, AttributeError):  # there is no such folder, or no such thing
        return False


if "TMPDIR" not in os.environ and _in_memory():
    os.environ["TMPDIR"] = "/dev/shm"
    tempfile.tempdir = None  # pytest has asked for it before


facts.freeze()
logging.getLogger("superscalar").setLevel(logging.CRITICAL)  # pytest would have each failure told; what listens says so


# All commands are made of the application anew for each that is called, which takes most of the time of a short one.
typer.testing._get_command = cache(get_command)  # type: ignore[attr-defined]


def pytest_runtest_teardown() -> None:
    """What one test's model was found to do, another's of the same name is not known for."""
    cleaning._thinking_aloud.clear()


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


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays: there is nothing for the collector to find in it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    gc.freeze()  # ten thousand items live until the end: each full collection would go through them for nothing
    gc.collect()  # from now on the collector counts what the tests make
    gc.set_threshold(*gc.get_threshold()[:2], 50)  # what outlives a test mostly outlives all: it is gone through seldom
