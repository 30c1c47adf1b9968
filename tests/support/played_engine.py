"""An engine in the place of the embedded model's: it says what it is told to, and tells what it had to read."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from superscalar.models.engine import Emit, Engine

END = {"choices": [{"delta": {}, "finish_reason": "stop"}]}


class PlayedEngine:
    """An engine with slots of text: what it must read of a prompt is what its slot does not hold.

    `did`: what was asked of it, `read` with the characters that it had to read. It dies of a file that was not saved.
    It says one of `replies` after another to what may be longer than a token, and then "x".
    """

    slots = 2
    version = "played"

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.did: list[tuple[str, Any]] = []
        self.holds = ["", ""]
        self.reading = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self.refuses: Mapping[str, object] | None = None
        self.fails = False
        self._states = Path()

    def load(self, path: Path, threads: int, context: int, states: Path) -> Engine:
        self._states = states
        return self

    def generate(self, body: Mapping[str, object], emit: Emit) -> None:
        messages: Any = body["messages"]
        text = "\n".join(f"{one['role']}: {one['content']}" for one in messages)
        slot: Any = body.get("id_slot", 0)
        known = next((at for at, (a, b) in enumerate(zip(text, self.holds[slot], strict=False)) if a != b), None)
        known = min(len(text), len(self.holds[slot])) if known is None else known
        self.did.append(("read", len(text) - known))
        fails = self.fails
        self.reading.set()
        if fails:
            raise RuntimeError("a fault")
        if self.refuses:
            emit({"error": self.refuses})
            return
        for at in range(known, len(text), 10):
            self.holds[slot] = text[:at]
            self.go.wait(20)
            if emit({"choices": [], "prompt_progress": {"processed": at, "total": len(text)}}):
                return
        self.holds[slot] = text
        said = self.replies.pop(0) if self.replies and body["max_tokens"] != 1 else "x"
        emit({"choices": [{"delta": {"content": said}, "finish_reason": None}]})
        emit(END)

    def save(self, slot: int, name: str) -> None:
        self.did.append(("save", slot))
        (self._states / name).write_text(f"saved {self.holds[slot]}", "utf-8")

    def restore(self, slot: int, name: str) -> None:
        self.did.append(("restore", slot))
        text = (self._states / name).read_text("utf-8")
        assert text.startswith("saved "), "llama.cpp would have ended the process"
        self.holds[slot] = text.removeprefix("saved ")

    def close(self) -> None:
        self.did.append(("close", None))
