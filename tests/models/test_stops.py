"""Stop texts in a stream that is cut anywhere."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from superscalar.models.stops import StopFilter

LETTERS = st.text(alphabet="ab<", max_size=12)


def filtered(text: str, cuts: list[int], stops: list[str]) -> tuple[str, bool]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    filter_ = StopFilter(stops)
    said = "".join(filter_.feed(text[start:end]) for start, end in itertools.pairwise(places))
    return said + filter_.flush(), filter_.found


@given(LETTERS, st.lists(st.integers(0, 99), max_size=5), st.lists(LETTERS.filter(bool), max_size=1))
def test_the_reply_ends_at_the_stop_text_wherever_it_is_cut(text: str, cuts: list[int], stops: list[str]) -> None:
    """Cutting the stream changes nothing: what comes before the stop text is returned, and nothing after it."""
    before, found, _ = text.partition(stops[0]) if stops else (text, "", "")
    assert filtered(text, cuts, stops) == (before, bool(found))


def test_the_first_of_several_ends_the_reply() -> None:
    """The stop text that comes first in the reply wins, not the one that comes first in the request."""
    assert filtered("a STOP b END", [], ["END", "STOP"]) == ("a ", True)


def test_text_is_held_back_only_while_it_might_be_a_stop() -> None:
    """What cannot belong to a stop text is passed on at once."""
    stops = StopFilter(["<END>"])
    assert [stops.feed(piece) for piece in ("a<", "E", "x<", "END>b")] == ["a", "", "<Ex", ""]
    assert (stops.flush(), stops.found) == ("", True)
