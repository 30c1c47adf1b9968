"""A folder of saved plans holds code: what somebody else could have put there is refused, and nothing is torn."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from superscalar import UsageError
from superscalar.saved.folder import MAX_SIZE, PlanFolder, check_plan_name

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and modes of POSIX")


@pytest.fixture
def folder(tmp_path: Path) -> PlanFolder:
    made = PlanFolder(tmp_path / "plans")
    with made.writing():
        made.write_file("brief.plan", "join(1)\n")
    return made


@pytest.mark.parametrize(
    "name",
    ["", "../x", "a/b", "a.b", "Brief", "_x", "1x", "a-b", "a b", "a\0", "for", "é", "a\n", "x" * 65, ".", 3, None],
)
def test_a_name_is_a_plain_word(name: object, folder: PlanFolder) -> None:
    with pytest.raises(UsageError, match="is no name of a saved plan"):
        check_plan_name(name)
    with pytest.raises(UsageError, match="is no name of a saved plan"):
        folder.read(name)  # type: ignore[arg-type]


def linked(folder: PlanFolder) -> None:
    (folder.path.parent / "other").write_text("join(2)\n")
    folder.file("brief").unlink()
    folder.file("brief").symlink_to(folder.path.parent / "other")


def linked_to_nothing(folder: PlanFolder) -> None:
    folder.file("brief").unlink()
    folder.file("brief").symlink_to(folder.path / "gone")


def of_two_names(folder: PlanFolder) -> None:
    os.link(folder.file("brief"), folder.path.parent / "other")


def writable(folder: PlanFolder) -> None:
    folder.file("brief").chmod(0o666)


def in_writable(folder: PlanFolder) -> None:
    folder.path.chmod(0o775)


def in_link(folder: PlanFolder) -> None:
    folder.path.rename(folder.path.parent / "real")
    folder.path.symlink_to(folder.path.parent / "real")


def large(folder: PlanFolder) -> None:
    folder.file("brief").write_bytes(b" " * (MAX_SIZE + 1))


def pipe(folder: PlanFolder) -> None:
    folder.file("brief").unlink()
    os.mkfifo(folder.file("brief"))


def inner_folder(folder: PlanFolder) -> None:
    folder.file("brief").unlink()
    folder.file("brief").mkdir()


def no_text(folder: PlanFolder) -> None:
    folder.file("brief").write_bytes(b"join(1)\xff")


def no_folder(folder: PlanFolder) -> None:
    folder.file("brief").unlink()
    folder.path.rmdir()
    folder.path.write_text("")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (linked, "is a link"),
        (linked_to_nothing, "is a link"),
        (of_two_names, "another name elsewhere"),
        (writable, "others may write it, and it is code: chmod go-w"),
        (in_writable, "others may write it"),
        (in_link, "is not a folder, or is a link to one"),
        (large, "that is no plan"),
        (pipe, "is no file"),
        (inner_folder, "is no file"),
        (no_text, "is not UTF-8 text"),
        (no_folder, "is not a folder"),
    ],
)
def test_what_somebody_else_could_have_put_there_is_refused(
    spoil: Callable[[PlanFolder], None], said: str, folder: PlanFolder
) -> None:
    spoil(folder)
    with pytest.raises(UsageError) as refused:
        folder.read("brief")
    assert said in str(refused.value)


def test_what_belongs_to_another_user_is_refused(folder: PlanFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    if me == 0:
        os.chown(folder.path, 12, 12)
    with pytest.raises(UsageError, match="belongs to another user"):
        folder.read("brief")


def test_a_file_that_is_changed_while_it_is_read_is_refused(
    folder: PlanFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = os.fstat
    looks: list[int] = []

    def changing(descriptor: int) -> os.stat_result:
        looks.append(descriptor)
        if len(looks) == 3:  # the folder, the file, and the file once it was read
            folder.file("brief").write_text("join(2), and more\n")
        return found(descriptor)

    monkeypatch.setattr(os, "fstat", changing)
    with pytest.raises(UsageError, match="was changed while it was read"):
        folder.read("brief")


def test_a_folder_that_is_not_there_has_no_plans_and_is_made_by_who_writes(tmp_path: Path) -> None:
    folder = PlanFolder(tmp_path / "plans")
    assert (folder.names(), folder.read("brief"), folder.path.exists()) == ([], None, False)
    with folder.writing():
        folder.write_file("brief.plan", "join(1)\n")
    assert (folder.names(), folder.read("brief")) == (["brief"], "join(1)\n")
    with pytest.raises(UsageError, match="cannot be made"), PlanFolder(tmp_path / "a" / "b").writing():
        pass


def test_what_is_called_otherwise_is_no_plan(folder: PlanFolder) -> None:
    for name in (".brief.plan.3f9c", "Brief.plan", "notes.txt", "a.b.plan", ".plan", "class.plan"):
        (folder.path / name).write_text("")
    assert folder.names() == ["brief"]


def test_a_file_is_put_in_place_whole_or_not_at_all(folder: PlanFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(UsageError, match="No space left on device"), folder.writing():
        folder.write_file("brief.plan", "join(2)\n")
    assert (folder.read("brief"), [*folder.path.iterdir()]) == ("join(1)\n", [folder.file("brief")])


def test_one_writes_at_a_time(folder: PlanFolder) -> None:
    """Each adds a line to what it has read: none is lost, in whichever order they come."""

    def add(number: int) -> None:
        with folder.writing():
            folder.write_file("brief.plan", f"{folder.read('brief')}{number}\n")

    writers = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted((folder.read("brief") or "").split()) == sorted(["join(1)", *map(str, range(8))])


def test_who_cannot_write_for_long_is_told(folder: PlanFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("superscalar.saved.folder._WAITS", 0.0)
    with (
        folder.writing(),
        pytest.raises(UsageError, match="somebody else has been writing there"),
        folder.writing(),
    ):
        pass
