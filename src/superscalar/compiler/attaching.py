"""The files that come with a question, as somebody gives them."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import Any, Final, TypeAlias

from superscalar.attachments import Attachment
from superscalar.errors import UsageError
from superscalar.models.files import MOST_BYTES, MOST_FILES
from superscalar.short import short

Files: TypeAlias = Iterable[Attachment | str | PathLike[str]]
"""Files that come with a question: attachments, or paths, which are read at once."""

ROOM: Final = 80_000
"""Characters of the texts among them that a model is shown."""


def attached(files: Files) -> tuple[Attachment, ...]:
    """The files of a question.

    Raises:
        UsageError: one cannot be read, has no content, or they are more than a model is given.
    """
    if not isinstance(files, Iterable) or isinstance(files, str | bytes | PathLike):
        raise UsageError(f'files={short(files)}: write a list of paths and attachments, such as files=["chart.png"]')
    found = tuple(_attached(file, f"files[{i}]") for i, file in enumerate(files))
    whole = sum(file.size for file in found)
    if whole > MOST_BYTES:
        raise UsageError(f"files= have {whole:,} bytes: models are given {MOST_BYTES:,} at the most")
    if len(found) > MOST_FILES:
        raise UsageError(f"files= are {len(found):,}: models are given {MOST_FILES} at the most")
    return found


def _attached(file: Any, where: str) -> Attachment:
    if isinstance(file, str | PathLike):
        file = Attachment.from_path(file)
    if not isinstance(file, Attachment):
        raise UsageError(f"{where} is a {type(file).__name__}: write a path, or an Attachment")
    if not file.content:
        why = "; nothing here follows an address, so read it first" if file.uri else ""
        raise UsageError(f"{where} has no content: {short(file)}{why}")
    return file
