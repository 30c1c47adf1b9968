"""Say what an llguidance accepts: run as a script, in a process of its own for each release.

Read from standard input: a list of `[grammar in Lark's notation, [text, ...]]`. Written: for each a list of which texts
it accepts, or the error that it has with the grammar.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import llguidance

_EOS = 256


class _Bytes:
    """A tokenizer whose tokens are the bytes."""

    eos_token_id = _EOS
    bos_token_id = None
    tokens = (*(bytes([byte]) for byte in range(256)), b"<eos>")

    def __call__(self, text: str | bytes) -> list[int]:
        return list(text if isinstance(text, bytes) else text.encode())


_TOKENS = llguidance.LLTokenizer(llguidance.TokenizerWrapper(_Bytes()))


def _interpreter(grammar: str) -> Any:
    if hasattr(llguidance, "LLMatcher"):
        source = llguidance.LLMatcher.grammar_from_lark(grammar)
    else:
        source = llguidance.LarkCompiler().compile(grammar)
    made = llguidance.LLInterpreter(
        _TOKENS,
        source if isinstance(source, str) else json.dumps(source),
        enable_backtrack=False,
        enable_ff_tokens=False,
        log_level=0,
    )
    made.start_without_prompt()
    return made


def accepts(grammar: str, text: str) -> bool:
    """Whether the whole text can be written, byte for byte."""
    interpreter = _interpreter(grammar)
    for byte in text.encode():
        mask, _ = interpreter.compute_mask()
        # A release has a byte for each token, or a bit.
        allowed = mask is not None and (mask[byte] if len(mask) > _EOS else mask[byte // 8] >> byte % 8 & 1)
        if not allowed:
            return False
        interpreter.commit_token(byte)
    return bool(interpreter.is_accepting())


def _answer(grammar: str, texts: list[str]) -> list[bool] | str:
    try:
        _interpreter(grammar)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the test shows it
        return str(error)
    return [accepts(grammar, text) for text in texts]


if __name__ == "__main__":
    json.dump([_answer(*asked) for asked in json.load(sys.stdin)], sys.stdout)
