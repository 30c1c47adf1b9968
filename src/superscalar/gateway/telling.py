"""What a client is told of a run: its value within bounds, what failed, who is waited for; and the label of that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from superscalar.attachments import Attachment, attachments_in
from superscalar.excerpt import excerpt
from superscalar.gateway.ended import JOINED, EndedRun
from superscalar.gateway.replies import GatewayReply, ResultLink
from superscalar.gateway.veiling import veiled
from superscalar.labels import Label, joined
from superscalar.models.surrogates import without_halves
from superscalar.plan.evaluate.parts import whole
from superscalar.policy import Question
from superscalar.short import cut
from superscalar.values import Failure, plain

UntrustedText: TypeAlias = Literal["text", "handles"]
"""How a client is given what is not trusted: as it is, or by its kind, its size and where it stands."""

_MOST: Final = 20
_CANCELLED: Final = "cancelled"
_LONGEST: Final = 300
_SAID: Final = 60  # bytes that say that a text was cut
_MOST_FILES: Final = 10
_LARGEST_FILES: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class TellingTerms:
    """How much a client is told of a value (bytes), and whether it may read what strangers wrote."""

    untrusted: UntrustedText = "text"
    most: int = 20_000

    @property
    def is_veiled(self) -> bool:
        """Whether text of strangers is kept from it."""
        return self.untrusted == "handles"


def told_of_run(run: str, ended: EndedRun, terms: TellingTerms) -> tuple[GatewayReply, Label]:
    """The reply that has what a run came to, and the label of what is in it."""
    value, labels = ended.value, ended.labels
    told: list[Label] = [] if terms.is_veiled else [whole(labels)]
    shown = veiled(value, labels, told) if terms.is_veiled else value
    text = without_halves(shown if isinstance(shown, str) else _json(shown))
    links: list[ResultLink] = []
    notes: list[str] = []
    size = len(text.encode())
    name = JOINED if ended.joins else "NAME"
    if size > terms.most:
        text = _cut(text if isinstance(shown, str) else shown, text, size, terms.most)
        notes.append(
            f'cut: the whole has {size:,} bytes. In a later plan: x = result("{run}", "{name}"), then join parts'
        )
        if ended.joins:
            links.append(ResultLink(run, JOINED, size))
    elif terms.is_veiled and shown != plain(value):
        notes.append(f'withheld: texts of strangers. In a later plan they are what result("{run}", "{name}") has')
    failures = list(ended.failed)
    for id, failure, its in failures[:_MOST]:
        if terms.is_veiled and not its.told:
            notes.append(f"failed: {id}: {failure.kind}")
        else:
            told.append(its)
            notes.append(f"failed: {id}: {cut(_line(failure), _LONGEST)}")
    if len(failures) > _MOST:
        notes.append(f"and {len(failures) - _MOST:,} more failed")
    if ended.outcomes.in_doubt:
        notes.append(
            f"in doubt: {', '.join(ended.outcomes.in_doubt[:_MOST])} may have been made, or not; never repeat it"
        )
    if ended.error == _CANCELLED:
        notes.append("ended: it was stopped")
    elif ended.error and terms.is_veiled:
        notes.append(f"ended: by an error; a person can see it: superscalar show {run}")
    elif ended.error:
        told.append(ended.anything)
        notes.append(f"ended: {cut(ended.error, _LONGEST)}")
    files = () if terms.is_veiled and not whole(labels).told else tuple(_files(value))
    failed = bool(ended.error) or isinstance(value, Failure)
    return GatewayReply(text, run=run, notes=tuple(notes), failed=failed, links=tuple(links), files=files), joined(told)


def waiting_for(run: str, questions: Sequence[Question], terms: TellingTerms, commands: Iterable[str]) -> GatewayReply:
    """The reply that says what a person is to decide; nothing else of the run is left to do.

    A client that may read no text of strangers is handed no question, not even to show it to somebody.
    """
    count = len(questions)
    head = f"run {run} waits for a person: {count} call{'s' * (count != 1)} to approve. Nothing else is left to do."
    asked = questions[:_MOST]
    shown = [_withheld(one) if terms.is_veiled else cut(str(one), 2_000) for one in asked]
    if count > _MOST:
        shown.append(f"and {count - _MOST:,} more")
    then = (*commands, f'then: run_plan(resume="{run}")')
    open = () if terms.is_veiled else tuple(questions)
    return GatewayReply("\n".join([head, *shown]), "waiting", run, then, questions=open)


def _withheld(question: Question) -> str:
    """What is said of a question to whom its texts are kept from: it shows what a call would be given."""
    asked = f"{question.task_id}: {question.tool}" if question.task_id else "the plan as a whole"
    return f"{asked}: what it would be given is shown where it is answered"


def _json(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False)


def _cut(value: Any, text: str, size: int, most: int) -> str:
    """So much of a text, or of a value on the bounds of its items, that it has `most` bytes at the most."""
    room = (most - _SAID) * len(text) // size
    found = cut(text, room) if isinstance(value, str) else excerpt(value, room)
    while len(found.encode()) > most and room > 40:  # other parts of it have wider characters than the whole
        room = room * 3 // 4
        found = cut(text, room) if isinstance(value, str) else excerpt(value, room)
    return found


def _line(failure: Failure) -> str:
    return " ".join(str(failure).split())


def _files(value: Any) -> Iterable[Attachment]:
    room = _LARGEST_FILES
    for count, (_, attachment) in enumerate(attachments_in(value)):
        room -= len(attachment.content)
        if count >= _MOST_FILES or room < 0:
            return
        yield attachment
