"""What the runs of an agent are made with: what it was told, with the tools that there are when a run begins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from superscalar.compiler.equipment import Equipment
from superscalar.compiler.guards import Guards
from superscalar.errors import ToolsetError
from superscalar.forks import MAKING


class Ready(NamedTuple):
    """What one run is made with. `deadline`: how many seconds it has, now that its tools are open."""

    equipment: Equipment
    guards: Guards
    deadline: float | None


class Prepared:
    """The equipment of an agent, and its guards, with the tools that were listed last.

    `is_live`: tools are opened, or listed, before each run: until then nobody knows them all.
    """

    def __init__(self, equipment: Equipment) -> None:
        self._toolset = equipment.given
        self.is_live = self._toolset.is_live
        self._made = equipment, Guards(equipment)

    @property
    def equipment(self) -> Equipment:
        """What it is told, and has made of it."""
        return self._made[0]

    @property
    def guards(self) -> Guards:
        """What keeps its runs within bounds."""
        return self._made[1]

    def learn(self, example: tuple[str, str]) -> tuple[str, str]:
        """Have runs that begin from now on know an example, in the place of an older one with this question.

        Raises:
            UsageError: its plan is none for the tools that there are now.
        """
        with MAKING:  # agents run in several threads
            equipment, guards = self._made
            self._made = equipment.with_example(*example), guards
        return example

    @asynccontextmanager
    async def ready(self, deadline: float | None = None) -> AsyncIterator[Ready]:
        """What a run needs, with the tools that are there now: what they need is open as long as somebody is in here.

        `deadline`: seconds that there are for that, and for the run.

        Raises:
            ToolsetError: a toolset cannot be opened, does not list its tools, or takes longer.
        """
        if not self.is_live:
            yield Ready(*self._made, deadline)
            return
        now = asyncio.get_running_loop().time
        begun = now()
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(deadline):
                    await stack.enter_async_context(self._toolset)
                    given = await self._toolset.now()
            except TimeoutError:
                raise ToolsetError(f"the tools were not open within deadline={deadline}") from None
            with MAKING:
                equipment, guards = self._made
                if given is not equipment.given:
                    equipment = equipment.with_tools(given)
                    self._made = equipment, guards = equipment, Guards(equipment)
            yield Ready(equipment, guards, None if deadline is None else max(begun + deadline - now(), 1e-9))
