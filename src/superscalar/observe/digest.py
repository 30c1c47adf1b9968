"""What happens in a run, told in few lines: for who does not read along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from superscalar import events as ev
from superscalar.observe.account import Account
from superscalar.observe.view import RunView
from superscalar.observe.wording import counts_text

_FEW: Final = 10  # lines of one kind, such as failures
_OF_SINGLE_CALLS: Final = (
    ev.Expanded,
    ev.Waiting,
    ev.Started,
    ev.Progressed,
    ev.Retrying,
    ev.Cancelled,
    ev.Succeeded,
    ev.Skipped,
)


class Digest:
    """Tells a run as an account does, but of single calls only what failed; of what happens often the first few."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._account = Account(view)
        self._told: Counter[str] = Counter()
        self._counts = view.counts

    def of(self, event: ev.Event) -> Iterator[tuple[str, str]]:
        """What the event means to a person, if it is to be told; the view has been told of it."""
        for word, text in self._account.of(event):
            if isinstance(event, _OF_SINGLE_CALLS) or word == "skipped" or _was_stopped(event):
                continue
            self._told[word] += word != "plan"
            if self._told[word] <= _FEW:
                yield word, text
            elif self._told[word] == _FEW + 1:
                yield word, "and more, which -v tells one by one"

    def so_far(self) -> str:
        """How many calls are in which state; empty if that is as it was."""
        before, self._counts = self._counts, self._view.counts
        return "" if self._counts == before else counts_text(self._counts)


def _was_stopped(event: ev.Event) -> bool:
    """Whether a call is over since its run is: what the end of the run says."""
    return isinstance(event, ev.Failed) and event.failure.kind == "cancelled"
