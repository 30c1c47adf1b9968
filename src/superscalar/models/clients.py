"""Models of pydantic-ai in event loops: connections belong to the loop that opened them, and end with it."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from superscalar.errors import ModelSetupError
from superscalar.forks import MAKING
from superscalar.models.lives import closed_without


class Connections(Protocol):
    """Where a model comes from that is used in the running loop."""

    def prepare(self) -> None:
        """Make sure that it can be made.

        Raises:
            ModelSetupError: it cannot.
        """

    def open(self) -> AbstractAsyncContextManager[Any]:
        """Give it, open for one reply."""
        ...

    async def aclose(self) -> None:
        """Close what the running loop has open."""


class OwnConnections:
    """A model for each event loop, made by `make`, and open until that loop ends."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._spare: Any = None  # made before a loop ran, for the first that does
        self._lives: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Life] = weakref.WeakKeyDictionary()

    def prepare(self) -> None:
        """Make the next one, unless the running loop has one."""
        try:
            has = asyncio.get_running_loop() in self._lives
        except RuntimeError:
            has = False
        with MAKING:
            if not has and self._spare is None:
                self._spare = self._make()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Any, None]:
        """Give that of the running loop."""
        loop = asyncio.get_running_loop()
        life = self._lives.get(loop)
        if life is None:
            with MAKING:
                made = self._make() if self._spare is None else self._spare
                self._spare = None
            life = self._lives[loop] = _Life(made)
        await life.begin(self)
        yield life.model

    async def aclose(self) -> None:
        """Close that of the running loop."""
        life = self._lives.pop(asyncio.get_running_loop(), None)
        if life is not None:
            await life.end()


class _Life:
    """A model that is open until `end`, as long as its owner is there, or until the loop closes its async generators.

    The open generator is what ties it to the loop: `asyncio.run` closes those before it closes the loop, which is the
    last moment at which the connections can be closed.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._life: AsyncGenerator[None, None] | None = None
        self._begun = asyncio.Lock()
        self._open = False

    async def _live(self, owner: weakref.ref[object]) -> AsyncGenerator[None, None]:
        async with self.model:
            call_off = closed_without(owner(), self.end)
            try:
                yield
            finally:
                call_off()

    async def begin(self, owner: object) -> None:
        async with self._begun:
            if not self._open:
                life = self._live(
                    weakref.ref(owner)
                )  # anew each time: one that was cancelled while it opened the model is at its end
                await anext(life)
                self._life, self._open = life, True

    async def end(self) -> None:
        if self._life is not None:
            await self._life.aclose()


class LentConnections:
    """A model that somebody else made: open while replies are under way, in one event loop at a time.

    It has one client, whose connections belong to the loop that opened them; once it is closed, pydantic-ai makes a new
    one. A model without a provider, such as a test's, has none, and is asked from anywhere.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._loop: asyncio.AbstractEventLoop | None = None
        self._replies = 0

    def prepare(self) -> None:
        """Nothing is missing: it is there."""

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Any, None]:
        """Give it.

        Raises:
            ModelSetupError: a reply is under way in another loop.
        """
        if not _has_connections(self.model):
            yield self.model
            return
        self._take(asyncio.get_running_loop())
        try:
            async with self.model:
                yield self.model
        finally:
            with MAKING:
                self._replies -= 1

    def _take(self, loop: asyncio.AbstractEventLoop) -> None:
        with MAKING:
            if self._loop is not loop:
                if self._replies and self._loop is not None and not self._loop.is_closed():
                    raise ModelSetupError(
                        f"the model object {self.model.model_name!r} is being asked from another event loop, and has "
                        'connections for one at a time; give its name (model="provider:name"), or an object to each'
                    )
                self._loop, self._replies = loop, 0
            self._replies += 1

    async def aclose(self) -> None:
        """Nothing is open when no reply is under way."""


def _has_connections(model: Any) -> bool:
    """Whether a model has a provider, or hands requests to others that may have one."""
    return any(getattr(model, name, None) is not None for name in ("provider", "models", "wrapped"))


def asking_once(model: Any) -> Any:
    """Return the model, whose client sends each request once.

    Amazon's repeats a failed one by itself, and takes it for the client alone that it must not; others are told with
    each request.
    """
    client: Any = getattr(getattr(model, "provider", None), "client", None)
    service = getattr(getattr(client, "meta", None), "service_model", None)
    if service is not None:
        name = service.service_id.hyphenize()
        client.meta.events.unregister(f"needs-retry.{name}", unique_id=f"retry-config-{name}")
    return model


def listening_on(model: Any) -> Any:
    """Return the model, whose client waits for a silent server until it is told to stop: its caller knows when.

    SDKs give up after ten minutes by themselves. That a connection is made in time is theirs to see to.
    """
    provider = getattr(model, "provider", None)
    for client in (getattr(provider, "client", None), getattr(provider, "_own_http_client", None)):
        bounds: Any = getattr(client, "timeout", None)
        if client is not None and getattr(bounds, "read", None) is not None:
            client.timeout = type(bounds)(None, connect=bounds.connect)
    return model
