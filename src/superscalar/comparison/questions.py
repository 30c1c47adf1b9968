"""The questions of a comparison, and the file that they are read from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from superscalar.attachments import Attachment
from superscalar.errors import UsageError
from superscalar.plan.evaluate.json_text import once
from superscalar.short import bounded, short

_FIELDS: Final = frozenset({"id", "question", "answer", "answers", "files"})


@bounded
@dataclass(frozen=True, slots=True)
class Asked:
    """A question that every way is asked.

    `answers`: what counts as right, any of them; without one, whether an answer is right is not looked at. `tools`:
    makes the tools of this question, in the place of an agent's, each time that it is asked. `files` come with it.
    """

    id: str
    question: str
    answers: tuple[str, ...] = ()
    tools: Callable[[], Iterable[Any]] | None = field(default=None, compare=False)
    files: tuple[str | Path | Attachment, ...] = ()


def read_questions(text: str, *, name: str, folder: Path) -> tuple[Asked, ...]:
    """Read questions from JSON, one object a line: `{"question": ..., "answer": ..., "id": ..., "files": [...]}`.

    Only the question is needed; `answers` is a list in the place of one `answer`. A question without an `id` is called
    by the number of its line. `name`: that of the file, for messages. `folder`: where its `files` are.

    Raises:
        UsageError: a line is none of that; the message has its number. Or there is no question.
    """
    found: dict[str, Asked] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        place = f"{name}, line {number}"
        asked = _question_of(line, str(number), place, folder)
        if asked.id in found:
            raise UsageError(f"{place}: there is a question {asked.id!r} above; give each an id of its own")
        found[asked.id] = asked
    if not found:
        raise UsageError(f'{name} has no question; write one object a line: {{"question": "...", "answer": "..."}}')
    return tuple(found.values())


def _question_of(line: str, id: str, place: str, folder: Path) -> Asked:
    try:
        said = json.loads(
            line,
            object_pairs_hook=once,
            parse_int=_NumberAsWritten,
            parse_float=_NumberAsWritten,
            parse_constant=_NumberAsWritten,
        )
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place} is not JSON: {error}") from None
    if not isinstance(said, dict):
        raise UsageError(f'{place} is {short(said)}; write {{"question": "...", "answer": "..."}}')
    if unknown := sorted(said.keys() - _FIELDS):
        raise UsageError(f"{place}: nobody knows {', '.join(unknown)}; there are {', '.join(sorted(_FIELDS))}")
    question = said.get("question")
    if not (isinstance(question, str) and question.strip()):
        raise UsageError(f'{place}: "question" is {short(question)}; write a text')
    if "answer" in said and "answers" in said:
        raise UsageError(f'{place} has "answer" and "answers"; leave one of them out')
    several = said.get("answers", [said["answer"]] if "answer" in said else [])
    files = said.get("files", [])
    if not (isinstance(files, list) and all(isinstance(file, str) for file in files)):
        raise UsageError(f'{place}: "files" is {short(files)}; write a list of paths')
    if missing := [file for file in files if not (folder / file).is_file()]:
        raise UsageError(f"{place}: there is no file {missing[0]}")
    return Asked(
        id=_text(said.get("id", id), "id", place),
        question=question,
        answers=tuple(_text(one, "answer", place) for one in (several if isinstance(several, list) else [several])),
        files=tuple(folder / file for file in files),
    )


def _text(said: object, name: str, place: str) -> str:
    """A text, or a number as it is written."""
    text = said.text if isinstance(said, _NumberAsWritten) else said
    if not isinstance(text, str) or not text.strip():
        raise UsageError(f'{place}: "{name}" is {short(said)}; write a text')
    return text


class _NumberAsWritten(float):
    """A number that is a text as it stands in the file: 129.40 is no 129.4 where answers are compared as texts."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text
