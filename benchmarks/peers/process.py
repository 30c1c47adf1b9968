"""A driver as a process: asked one line at a time, bounded in time, and ended with all that it started."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from benchmarks.peers.peers import ROOT, Contender

START_SECONDS = 180.0
_END_SECONDS = 20.0

QUIET = {
    "DO_NOT_TRACK": "1",
    "HAMILTON_TELEMETRY_ENABLED": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "OTEL_SDK_DISABLED": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PYTHONWARNINGS": "ignore",
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""Nothing is sent anywhere, no traces are kept, nobody warns."""


class TooLong(Exception):
    """The driver did not answer in time, and was ended."""


class Failed(Exception):
    """The driver could not do it; the message is the peer's."""


class Missing(Exception):
    """The peer has no such thing."""


class Driver:
    """A peer that is up, in a process of its own with an empty home folder."""

    def __init__(self, contender: Contender, python: Path) -> None:
        self.name = contender.name
        self._home = tempfile.TemporaryDirectory(prefix="home-", ignore_cleanup_errors=True)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the driver
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        path = [str(ROOT)] if contender.environment else [str(ROOT / "src"), str(ROOT)]
        self._process = subprocess.Popen(
            [str(python), "-m", f"benchmarks.peers.drivers.{contender.driver}", *contender.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=self._home.name,
            env=kept | QUIET | {"HOME": self._home.name, "PYTHONPATH": os.pathsep.join(path)},
            start_new_session=True,
        )
        self._unread = b""
        self._closed = False
        try:
            self._answer(START_SECONDS)
        except BaseException:
            self.close()
            raise

    def ask(self, seconds: float, **request: Any) -> dict[str, Any]:
        """The answer to one request.

        Raises:
            TooLong: it took more than `seconds`; the driver is gone.
            Failed: it went wrong; the driver may be gone.
            Missing: the peer has no such thing.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise Failed(f"{self.name} is gone") from error
        return self._answer(seconds)

    @property
    def alive(self) -> bool:
        """Whether it can be asked again."""
        return not self._closed and self._process.poll() is None

    def close(self, patience: float = _END_SECONDS) -> None:
        """End it, after `patience` seconds by force, and every process that it started."""
        if self._closed:
            return
        self._closed = True
        started = dict(_tree(self._process.pid))
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        _kill({**started, **dict(_tree(self._process.pid))})
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()
        self._home.cleanup()

    def _answer(self, seconds: float) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._line(seconds))
        if "unsupported" in found:
            raise Missing(found["unsupported"])
        if "error" in found:
            raise Failed(found["error"])
        return found

    def _says_something(self, seconds: float) -> bool:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:  # `select` knows no file beyond the 1,024th
            selector.register(self._process.stdout, selectors.EVENT_READ)
            return bool(selector.select(seconds))

    def _line(self, seconds: float) -> bytes:
        assert self._process.stdout is not None
        until = monotonic() + seconds
        while b"\n" not in self._unread:
            left = until - monotonic()
            if left <= 0 or not self._says_something(left):
                self.close(patience=0.0)
                raise TooLong(f"more than {seconds:.0f} s")
            part = os.read(self._process.stdout.fileno(), 65_536)
            if not part:
                words = self._last_words()
                self.close(patience=0.0)
                raise Failed(f"{self.name} ended: {words}")
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _last_words(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip().rpartition("\n")[2][:300] or "it said nothing"


def _tree(root: int) -> Iterator[tuple[int, str]]:
    """The processes that a driver started, by descent and by session; with its start a number means one process."""
    found: dict[int, tuple[int, int, str]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            found[int(folder.name)] = (int(fields[1]), int(fields[3]), fields[19])
    todo = [pid for pid, (_, session, _) in found.items() if session == root or pid == root]
    seen: set[int] = set()
    while todo:
        pid = todo.pop()
        if pid not in seen:
            seen.add(pid)
            todo += [child for child, (parent, _, _) in found.items() if parent == pid]
    return ((pid, found[pid][2]) for pid in seen)


def _kill(started: dict[int, str]) -> None:
    for _ in range(3):
        left = False
        for pid, began in started.items():
            with suppress(OSError, IndexError):
                if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19] == began:
                    os.kill(pid, signal.SIGKILL)
                    left = True
        if not left:
            return
        sleep(0.05)
