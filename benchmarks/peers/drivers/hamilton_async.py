"""Hamilton's async driver: a graph is a module of coroutine functions; parameters name what they take."""

from __future__ import annotations

from itertools import count
from typing import Any

from hamilton import ad_hoc_utils, async_driver

from benchmarks.peers.driver import AsyncPeer, Ready, serve
from benchmarks.peers.shapes import Inputs

_numbers = count()


class HamiltonAsync(AsyncPeer):
    """Source text of a module, as its users write it; it has no cap on calls at once."""

    packages = ("sf-hamilton", "apache-hamilton")
    configuration = "async_driver.Builder on a module with a coroutine function per call, no adapters"

    def build(self, inputs: Inputs) -> Ready:
        """The module and the driver."""
        lines = ["from benchmarks.peers.shapes import free_async"]
        for i, needed in enumerate(inputs):
            parameters = ", ".join(f"t{j}: int" for j in dict.fromkeys(needed))
            given = ", ".join(f"t{j}" for j in needed) or str(i)
            lines.append(f"async def t{i}({parameters}) -> int:\n    return await free_async({given})")
        module = ad_hoc_utils.module_from_source("\n".join(lines), f"graph_{next(_numbers)}")
        driver = self.wait(async_driver.Builder().with_modules(module).build())
        names = [f"t{i}" for i in range(len(inputs))]

        def run() -> list[Any]:
            found = self.wait(driver.execute(names))
            return [found[name] for name in names]

        return run


if __name__ == "__main__":
    serve(HamiltonAsync)
