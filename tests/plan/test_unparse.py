"""What is written of a plan is read by every version of Python that we run on."""

from __future__ import annotations

import ast
import sys

import pytest

from superscalar.plan.read.unparse import unparsed

TEXTS = {
    "f\"{price('IBM')} dollars\"": "f\"{price('IBM')} dollars\"",
    "f'{x} dollars'": "f'{x} dollars'",
    'f"it\'s {x}"': 'f"it\'s {x}"',
    "f'{a:{b}.{c!r}}'": "f'{a:{b}.{c!r}}'",
    "f\"{a['b']:>{w}} {{x}}\"": "f\"{a['b']:>{w}} {{x}}\"",
    "[f\"{f'{a}'}\", f'b']": "[f\"{f'{a}'}\", f'b']",
    "f'{ {1: 2}[1] }\\n'": "f'{ {1: 2}[1]}\\n'",
}


@pytest.mark.parametrize("text", TEXTS)
def test_an_f_string_has_none_of_its_quotes_in_its_holes(text: str) -> None:
    written = unparsed(ast.parse(text))
    assert written == TEXTS[text]
    assert ast.dump(ast.parse(written)) == ast.dump(ast.parse(text))


def test_words_that_look_like_the_place_of_an_f_string_stay() -> None:
    assert unparsed(ast.parse("['_f0_', f'{a}', _f_f0_]")) == "['_f0_', f'{a}', _f_f0_]"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="no text of Python 3.11 is read as this")
@pytest.mark.parametrize("text", ["f'{a['\\n']}'", "f'{a['b']}{c[\"it's \\\"\"]}'"])
def test_what_no_text_of_python_3_11_says_is_not_written(text: str) -> None:
    with pytest.raises(ValueError, match="f-string"):
        unparsed(ast.parse(text))
