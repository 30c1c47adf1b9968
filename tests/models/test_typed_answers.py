"""What is read of an answer that is to follow a type: one document, or none where it cannot be told which."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from superscalar.models.typed import AnswerType


@dataclass
class Count:
    n: int


COUNT = AnswerType(Count)


@pytest.mark.parametrize(
    "text",
    [
        '{"n": 5}',
        '```json\n{"n": 5}\n```',
        'The answer: {"n": 5}. Done.',
        'See [1]: {"n": 5}',
        'From {"name": "look"} I take {"n": 5}',
        '{"n": 5}\nAgain:\n```json\n{ "n": 5 }\n```',
    ],
)
def test_the_one_document_that_fits_is_the_answer(text: str) -> None:
    assert COUNT.read(text) == Count(5)


@pytest.mark.parametrize(
    "text", ['{"n": 9}\nNo: {"n": 5}', '```json\n{"n": 9}\n```\nNo, better:\n```json\n{"n": 5}\n```']
)
def test_of_two_answers_none_is_taken(text: str) -> None:
    with pytest.raises(ValueError, match="2 JSON documents that could be the answer"):
        COUNT.read(text)


@pytest.mark.parametrize("text", ["[" * 20_000, "{" * 20_000, '{"n": ' * 20_000, '{"n": ' + "1" * 5_000 + "}", "five"])
def test_what_is_no_document_is_an_error_that_goes_back(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        COUNT.read(text)
