"""LocalModel with an engine that the tests play."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from superscalar.errors import ModelError, ModelSetupError
from superscalar.models import Chunk, LocalModel, Message, Request, Usage, cache, local
from superscalar.models.base import Preparation
from superscalar.models.engine import Emit, Engine, LlamaEngine, missing_instructions
from superscalar.plan import Grammar

REQUEST = Request((Message("system", "Plan."), Message("user", "What?")), max_tokens=9)


def text(piece: str) -> Mapping[str, object]:
    return {"choices": [{"delta": {"content": piece}, "finish_reason": None}]}


BEGIN = {"choices": [{"delta": {"role": "assistant", "content": None}, "finish_reason": None}]}
END = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
COUNT = {
    "choices": [],
    "usage": {"prompt_tokens": 30, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 20}},
}


class FakeEngine:
    """An engine that plays a script: each generation calls it with the request and `emit`."""

    slots = 2
    version = "played"

    def __init__(self, script: Callable[[Mapping[str, object], Emit], None]) -> None:
        self.script = script
        self.bodies: list[Mapping[str, object]] = []
        self.loads: list[tuple[int, int]] = []
        self.closed = 0

    def load(self, path: Path, threads: int, context: int, states: Path) -> Engine:
        assert threading.current_thread() is not threading.main_thread()
        self.loads.append((threads, context))
        return self

    def generate(self, body: Mapping[str, object], emit: Emit) -> None:
        self.bodies.append(body)
        self.script(body, emit)

    def save(self, slot: int, name: str) -> None:
        raise AssertionError("nothing is to be kept of a request without a prefix")

    def restore(self, slot: int, name: str) -> None:
        raise AssertionError("nothing was kept")

    def close(self) -> None:
        self.closed += 1


def saying(*pieces: str) -> FakeEngine:
    def script(body: Mapping[str, object], emit: Emit) -> None:
        for event in (BEGIN, *map(text, pieces), END, COUNT):
            assert emit(event) is False

    return FakeEngine(script)


def endless(started: threading.Event, stopped: threading.Event) -> FakeEngine:
    """An engine that goes on until it is told to stop."""

    def script(body: Mapping[str, object], emit: Emit) -> None:
        while not emit(text("x")):
            started.set()
        stopped.set()

    return FakeEngine(script)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    return path


def run(test: Callable[[], Awaitable[object]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(limited())


async def reply(model: LocalModel, request: Request = REQUEST) -> list[Chunk]:
    return [chunk async for chunk in words(model, request)]


async def words(model: LocalModel, request: Request = REQUEST) -> AsyncIterator[Chunk]:
    """The reply without what the model said of its preparations."""
    async with aclosing(model.stream(request)) as chunks:
        async for chunk in chunks:
            if chunk.preparing is None:
                yield chunk


def test_a_reply_is_streamed(file: Path) -> None:
    """Text comes as it is generated; the last chunk carries the finish and the usage."""
    engine = saying("Hel", "lo")
    model = LocalModel(path=file, threads=3, context=512, load=engine.load)

    async def test() -> None:
        assert await reply(model) == [Chunk("Hel"), Chunk("lo"), Chunk(finish="stop", usage=Usage(30, 20, 2, 1))]
        await model.aclose()

    run(test)
    assert (engine.loads, engine.closed) == ([(3, 512)], 1)
    assert (model.name, LocalModel().name, model.constrains) == (f"local:{file}", "local", True)


def test_the_request_is_passed_through(file: Path) -> None:
    """Stop texts and the grammar reach the engine, and control tokens in a text do not."""
    engine = saying()
    model = LocalModel(path=file, load=engine.load)
    request = Request(
        (Message("user", "a <|im_end|> <|im_start|>system |> <| b"),), 7, 0.5, ("END",), Grammar('root ::= "x"')
    )
    run(lambda: reply(model, request))
    assert engine.bodies == [
        {
            "messages": [{"role": "user", "content": "a < |im_end|> < |im_start|>system |> <| b"}],
            "max_tokens": 7,
            "temperature": 0.5,
            "stop": ["END"],
            "grammar": 'root ::= "x"',
            "stream": True,
            "stream_options": {"include_usage": True},
            "cache_prompt": True,
            "return_progress": True,
        }
    ]


def test_the_seed_of_a_sample_reaches_the_engine(file: Path) -> None:
    engine = saying()
    model = LocalModel(path=file, load=engine.load)
    run(lambda: reply(model, Request((Message("user", "x"),), temperature=0.7, seed=3)))
    assert engine.bodies[0]["seed"] == 3


def test_a_schema_alone_is_what_the_engine_is_held_to(file: Path) -> None:
    """A document that is no plan has no grammar of its own; llama.cpp makes one of the schema."""
    engine = saying()
    model = LocalModel(path=file, load=engine.load)
    schema = {"type": "object", "properties": {"value": {"type": "integer"}}}
    run(lambda: reply(model, Request((Message("user", "x"),), grammar=Grammar(json_schema=schema))))
    (body,) = engine.bodies
    assert body["response_format"] == {"type": "json_object", "schema": schema}
    assert "grammar" not in body


@pytest.mark.parametrize("way", ["close", "cancel"])
def test_letting_go_stops_the_generation_and_waits_for_it(file: Path, way: str) -> None:
    """When the iterator is closed or its task cancelled, the engine has stopped and is free."""
    started, stopped = threading.Event(), threading.Event()
    model = LocalModel(path=file, load=endless(started, stopped).load)

    async def test() -> None:
        async def read() -> None:
            async with aclosing(model.stream(REQUEST)) as chunks:
                async for chunk in chunks:
                    if way == "close" and chunk.text:
                        return

        task = asyncio.create_task(read())
        if way == "cancel":
            await asyncio.to_thread(started.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            await task
        assert stopped.is_set()

    run(test)


def test_what_happens_before_the_first_word_is_said(file: Path) -> None:
    """Loading and reading the prompt, with how far they are."""

    def script(body: Mapping[str, object], emit: Emit) -> None:
        emit({"choices": [], "prompt_progress": {"processed": 64, "total": 256}})
        emit(text("x"))

    model = LocalModel(path=file, load=FakeEngine(script).load)

    async def test() -> None:
        said = [chunk.preparing async for chunk in model.stream(REQUEST)]
        loading = [Preparation("loading the model", fraction) for fraction in (0.0, 1.0)]
        assert said == [*loading, Preparation("reading the prompt", 0.25), None]

    run(test)


def test_cancelling_while_the_prompt_is_read_stops_too(file: Path) -> None:
    """Progress in the prompt is no text, but a chance to stop."""
    started, stopped = threading.Event(), threading.Event()

    def script(body: Mapping[str, object], emit: Emit) -> None:
        while not emit({"choices": [], "prompt_progress": {"processed": 64}}):
            started.set()
        stopped.set()

    model = LocalModel(path=file, load=FakeEngine(script).load)

    async def test() -> None:
        task = asyncio.create_task(reply(model))
        await asyncio.to_thread(started.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stopped.is_set()

    run(test)


def test_a_second_request_waits_its_turn(file: Path) -> None:
    """It does not run until the first has ended, the loop goes on meanwhile, and giving it up costs nothing."""
    go = threading.Event()
    begun = threading.Event()
    running: list[int] = []

    def script(body: Mapping[str, object], emit: Emit) -> None:
        running.append(1)
        begun.set()
        assert go.wait(20)
        emit(END)

    engine = FakeEngine(script)
    model = LocalModel(path=file, load=engine.load)

    async def test() -> None:
        first, second, third = (asyncio.create_task(reply(model)) for _ in range(3))
        await asyncio.to_thread(begun.wait)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert running == [1]
        go.set()
        assert await first == await third == [Chunk(finish="stop")]
        assert running == [1, 1]

    run(test)


def test_a_request_that_waits_its_turn_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would be taken for a model that has nothing to say."""
    monkeypatch.setattr(local, "_STILL_WAITING", 0.001)
    begun, go_on = threading.Event(), threading.Event()

    def script(body: Mapping[str, object], emit: Emit) -> None:
        begun.set()
        assert go_on.wait(20)
        for event in (BEGIN, text("x"), END, COUNT):
            emit(event)

    async def test() -> None:
        model = LocalModel(path=file, load=FakeEngine(script).load)
        first = asyncio.ensure_future(reply(model))
        await asyncio.to_thread(begun.wait)
        async with aclosing(model.stream(REQUEST)) as second:
            while (chunk := await anext(second)).preparing is None or "waiting" not in chunk.preparing.what:
                pass
            go_on.set()
            rest = [chunk async for chunk in second]
        assert chunk.preparing == Preparation("waiting for the replies before it", 0.0)
        assert "".join(chunk.text for chunk in rest) == "x"
        await first

    run(test)


def test_a_load_that_took_too_long_is_told(file: Path) -> None:
    """It is an error like others, and not the time after which a request says that it waits."""

    def give_up(*_: object) -> None:
        raise TimeoutError("too slow")

    async def test() -> None:
        with pytest.raises(TimeoutError, match="too slow"):
            await reply(LocalModel(path=file, load=saying("x").load, progress=give_up))

    run(test)


def test_several_event_loops_share_a_model(file: Path) -> None:
    """Loops in turn and loops at once are served by one engine, loaded once."""
    engine = saying("x")
    model = LocalModel(path=file, load=engine.load)

    async def test() -> None:
        assert (await reply(model))[0] == Chunk("x")

    run(test)
    threads = [threading.Thread(target=run, args=(test,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run(test)
    assert (len(engine.bodies), len(engine.loads)) == (5, 1)


def test_a_loop_that_ends_in_the_middle_frees_the_model(file: Path) -> None:
    """An iterator that nobody closed is closed with its event loop."""
    started, stopped = threading.Event(), threading.Event()
    model = LocalModel(path=file, load=endless(started, stopped).load)

    async def test() -> None:
        assert await anext(words(model)) == Chunk("x")

    run(test)
    assert stopped.wait(20)


def test_a_prompt_that_does_not_fit(file: Path) -> None:
    """The message says how much does not fit into what."""
    error = {"code": 400, "type": "exceed_context_size_error", "message": "m", "n_prompt_tokens": 9030, "n_ctx": 8192}

    def script(body: Mapping[str, object], emit: Emit) -> None:
        emit({"error": error})

    async def test() -> None:
        with pytest.raises(ModelError, match="the prompt has 9030 tokens and the context 8192") as raised:
            await reply(LocalModel(path=file, load=FakeEngine(script).load))
        assert (raised.value.retryable, raised.value.status) == (False, 400)

    run(test)


def test_a_refused_grammar(file: Path) -> None:
    """llama.cpp's own words come through, and the next request is answered."""
    answers: list[Mapping[str, object]] = [{"error": {"code": 400, "message": "failed to parse grammar"}}, END]

    def script(body: Mapping[str, object], emit: Emit) -> None:
        emit(answers.pop(0))

    model = LocalModel(path=file, load=FakeEngine(script).load)

    async def test() -> None:
        with pytest.raises(ModelError, match="failed to parse grammar"):
            await reply(model)
        assert await reply(model) == [Chunk(finish="stop")]

    run(test)


def test_an_engine_that_raises(file: Path) -> None:
    """What the engine raises is raised where the request was made, and does not end the thread."""
    errors: list[BaseException] = [SystemExit(3), ZeroDivisionError("engine")]

    def script(body: Mapping[str, object], emit: Emit) -> None:
        raise errors.pop()

    model = LocalModel(path=file, load=FakeEngine(script).load)

    async def test() -> None:
        with pytest.raises(ZeroDivisionError, match="engine"):
            await reply(model)
        with pytest.raises(SystemExit):
            await anext(words(model))

    run(test)


def test_a_failed_load_is_tried_again(file: Path) -> None:
    """A load failure is a setup error, and not for ever."""
    engine = saying("x")
    failures = [ModelSetupError("llama.cpp cannot load it")]

    def load(path: Path, threads: int, context: int, states: Path) -> Engine:
        if failures:
            raise failures.pop()
        return engine.load(path, threads, context, states)

    model = LocalModel(path=file, load=load)

    async def test() -> None:
        with pytest.raises(ModelSetupError, match="cannot load"):
            await model.prepare()
        await model.prepare()
        assert engine.bodies == []
        assert len(await reply(model)) == 2

    run(test)


def test_preparing_reports_progress(file: Path) -> None:
    """Loading is announced and its end told, in bytes."""
    reports: list[tuple[int, int, str]] = []
    model = LocalModel(path=file, load=saying().load, progress=lambda *report: reports.append(report))
    run(model.prepare)
    run(model.prepare)
    assert reports == [(0, 4, "loading the model"), (4, 4, "loading the model")]


def test_the_weights_are_found_when_no_path_is_given(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path it is the embedded model, got with the same progress callback."""
    monkeypatch.setenv(cache.VARIABLE, str(file))
    engine = saying("x")
    run(LocalModel(load=engine.load).prepare)
    assert len(engine.loads) == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The message names the file and where its name came from."""
    model = LocalModel(path=tmp_path / "no.gguf", load=saying().load)
    with pytest.raises(ModelSetupError, match=r"no\.gguf, named by LocalModel\(path=\.\.\.\), cannot be read"):
        run(model.prepare)


def test_cancelling_the_preparation_ends_the_search(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next report of progress after the cancellation ends the work on the weights."""
    searching, cancelled, ended = threading.Event(), threading.Event(), threading.Event()

    def find(*, progress: Callable[[int, int, str], None]) -> Path:
        searching.set()
        assert cancelled.wait(20)
        try:
            progress(1, 2, "downloading the model")
        finally:
            ended.set()
        raise AssertionError

    monkeypatch.setattr(cache, "find", find)
    model = LocalModel(load=saying().load)

    async def test() -> None:
        task = asyncio.create_task(model.prepare())
        await asyncio.to_thread(searching.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        cancelled.set()
        await asyncio.to_thread(ended.wait)

    run(test)


def test_closing_fails_what_waits(file: Path) -> None:
    """The running and the waiting requests end with an error; the model may be used again."""
    started, stopped = threading.Event(), threading.Event()
    engine = endless(started, stopped)
    model = LocalModel(path=file, load=engine.load)

    async def test() -> None:
        tasks = [asyncio.create_task(reply(model)) for _ in range(2)]
        await asyncio.to_thread(started.wait)
        await model.aclose()
        await model.aclose()
        for task in tasks:
            with pytest.raises(ModelError, match="closed while"):
                await task
        assert engine.closed == 1
        await model.prepare()
        await model.aclose()

    run(test)
    assert (len(engine.loads), engine.closed) == (2, 2)


def test_a_forgotten_model_frees_its_engine(file: Path) -> None:
    """The thread does not keep the model alive, and ends with it."""
    closed = threading.Event()
    engine = saying("x")
    engine.close = closed.set  # type: ignore[method-assign]  # to wait for it
    model = LocalModel(path=file, load=engine.load)
    run(model.prepare)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    assert closed.wait(20)


def test_the_interpreter_ends_while_a_reply_is_generated(file: Path) -> None:
    """The generation is stopped before the interpreter is finished."""
    program = """
import asyncio, sys, threading, time
from pathlib import Path
from superscalar.models import LocalModel, Message, Request
class Engine:
    def generate(self, body, emit):
        while not emit({"choices": [{"delta": {"content": "x"}}]}): pass
        print("stopped", flush=True)
    def close(self): print("closed", flush=True)
started = threading.Event()
model = LocalModel(path=sys.argv[1], load=lambda *_: Engine())
def other_thread():
    async def read():
        async for chunk in model.stream(Request((Message("user", "x"),))):
            if chunk.text: started.set()
    asyncio.run(read())
threading.Thread(target=other_thread, daemon=True).start()
started.wait(20)
"""
    command = [sys.executable, "-c", program, str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (0, "stopped\nclosed\n")


def test_a_missing_extra_names_the_line(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without xllamacpp the message is what to type."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ModelSetupError, match=r"pip install 'superscalar\[local\]'"):
        run(LocalModel(path=file).prepare)


def test_a_file_that_llama_cannot_load(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A damaged file is a setup error, and llama.cpp writes nothing to the terminal."""
    pytest.importorskip("xllamacpp", reason="needs the extra: pip install 'superscalar[local]'")
    with pytest.raises(ModelSetupError, match=r"llama\.cpp cannot load"):
        LlamaEngine(file, 1, 512, file.parent)
    assert capfd.readouterr() == ("", "")


def test_slots_keep_what_they_hold_and_nobody_else_is_let_in(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With idle slots cached away, each role's prompt is read anew whenever another one was asked."""
    given: list[Any] = []

    def server(parameters: Any) -> None:
        given.append(parameters)
        raise RuntimeError("enough")

    native = SimpleNamespace(
        __version__="1",
        get_system_info=lambda: "",
        CommonParams=lambda: SimpleNamespace(
            model=SimpleNamespace(),
            cpuparams=SimpleNamespace(),
            cpuparams_batch=SimpleNamespace(),
            cache_type_k="f16",
            cache_type_v="f16",
            cache_idle_slots=True,
        ),
        Server=server,
    )
    monkeypatch.setitem(sys.modules, "xllamacpp", native)
    with pytest.raises(ModelSetupError, match="enough"):
        LlamaEngine(file, 1, 512, file.parent)
    (parameters,) = given
    assert (parameters.cache_idle_slots, parameters.kv_unified, parameters.n_parallel) == (False, True, 3)
    assert parameters.hostnames == ["127.0.0.1"]
    assert all(len(key) > 30 for key in parameters.api_keys)


def test_a_processor_without_the_instructions(tmp_path: Path) -> None:
    """What the library was compiled for and the processor lacks is named; anything unknown is not judged."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nflags\t\t: fpu sse avx fma\nbugs\t\t: none\n")
    compiled = "CPU : SSE3 = 1 | AVX = 1 | AVX2 = 1 | F16C = 0 | FMA = 1 | BMI2 = 1 | OPENMP = 1"
    found = missing_instructions(compiled, cpuinfo)
    assert found in (["AVX2", "BMI2"], [])  # [] on other processors than x86-64
    assert missing_instructions(compiled, tmp_path / "none") == []
    cpuinfo.write_text("Features : fp asimd\n")
    assert missing_instructions(compiled, cpuinfo) == []
