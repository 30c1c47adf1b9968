"""What the embedded model has read already: which beginning of a prompt each slot of the engine holds."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from superscalar.models.base import StateKept
from superscalar.models.engine import Emit, Engine
from superscalar.models.states import PromptStates

SteadyPart: TypeAlias = Sequence[Mapping[str, object]]
"""Messages, as an engine takes them, that later prompts begin with, too: of the last one it may be the beginning."""

_LAST_MOMENT: Final = 2.0  # seconds that a process may take at its end to keep what it has read
_KEPT: Final = "keeping what was read"
_LOG: Final = logging.getLogger("superscalar.models")


class Beginnings:
    """Has each beginning read once, as far as there is room, and kept in a file for later processes.

    The beginning alone is kept: no question, and no result, is in a state. To have it alone it is asked for with
    nothing behind it, which costs a token where a slot holds it, and what stood behind it there. So that is done when
    nothing else is to do.
    """

    def __init__(self, engine: Engine, states: PromptStates) -> None:
        self._engine = engine
        self._states = states
        self._held: dict[int, str] = dict.fromkeys(
            range(engine.slots), ""
        )  # the key of each slot, used last at the end
        self._read: set[str] = set()  # those of which a slot held all
        self._unkept: dict[str, SteadyPart] = {}

    @property
    def waiting(self) -> bool:
        """Whether something is to be read, or kept, that nobody waits for."""
        return bool(self._unkept)

    def slot_for(self, beginning: SteadyPart) -> int:
        """Choose a slot for a prompt with this beginning: the one that holds it, or one that gets it from a file."""
        key = self._states.key(beginning)
        slot = next((slot for slot, held in self._held.items() if held == key), None)
        if slot is None:
            slot = next(iter(self._held))
            del self._held[slot]  # whatever comes of it
            self._read.discard(key)
            if self._restored(slot, key):
                self._unkept.pop(key, None)
            else:
                self._unkept.setdefault(key, beginning)
        else:
            del self._held[slot]
        self._held[slot] = key
        return slot

    def has_read(self, beginning: SteadyPart) -> None:
        """Note that a prompt with this beginning was answered."""
        self._read.add(self._states.key(beginning))

    def forget(self) -> None:
        """Whatever is in the slots now, nobody knows."""
        self._held = dict.fromkeys(self._held, "")

    def expect(self, beginning: SteadyPart) -> None:
        """Read it when nothing else is to do: a prompt that begins so will come."""
        key = self._states.key(beginning)
        if key not in self._held.values():
            self._unkept.setdefault(key, beginning)

    def read_next(self, stop: Callable[[], bool]) -> None:
        """Read what is waited for least, unless `stop`, and keep it. What was read until then stays in its slot."""
        key, beginning = next(iter(self._unkept.items()))
        stopped = False

        def emit(_: Mapping[str, Any]) -> bool:
            nonlocal stopped
            stopped = stop()
            return stopped

        try:
            self.read_now(beginning, emit)
        except Exception as error:  # noqa: BLE001 - nobody waits for it, and the next request is to be answered
            self._unkept.pop(key, None)
            _LOG.info("what was read of a prompt is not kept: %s", error)
        if stopped and self._unkept.pop(key, None) is not None:
            self._unkept[key] = beginning  # behind the others

    def read_now(self, beginning: SteadyPart, emit: Emit) -> StateKept | None:
        """Read it, unless `emit` says to stop, and keep it; tell where it is kept. `emit` gets refusals, too.

        Raises:
            OSError: it cannot be kept, or read.
        """
        slot, key = self.slot_for(beginning), self._states.key(beginning)
        if key not in self._unkept and (there := self._states.find(key)) is not None:
            file = self._states.folder / there
            return StateKept(_KEPT, 1.0, file, file.stat().st_size, was_there=True)
        self._states.make_folder()  # before the reading takes its time
        complaint: Any = None
        stopped = False

        def listen(event: Mapping[str, Any]) -> bool:
            nonlocal complaint, stopped
            complaint = event.get("error", complaint)
            if "prompt_progress" in event or "error" in event:
                stopped = emit(event)
            return stopped

        self._engine.generate(asked_for(beginning, slot), listen)
        if stopped:
            return None
        self._unkept.pop(key, None)
        if complaint is not None:
            raise OSError(f"the engine says {complaint}")
        self._read.add(key)
        name, size = self._states.keep(key, lambda name: self._engine.save(slot, name))
        return StateKept(_KEPT, 1.0, self._states.folder / name, size, was_there=False)

    def keep_read(self) -> None:
        """Keep, as the process ends, what was read and is in a slot still."""
        end = time.monotonic() + _LAST_MOMENT
        held = set(self._held.values())
        self._unkept = {key: one for key, one in self._unkept.items() if key in held and key in self._read}
        while self._unkept and time.monotonic() < end:
            self.read_next(lambda: time.monotonic() > end)

    def _restored(self, slot: int, key: str) -> bool:
        name = self._states.find(key)
        if name is None:
            return False
        try:
            self._engine.restore(slot, name)
        except OSError as error:
            _LOG.info("a saved state is not used: %s", error)
            return False
        return True


def asked_for(beginning: SteadyPart, slot: int) -> dict[str, object]:
    """The request that has an engine read a beginning, and write next to nothing."""
    return {
        "messages": list(beginning),
        "max_tokens": 1,
        "temperature": 0.0,
        "stream": True,
        "cache_prompt": True,
        "return_progress": True,
        "id_slot": slot,
    }
