"""What the embedded model has read of prompts: which slot holds it, and what is kept of it in files."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from superscalar import Attachment, LLMCompiler
from superscalar.errors import ModelError, ModelSetupError
from superscalar.models import LocalModel, Message, Request
from superscalar.models.base import Preparation, StateKept, steady_part
from superscalar.models.beginnings import Beginnings
from superscalar.models.states import MOST_FILES, PromptStates
from superscalar.testing import ScriptedModel
from superscalar.testing import run as in_virtual_time
from support.played_engine import PlayedEngine

RULES = Message("system", "Plan. " + "A rule. " * 20)
PREFIX = (RULES, Message("user", "Tools: a, b. "))


def asked(question: str, prefix: tuple[Message, ...] = PREFIX) -> Request:
    *before, last = prefix
    message = Message(last.role, f"{last.text}Question: {question}").steady_for(len(last.text))
    return Request((*before, message), max_tokens=9)


def size(messages: tuple[Message, ...]) -> int:
    return len("\n".join(f"{one.role}: {one.text}" for one in messages))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    return path


@pytest.fixture
def states(tmp_path: Path) -> Path:
    return tmp_path / "states"


def model(engine: PlayedEngine, file: Path, states: Path) -> LocalModel:
    return LocalModel(path=file, states=states, load=engine.load)


def run(test: Callable[[], Awaitable[object]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(limited())


async def reply(model: LocalModel, request: Request) -> str:
    return "".join([chunk.text async for chunk in model.stream(request)])


def ask(engine: PlayedEngine, file: Path, states: Path, *questions: str) -> list[tuple[str, Any]]:
    """One process that asks so many questions, and what its engine did until it was closed."""

    async def test() -> None:
        one = model(engine, file, states)
        for question in questions:
            assert await reply(one, asked(question)) == "x"
        await one.aclose()

    run(test)
    return engine.did


def kept(states: Path) -> list[str]:
    return sorted(path.name for path in states.iterdir())


def test_the_next_process_reads_only_the_question(file: Path, states: Path) -> None:
    """The first one keeps the beginning, without the question; the second has it in milliseconds."""
    first = ask(PlayedEngine(), file, states, "How?")
    assert first == [("read", size(asked("How?").messages)), ("read", 0), ("save", 0), ("close", None)]
    (name,) = kept(states)
    assert "How?" not in (states / name).read_text("utf-8")
    assert ask(PlayedEngine(), file, states, "Why?") == [
        ("restore", 0),
        ("read", len("Question: Why?")),
        ("close", None),
    ]
    assert kept(states) == [name]


def test_a_file_is_for_its_owner_alone(file: Path, states: Path) -> None:
    """The folder has mode 0700 and what is in it 0600."""
    ask(PlayedEngine(), file, states, "How?")
    if os.name == "posix":
        (name,) = kept(states)
        assert (states.stat().st_mode & 0o777, (states / name).stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
        lambda path: path.rename(path.with_name("0" * 32 + path.name[32:])),
        lambda path: path.rename(path.with_name(path.name[:33] + "0" * 64 + ".state")),
        lambda path: path.rename(path.with_name(path.name + "x")),
    ],
    ids=["short", "empty", "flipped", "of-another", "other-hash", "other-name"],
)
def test_a_damaged_file_is_not_given_to_the_engine(file: Path, states: Path, damage: Callable[[Path], object]) -> None:
    """The prompt is read instead, and what was read is kept."""
    ask(PlayedEngine(), file, states, "How?")
    (name,) = kept(states)
    damage(states / name)
    did = ask(PlayedEngine(), file, states, "Why?")
    assert did[0] == ("read", size(asked("Why?").messages))
    assert name in kept(states)


def test_a_model_whose_file_is_gone_answers(file: Path, states: Path) -> None:
    """It is loaded already; only nobody knows whose states are like its own."""
    engine = PlayedEngine()

    async def test() -> None:
        one = model(engine, file, states)
        await one.prepare()
        await asyncio.to_thread(file.unlink)
        one.expect(asked("Why?").messages)
        assert await reply(one, asked("How?")) == "x"
        await one.aclose()

    run(test)
    assert [what for what, _ in engine.did] == ["read", "close"]


@pytest.mark.parametrize("other", ["model", "engine", "prefix"])
def test_a_state_serves_nobody_else(file: Path, states: Path, other: str) -> None:
    """Another model file, another engine or other words: what was kept says nothing of them."""
    ask(PlayedEngine(), file, states, "How?")
    engine = PlayedEngine()
    if other == "model":
        file.write_bytes(b"GGUF of another model")
    if other == "engine":
        engine.version = "played later"
    prefix = (RULES, Message("user", "Tools: a, c. ")) if other == "prefix" else PREFIX

    async def test() -> None:
        one = model(engine, file, states)
        await reply(one, asked("How?", prefix))
        await one.aclose()

    run(test)
    assert "restore" not in [what for what, _ in engine.did]
    assert len(kept(states)) == 2


def test_two_prompts_in_turns_are_not_read_again(file: Path, states: Path) -> None:
    """A planner's and a joiner's each keep a slot, and a third takes that which was not used for longest."""
    joiner = (Message("system", "Answer. " * 20),)
    third = (Message("system", "Extract. " * 20),)
    engine = PlayedEngine()

    async def test() -> None:
        one = model(engine, file, states)
        for prefix in (PREFIX, joiner, PREFIX, joiner, third, joiner, PREFIX):
            await reply(one, asked("How?", prefix))
        anew = [count > len("system: ") for what, count in engine.did if what == "read"]
        assert anew == [True, True, False, False, True, False, True]
        await one.aclose()

    run(test)


def test_a_request_is_not_kept_waiting(file: Path, states: Path) -> None:
    """What is read ahead makes way, and what was read of it need not be read again."""
    engine = PlayedEngine()
    joiner = (Message("system", "Answer. " * 20),)

    async def test() -> None:
        one = model(engine, file, states)
        await reply(one, asked("How?"))
        engine.reading.clear()
        engine.go.clear()
        one.expect(asked("Why?", joiner).messages)
        await asyncio.to_thread(engine.reading.wait)
        coming = asyncio.create_task(reply(one, asked("How?", joiner)))
        await asyncio.sleep(0)
        engine.go.set()
        assert await coming == "x"
        await one.aclose()

    run(test)
    assert len(kept(states)) == 2


def test_what_is_expected_is_not_kept_twice(states: Path) -> None:
    """A file that is there is used as it is."""
    part = [{"role": "system", "content": "Answer."}]
    for expected in (["read", "save"], ["restore"]):
        engine = PlayedEngine()
        engine.load(states, 1, 1, states)
        read = Beginnings(engine, PromptStates(states, "played"))
        read.expect(part)
        read.read_next(lambda: False)
        assert ([what for what, _ in engine.did], read.waiting) == (expected, False)


def test_what_made_way_is_read_behind_the_others(states: Path) -> None:
    """Else one that is stopped each time would keep the others from being read."""
    engine = PlayedEngine()
    engine.load(states, 1, 1, states)
    played = PromptStates(states, "played")
    read = Beginnings(engine, played)
    first, second = ([{"role": "system", "content": said}] for said in ("Answer.", "Plan."))
    read.expect(first)
    read.expect(second)
    read.read_next(lambda: True)
    read.read_next(lambda: False)
    assert (played.find(played.key(first)), played.find(played.key(second)) is None) == (None, False)


def test_what_is_expected_of_a_model_that_nobody_used(file: Path, states: Path) -> None:
    """It is not loaded for that."""
    engine = PlayedEngine()
    model(engine, file, states).expect(asked("Why?").messages)
    assert engine.did == []
    assert not states.exists()


def test_a_model_is_warmed(file: Path, states: Path) -> None:
    """What is asked for before any question is read, told of, and there for the next process."""
    engine = PlayedEngine()

    async def test() -> None:
        one = model(engine, file, states)
        *told, state = [preparing async for preparing in one.warm(asked("Why?").messages)]
        assert told[:2] == [Preparation("loading the model", 0.0), Preparation("loading the model", 1.0)]
        assert {preparing.what for preparing in told[2:]} == {"reading the prompt"}
        assert isinstance(state, StateKept)
        assert [state.file.name] == kept(states)
        assert (state.bytes, state.was_there) == (state.file.stat().st_size, False)
        assert [preparing async for preparing in one.warm(asked("Why?").messages)] == [replace(state, was_there=True)]
        state.file.unlink()
        *_, again = [preparing async for preparing in one.warm(asked("Why?").messages)]
        assert again == state
        await one.aclose()

    run(test)
    kept_again = [("read", 0), ("save", 0)]
    assert engine.did == [("read", size(PREFIX)), ("save", 0), *kept_again, ("close", None)]
    assert ask(PlayedEngine(), file, states, "Why?")[0] == ("restore", 0)


def test_a_folder_that_cannot_be_used(file: Path, states: Path) -> None:
    """Answers are as ever; who wanted the model warm is told why it is not, before it has read."""
    states.write_text("a file")
    engine = PlayedEngine()
    assert [what for what, _ in ask(engine, file, states, "How?", "Why?")] == ["read", "read", "close"]

    async def test() -> None:
        engine = PlayedEngine()
        one = model(engine, file, states)
        with pytest.raises(ModelSetupError, match="cannot be kept"):
            async for _ in one.warm(asked("Why?").messages):
                pass
        assert engine.did == []
        assert await reply(one, asked("How?")) == "x"
        await one.aclose()

    run(test)


def test_a_folder_that_others_may_write(file: Path, states: Path) -> None:
    """What is there may be somebody else's, so it is not used, and nothing is kept there."""
    ask(PlayedEngine(), file, states, "How?")
    states.chmod(0o777)
    assert [what for what, _ in ask(PlayedEngine(), file, states, "Why?")] == ["read", "close"]


def test_an_engine_that_refuses(file: Path, states: Path) -> None:
    """A refusal while it is warmed is told as in a run; a file that does not fit is passed over."""
    engine = PlayedEngine()
    engine.refuses = {"code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 9_000, "n_ctx": 8_192}
    told = re.escape(f"local:{file}: the prompt has 9000 tokens and the context 8192: shorten the prompt")

    async def test() -> None:
        one = model(engine, file, states)
        with pytest.raises(ModelError, match=told):
            async for _ in one.warm(asked("Why?").messages):
                pass
        engine.refuses = None
        assert await reply(one, asked("How?")) == "x"
        await one.aclose()

    run(test)

    def refuse(slot: int, name: str) -> None:
        raise OSError("no available space")

    engine = PlayedEngine()
    engine.restore = refuse  # type: ignore[method-assign]
    assert ask(engine, file, states, "Why?")[0] == ("read", size(asked("Why?").messages))


@pytest.mark.parametrize("question", ["How?", "caf\udce9?"])
@pytest.mark.parametrize("files", [(), (Attachment.from_bytes(b"Read me.", "text/plain"),)], ids=["", "with a file"])
def test_of_an_agent_with_secrets_nothing_of_its_own_is_kept(question: str, files: tuple[Attachment, ...]) -> None:
    """Whatever its question is like: only what all agents are told."""

    def kept_of(**options: Any) -> list[str]:
        model = ScriptedModel("join(1)", "One.")
        agent = LLMCompiler(model, instructions="Our code is 1234.", **options)
        in_virtual_time(agent.run(question, files=files))
        return [" ".join(turn.text for turn in steady_part(request.messages)) for request in model.requests]

    assert ["1234" in text for text in kept_of()] == [True, True]
    assert ["1234" in text for text in kept_of(redact=str)] == [False, False]


@pytest.mark.parametrize("what", ["the engine", "the file"])
def test_what_goes_wrong_while_nobody_waits(file: Path, states: Path, what: str) -> None:
    """Later requests are answered all the same."""
    engine = PlayedEngine()
    first = Request((Message("user", "How?"),), max_tokens=9)

    async def test() -> None:
        one = model(engine, file, states)
        assert await reply(one, first) == "x"
        if what == "the file":
            await asyncio.to_thread(file.unlink)
        else:
            engine.fails = True
        engine.reading.clear()
        one.expect(asked("Why?").messages)
        if what == "the engine":
            await asyncio.to_thread(engine.reading.wait)
            engine.fails = False
        assert await reply(one, first) == "x"
        await one.aclose()

    run(test)


def test_only_so_much_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that were not used for longest make room, and so do those that nobody finished."""
    monkeypatch.setattr("superscalar.models.states.MOST_BYTES", most := 1 << 20)
    states = PromptStates(tmp_path, "played")
    stale, fresh = tmp_path / "partial-1-a", tmp_path / "partial-2-b"
    for path in (stale, fresh):
        path.write_bytes(b"")
    os.utime(stale, (0, 0))
    keys = [states.key([{"role": "user", "content": str(number)}]) for number in range(MOST_FILES + 1)]
    for age, key in enumerate(keys):
        states.keep(key, lambda name, key=key: (tmp_path / name).write_text(key) and None)  # type: ignore[misc]
        for path in tmp_path.glob(f"{key}-*"):
            os.utime(path, (1_000_000 + age, 1_000_000 + age))
    assert [states.find(key) is not None for key in keys] == [False] + [True] * MOST_FILES
    assert (stale.exists(), fresh.exists()) == (False, True)
    states.keep(keys[0], lambda name: os.truncate(_made(tmp_path / name), most))
    assert [path.name[:32] for path in tmp_path.glob("*.state")] == [keys[0]]
    with pytest.raises(OSError, match="all that is kept"):
        states.keep(keys[1], lambda name: os.truncate(_made(tmp_path / name), most + 1))
    assert [path.name[:32] for path in tmp_path.glob("*.state")] == [keys[0]]


def test_a_state_that_could_not_be_saved_leaves_nothing(tmp_path: Path) -> None:
    """Not even a part of a file."""
    states = PromptStates(tmp_path, "played")

    def save(name: str) -> None:
        (tmp_path / name).write_text("half")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        states.keep("0" * 32, save)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an image whose files are read-only, or are somebody else's."""
    states = PromptStates(tmp_path, "played")

    def save(name: str) -> None:
        (tmp_path / name).write_text("saved")

    def refuse(path: Path) -> None:
        raise PermissionError(path)

    states.keep("0" * 32, save)
    monkeypatch.setattr(os, "utime", refuse)
    assert [states.find("0" * 32)] == kept(tmp_path)


def test_who_wants_to_keep_something_in_it_is_told_at_once(
    file: Path, states: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is read; what is there is found all the same."""
    ask(PlayedEngine(), file, states, "Why?")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    engine = PlayedEngine()

    async def test() -> None:
        one = model(engine, file, states)
        *_, state = [preparing async for preparing in one.warm(asked("Why?").messages)]
        assert isinstance(state, StateKept)
        assert state.was_there
        with pytest.raises(ModelSetupError, match=re.escape(f"{states} cannot be written")):
            _ = [preparing async for preparing in one.warm(asked("Why?", (RULES,)).messages)]
        await one.aclose()

    run(test)
    assert engine.did == [("restore", 0), ("close", None)]


@pytest.mark.skipif(os.name != "posix", reason="a umask")
def test_the_folder_above_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """Where others of a group may write what is made (umask 002), too; what is made there by hand stands in the way of
    nothing."""
    folder = tmp_path / "cache" / "superscalar" / "states"
    states = PromptStates(folder, "played")
    before = os.umask(0o002)
    try:
        states.make_folder()
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (folder, folder.parent)] == [0o700, 0o700]
    made = folder / "partial-folder"
    made.mkdir()
    os.utime(made, (1, 1))

    def save(name: str) -> None:
        (folder / name).write_text("saved")

    name, _ = states.keep("0" * 32, save)
    assert sorted(path.name for path in folder.iterdir()) == sorted([made.name, name])


def test_two_processes_keep_the_same(tmp_path: Path) -> None:
    """Each saves for itself; one file stays, and either can be used."""
    one, other = PromptStates(tmp_path, "played"), PromptStates(tmp_path, "played")
    for states, text in ((one, "a"), (other, "b")):
        states.keep("0" * 32, lambda name, text=text: (tmp_path / name).write_text(text) and None)  # type: ignore[misc]
    assert len(list(tmp_path.iterdir())) == 1
    assert one.find("0" * 32) == other.find("0" * 32) is not None


def _made(path: Path) -> Path:
    with suppress(FileExistsError):
        path.touch()
    return path
