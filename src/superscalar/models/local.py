"""The embedded model: a small language model in this process, with no key and, once it is here, no network."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import queue
import re
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from superscalar.errors import ModelError, ModelSetupError
from superscalar.forks import in_child
from superscalar.models import cache
from superscalar.models.base import Chunk, Message, Preparation, Request, StateKept, Usage, steady_part
from superscalar.models.beginnings import Beginnings, SteadyPart
from superscalar.models.ending import Ends, ReplyEnd
from superscalar.models.engine import Engine, LlamaEngine
from superscalar.models.reply import CallPieces
from superscalar.models.states import PromptStates
from superscalar.models.weights import OnProgress

Load: TypeAlias = Callable[[Path, int, int, Path], Engine]

_ENDS = Ends({"length": "length", "content_filter": "filter"})
_CONTROL = re.compile(r"<\|(?=\w+\|>)")
_EXIT_GRACE = 10.0  # seconds
_IDLE: Final = 0.25  # seconds without a request after which there is time for what nobody waits for
_MOST_THREADS: Final = 4  # more of them wait for the memory, and not for each other's cores
_STILL_WAITING = 10.0  # seconds
_LOG: Final = logging.getLogger("superscalar.models")


class LocalModel:
    """Qwen2.5-Coder-1.5B-Instruct, or any GGUF file, run by llama.cpp in this process: `LocalModel()`.

    The weights (1.1 GB) are looked for as `superscalar.models.cache.find` tells, or `path` names a file. `threads`
    defaults to the free cores, four at the most; `context` is how many tokens a prompt and its reply may have together.
    Nothing is loaded before the first use or `prepare`.

    Requests are answered one at a time, in the order in which they came, by a thread of our own; several event loops
    may share one instance. `progress` is called in that thread with (bytes done, bytes in all, what is being done);
    what it raises comes out of the call that wanted the model. Text in a message that looks like one of the model's
    control tokens is made harmless with a space: a tool's output cannot pretend to be the system.

    What it has read of a prompt that is the same whatever is asked (`Message.steady`) is kept in a file in the folder
    `states`, by default beside the model in the cache: the next process reads it back in milliseconds, instead of the
    prompt in half a minute. At most 6 files and 200 MB are kept.

    `load` turns a file, a number of threads, a context size and that folder into an engine; tests pass their own.
    """

    constrains = True
    concurrency = 1

    def __init__(
        self,
        *,
        path: str | Path | None = None,
        threads: int | None = None,
        context: int = 8192,
        progress: OnProgress | None = None,
        states: str | Path | None = None,
        load: Load = LlamaEngine,
    ) -> None:
        self._path = None if path is None else Path(path)
        self._threads = threads or _free_cores()
        self._context = context
        self._progress = progress
        self._states = cache.states_directory() if states is None else Path(states).absolute()
        self._load = load
        self._worker: _Worker | None = None
        self._lock = threading.Lock()
        _models.add(self)

    def renew(self) -> None:
        """Start anew in a forked child: the thread that answers is in the parent, and the engine with it."""
        if self._worker is not None:
            _INHERITED.append(self._worker)
        self._worker, self._lock = None, threading.Lock()

    @property
    def name(self) -> str:
        """Return `local`, with the path of the file if one was given."""
        return "local" if self._path is None else f"local:{self._path}"

    async def prepare(self) -> None:
        """Get the weights if they are not here, and load them. Cancelling it keeps what was downloaded.

        Raises:
            ModelSetupError: the model cannot be had or loaded; the message says what to do.
        """
        reply = self._submit(None)
        try:
            while await reply.get() is not None:
                pass  # how far the load is; `progress` was told
        finally:
            await reply.stop()

    async def warm(self, messages: Sequence[Message]) -> AsyncGenerator[Preparation, None]:
        """Read what is steady of a conversation, and keep it for this process and later ones; yield how far it is.

        The last one is a `StateKept`, which says where that is, unless nothing of the conversation may be kept.

        Raises:
            ModelError: the prompt does not fit into the context.
            ModelSetupError: the model cannot be had or loaded, or nothing can be kept in the folder of states.
        """
        reply = self._submit(None, steady_part(messages))
        try:
            while (event := await reply.get()) is not None:
                if "error" in event:
                    raise self._refusal(event["error"])
                if (preparing := _preparation(event)) is not None:
                    yield preparing
        finally:
            await reply.stop()

    def expect(self, messages: Sequence[Message]) -> None:
        """Read what is steady of a conversation to come, once nothing else is to do, and keep it. Nothing waits for it.

        A model that was not used yet is not loaded for it.
        """
        beginning = steady_part(messages)
        with self._lock:
            if beginning and self._worker is not None:
                self._worker.jobs.put(_Announced(_messages(beginning)))

    async def stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Generate, and yield the reply as it is written. Closing the iterator stops and waits for the generation.

        It waits for one token, or for the tokens of the prompt that are being read: 32 for each thread.

        Raises:
            ModelError: the prompt does not fit into the context, or llama.cpp refused the grammar.
            ModelSetupError: the model cannot be had or loaded; the message says what to do.
        """
        reply = self._submit(_body(request), steady_part(request.messages))
        end = ReplyEnd(_ENDS)
        calls = CallPieces()
        usage: Usage | None = None
        try:
            while (event := await reply.news()) is not None:
                if "error" in event:
                    raise self._refusal(event["error"])
                if (preparing := _preparation(event)) is not None:
                    yield Chunk(preparing=preparing)
                for choice in event.get("choices") or ():
                    delta = choice.get("delta") or {}
                    if thought := delta.get("reasoning_content"):
                        yield Chunk(thought=thought)
                    text = (delta.get("content") or "") + calls.take(delta)
                    if text or calls.changed:
                        end.wrote()
                    if text:
                        yield Chunk(text)
                    end.said(choice.get("finish_reason"))
                if event.get("usage"):
                    usage = _usage(event["usage"])
            if called := calls.written(cut=end.finish != "stop"):
                yield Chunk("\n" + called)
            if end.finish is not None:
                yield Chunk(finish=end.finish, usage=usage)
        finally:
            await reply.stop()

    async def aclose(self) -> None:
        """Stop what runs and free the memory; other requests fail. The model may be used again: it loads anew."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.dismiss()
            await asyncio.to_thread(worker.thread.join)

    def _submit(self, body: Mapping[str, object] | None, prefix: Iterable[Message] = ()) -> _WorkerReply:
        reply = _WorkerReply(body, _messages(prefix))
        with self._lock:
            if self._worker is None:
                self._worker = _Worker(self._open_engine_with())
                # The thread must not keep the model alive, and ends with it.
                weakref.finalize(self, self._worker.dismiss).atexit = False
            self._worker.jobs.put(reply)
        return reply

    def _open_engine_with(self) -> Callable[[OnProgress], _Loaded]:
        """Return what loads the engine, without a reference to this model."""
        path, threads, context, load, progress = self._path, self._threads, self._context, self._load, self._progress
        states = self._states

        def open_engine(check: OnProgress) -> _Loaded:
            def report(done: int, total: int, what: str) -> None:
                check(done, total, what)
                if progress is not None:
                    progress(done, total, what)

            file = cache.find(progress=report) if path is None else cache.given(path, "LocalModel(path=...)")
            size = file.stat().st_size
            report(0, size, "loading the model")
            engine = load(file, threads, context, states)
            report(size, size, "loading the model")
            return _Loaded(engine, file, states)

        return open_engine

    def _refusal(self, error: Mapping[str, Any]) -> ModelError:
        status = error.get("code")
        if error.get("type") == "exceed_context_size_error":
            return ModelError(
                f"{self.name}: the prompt has {error.get('n_prompt_tokens')} tokens and the context "
                f"{error.get('n_ctx')}: shorten the prompt, or write LocalModel(context=...) with a larger number.",
                status=status,
            )
        said = f"{self.name}: {error.get('message', error)}"
        if "grammar" in said:
            said += "\nllama.cpp cannot use the grammar of these tools; LLMCompiler(grammar=False) plans without one."
        return ModelError(said, status=status)


class _AbandonedError(Exception):
    """Nobody waits any more for the load that is going on."""


class _Loaded:
    """An engine, and what it has read. Everything is called in the worker's thread."""

    def __init__(self, engine: Engine, file: Path, states: Path) -> None:
        self.engine = engine
        self._file = file
        self._folder = states
        self._made: Beginnings | None = None

    @property
    def beginnings(self) -> Beginnings:
        """What it has read of prompts. The file's hash is not needed before."""
        if self._made is None:
            states = PromptStates(self._folder, f"{self.engine.version} {cache.digest(self._file)}")
            self._made = Beginnings(self.engine, states)
        return self._made

    @property
    def read(self) -> Beginnings | None:
        """The same, where there was a use for it."""
        return self._made

    def expect(self, beginning: SteadyPart) -> None:
        """Have it read a beginning when nothing else is to do."""
        if (beginnings := self._usable()) is not None:
            beginnings.expect(beginning)

    def _usable(self) -> Beginnings | None:
        """What it has read of prompts; None where the model's file is gone, whose hash nobody knows then."""
        try:
            return self.beginnings
        except OSError as error:
            _LOG.info("nothing that is read of prompts is kept: %s", error)
            return None

    def answer(self, reply: _WorkerReply) -> None:
        """Have it answer a request, or read a beginning and keep it."""
        if reply.body is None:
            if reply.beginning:
                try:
                    kept = self.beginnings.read_now(reply.beginning, reply.emit)
                except OSError as error:
                    raise ModelSetupError(f"what was read of the prompt cannot be kept: {error}") from error
                reply.emit({"kept": kept})
            return
        beginnings = self._usable() if reply.beginning else None
        if beginnings is None:
            if self._made is not None:
                self._made.forget()  # the engine chooses the slot
            self.engine.generate(reply.body, reply.emit)
            return
        slot = beginnings.slot_for(reply.beginning)
        self.engine.generate({**reply.body, "id_slot": slot}, reply.emit)
        if not reply.stopped:
            beginnings.has_read(reply.beginning)


class _Announced:
    """What a request to come begins with."""

    def __init__(self, beginning: SteadyPart) -> None:
        self.beginning = beginning


class _WorkerReply:
    """One request's way through the worker: events come from its thread and are read in the event loop that asked."""

    def __init__(self, body: Mapping[str, object] | None, beginning: SteadyPart) -> None:
        self.body = body
        self.beginning = beginning
        self.stopped = False
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Mapping[str, Any] | BaseException | None] = asyncio.Queue()
        self._ended = False  # the loop has seen the end
        self._generating = False
        self._lock = threading.Lock()

    # In the worker's thread.

    def begin(self) -> bool:
        """Whether somebody still waits; from now on, stopping waits for the end."""
        with self._lock:
            self._generating = not self.stopped
            return self._generating

    def emit(self, event: Mapping[str, Any]) -> bool:
        """Hand an event over; True if the generation shall stop."""
        if not self.stopped:
            self._post(event)
        return self.stopped

    def end(self, error: BaseException | None = None) -> None:
        """Hand over the end: the thread has let go of the model."""
        self._post(error)

    def _post(self, event: Mapping[str, Any] | BaseException | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)
        except RuntimeError:
            if not self._loop.is_closed():
                raise
            self.stopped = True  # the event loop is gone, and with it whoever asked

    # In the event loop.

    async def get(self) -> Mapping[str, Any] | None:
        """Return the next event, None at the end, or raise what went wrong."""
        event = await self._events.get()
        if event is None or isinstance(event, BaseException):
            self._ended = True
        if isinstance(event, BaseException):
            raise event
        return event

    async def news(self) -> Mapping[str, Any] | None:
        """Return the next event, as `get` does; and before the first, every few seconds that others come before it."""
        while not self._generating:
            patience = asyncio.timeout(_STILL_WAITING)
            try:
                async with patience:
                    return await self.get()
            except TimeoutError:
                if not patience.expired():
                    raise  # it is what went wrong
                if not self._generating:
                    return {"loading": "waiting for the replies before it", "fraction": 0.0}
        return await self.get()

    async def stop(self) -> None:
        """Stop, and wait until the model is free. A load is not waited for: it serves whoever comes next."""
        with self._lock:
            self.stopped = True
            wait = self._generating
        while wait and not self._ended:
            event = await self._events.get()
            self._ended = event is None or isinstance(event, BaseException)


class _Worker:
    """The one thread that owns an engine. It answers requests in their order and ends when it is dismissed."""

    def __init__(self, open_engine: Callable[[OnProgress], _Loaded]) -> None:
        self.jobs: queue.SimpleQueue[_WorkerReply | _Announced | None] = queue.SimpleQueue()
        self._open_engine = open_engine
        self._loaded: _Loaded | None = None
        self._current: _WorkerReply | None = None
        self._dismissed = False
        # A daemon: a load cannot be interrupted, and must not keep the interpreter from ending.
        self.thread = threading.Thread(target=self._work, name="superscalar-local-model", daemon=True)
        self.thread.start()
        _workers.add(self)

    def dismiss(self) -> None:
        """Stop the request that runs, fail those that wait, and let the thread end. Does not wait for it."""
        self._dismissed = True
        if (reply := self._current) is not None:
            reply.stopped = True
        self.jobs.put(None)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            if isinstance(job, _Announced):
                if self._loaded is not None:
                    self._loaded.expect(job.beginning)
                continue
            self._current = job
            try:
                self._answer(job)
            except BaseException as error:  # noqa: BLE001 - it is raised where the request was made
                job.end(error)
            else:
                job.end()
            self._current = None
            del job  # its event loop may be long gone while we wait for the next
        if self._loaded is not None:
            if (read := self._loaded.read) is not None:
                read.keep_read()
            self._loaded.engine.close()

    def _next(self) -> _WorkerReply | _Announced | None:
        """Wait for what is to do next; meanwhile, do what nobody waits for."""
        while self._loaded is not None and (read := self._loaded.read) is not None and read.waiting:
            try:
                return self.jobs.get(timeout=_IDLE)
            except queue.Empty:
                read.read_next(lambda: self._dismissed or not self.jobs.empty())
        return self.jobs.get()

    def _answer(self, reply: _WorkerReply) -> None:
        said = ("", -1)

        def check(done: int, total: int, what: str) -> None:
            nonlocal said
            if reply.stopped or self._dismissed:
                raise _AbandonedError
            now = (what, done * 100 // max(total, 1))
            if now != said:
                said = now
                reply.emit({"loading": what, "fraction": done / max(total, 1)})

        if self._dismissed:
            raise ModelError("The local model was closed while this request waited for it.")
        if reply.stopped:
            return
        if self._loaded is None:
            self._loaded = self._open_engine(check)
        if reply.begin():
            self._loaded.answer(reply)
        if self._dismissed:
            raise ModelError("The local model was closed while it answered.")


_workers: weakref.WeakSet[_Worker] = weakref.WeakSet()
_models: weakref.WeakSet[LocalModel] = weakref.WeakSet()
_INHERITED: list[_Worker] = []
"""What a forked child may neither use nor free."""


def _renew_models() -> None:
    for model in list(_models):
        model.renew()
    _workers.clear()


in_child(_renew_models)


@atexit.register
def _leave() -> None:
    """Stop every generation: a thread that came back from llama.cpp into a finished interpreter would crash it."""
    workers = list(_workers)
    for worker in workers:
        worker.dismiss()
    for worker in workers:
        worker.thread.join(_EXIT_GRACE)


def _messages(messages: Iterable[Message]) -> Sequence[Mapping[str, object]]:
    return tuple({"role": m.role, "content": _CONTROL.sub("< |", m.text)} for m in messages)


def _body(request: Request) -> dict[str, object]:
    body: dict[str, object] = {
        "messages": list(_messages(request.messages)),
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
        "cache_prompt": True,
        "return_progress": True,  # so that a request can be stopped while its prompt is read
    }
    if request.seed is not None:
        body["seed"] = request.seed
    if request.stop:
        body["stop"] = list(request.stop)
    if request.grammar is not None:
        if request.grammar.gbnf:
            body["grammar"] = request.grammar.gbnf
        else:
            body["response_format"] = {"type": "json_object", "schema": dict(request.grammar.json_schema)}
    if request.tools:
        body["tools"] = list(request.tools)
    return body


def _preparation(event: Mapping[str, Any]) -> Preparation | None:
    if "kept" in event:
        kept: StateKept | None = event["kept"]
        return kept
    if "loading" in event:
        return Preparation(event["loading"], event["fraction"])
    if "prompt_progress" in event:
        progress = event["prompt_progress"]
        return Preparation("reading the prompt", progress.get("processed", 0) / max(progress.get("total", 0), 1))
    return None


def _usage(counted: Mapping[str, Any]) -> Usage:
    cached = counted.get("prompt_tokens_details", {}).get("cached_tokens", 0)
    return Usage(counted["prompt_tokens"], cached, counted["completion_tokens"], requests=1)


def _free_cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST_THREADS)
