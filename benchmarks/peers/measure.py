"""The run: every row measured beside every other in turns, so that what the machine does meanwhile hits all alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.peers.peers import CONTENDERS, Contender, python_of
from benchmarks.peers.process import Driver, Failed, Missing, TooLong
from benchmarks.peers.shapes import SHAPES, fast_bound, random_layers

MOST_SECONDS = 60.0
"""A peer is stopped at a size that takes it longer."""

Row = dict[str, Any]


@dataclass
class Settings:
    """What is measured. `budget`: seconds a peer may spend on the repetitions of one row."""

    peers: Sequence[str]
    sizes: Sequence[int]
    repetitions: int
    cache: Path
    budget: float = 30.0
    seeds: Sequence[int] = (1, 2, 3, 4, 5)


@dataclass
class _Bench:
    """The drivers that are up."""

    settings: Settings
    drivers: dict[str, Driver] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def ask(self, name: str, seconds: float = MOST_SECONDS, **request: Any) -> dict[str, Any]:
        """Ask a peer, bringing it up first where it is not."""
        if name in self.broken:
            raise Failed(self.broken[name])
        driver = self.drivers.get(name)
        if driver is None or not driver.alive:
            self.close(name)
            try:
                driver = self.drivers[name] = _up(CONTENDERS[name], self.settings.cache)
            except (Failed, TooLong, OSError) as error:
                self.broken[name] = f"does not come up: {error}"
                raise Failed(self.broken[name]) from error
        return driver.ask(seconds, **request)

    def close(self, *names: str) -> None:
        """End some, or all."""
        for name in names or list(self.drivers):
            if (driver := self.drivers.pop(name, None)) is not None:
                driver.close()


def _up(contender: Contender, cache: Path) -> Driver:
    return Driver(contender, python_of(contender, cache))


def everything(settings: Settings, sections: Sequence[str]) -> dict[str, Any]:
    """All sections; every peer is ended at the end of each."""
    bench = _Bench(settings)
    found: dict[str, Any] = {"peers": {}, "rows": []}
    try:
        for name in settings.peers:
            try:
                found["peers"][name] = bench.ask(name, do="about")
            except (Failed, TooLong) as error:
                found["peers"][name] = {"error": str(error)}
                print(f"{name}: {error}", file=sys.stderr)
        for section in sections:
            for row in SECTIONS[section](bench):
                print(_line(row), file=sys.stderr)
                found["rows"].append(row)
            bench.close()
    finally:
        bench.close()
    return found


def _line(row: Row) -> str:
    what = " ".join(str(row[key]) for key in ("section", "shape", "size", "peer") if key in row)
    return f"{what}: {row.get('note') or ', '.join(f'{k} {v:.4g}' for k, v in row.items() if isinstance(v, float))}"


# ------------------------------------------------------------------------------------------------------- cost


def _cost(bench: _Bench) -> Iterator[Row]:
    yield from _graphs(bench, "cost", SHAPES, bench.settings.sizes)


def _journal(bench: _Bench) -> Iterator[Row]:
    yield from _graphs(bench, "journal", SHAPES, [size for size in bench.settings.sizes if size <= 10_000])


def _graphs(bench: _Bench, section: str, shapes: Iterable[str], sizes: Iterable[int]) -> Iterator[Row]:
    for shape in shapes:
        last: dict[str, Row] = {}
        for size in sizes:
            samples: dict[str, list[dict[str, float]]] = {name: [] for name in bench.settings.peers}
            notes = {name: note for name in samples if (note := _hopeless(last.get(name), size))}
            for repetition in range(bench.settings.repetitions):
                for name in _in_turn(bench.settings.peers, repetition):
                    spent = sum(sum(sample.values()) for sample in samples[name])
                    if name in notes or (repetition and spent * (1 + 1 / repetition) > bench.settings.budget):
                        continue
                    try:
                        samples[name].append(bench.ask(name, do=section, shape=shape, size=size))
                    except (TooLong, Failed, Missing) as error:
                        notes[name] = ("unsupported: " if isinstance(error, Missing) else "") + str(error)
            for name, taken in samples.items():
                row: Row = {"section": section, "shape": shape, "size": size, "peer": name}
                if name in notes:
                    row["note"] = notes[name]
                else:
                    row["build"] = median(sample["build"] for sample in taken)
                    row["run"] = median(sample["run"] for sample in taken)
                    row["total"] = median(sample["build"] + sample["run"] for sample in taken)
                    row["repetitions"] = len(taken)
                last[name] = row
                yield row


def _hopeless(before: Row | None, size: int) -> str:
    """Why a size is not tried: a smaller one failed, or takes so long that this one cannot be done in time."""
    if before is None:
        return ""
    if "note" in before:
        note: str = before["note"]
        return note if note.startswith("unsupported") else "not tried"
    expected = before["total"] * size / before["size"]
    return f"not tried: {expected:.0f} s at least" if expected > MOST_SECONDS else ""


def _in_turn(names: Sequence[str], repetition: int) -> list[str]:
    """Nobody is always the first."""
    shift = repetition % len(names) if names else 0
    return [*names[shift:], *names[:shift]]


# ------------------------------------------------------------------------------------------------------- order


def _makespan(bench: _Bench) -> Iterator[Row]:
    bounds = {seed: random_layers(seed).bound for seed in bench.settings.seeds}
    ratios: dict[str, list[float]] = {name: [] for name in bench.settings.peers}
    notes: dict[str, str] = {}
    for name in bench.settings.peers:
        _guarded(notes, name, lambda name=name: bench.ask(name, do="makespan", seed=0))  # type: ignore[misc]
    for turn, (seed, bound) in enumerate(bounds.items()):
        for name in _in_turn(bench.settings.peers, turn):
            if name not in notes:
                found = _guarded(notes, name, lambda name=name, seed=seed: bench.ask(name, do="makespan", seed=seed))  # type: ignore[misc]
                ratios[name] += [found["seconds"] / bound] if found else []
    for name, taken in ratios.items():
        row: Row = {"section": "makespan", "peer": name}
        yield row | ({"note": notes[name]} if name in notes else {"over_bound": median(taken), "worst": max(taken)})


def _head_of_line(bench: _Bench) -> Iterator[Row]:
    taken: dict[str, list[float]] = {name: [] for name in bench.settings.peers}
    notes: dict[str, str] = {}
    for turn in range(3):
        for name in _in_turn(bench.settings.peers, turn):
            if name not in notes:
                found = _guarded(notes, name, lambda name=name: bench.ask(name, do="headofline"))  # type: ignore[misc]
                taken[name] += [found["fast"] / fast_bound()] if found else []
    for name, ratios in taken.items():
        row: Row = {"section": "headofline", "peer": name}
        yield row | ({"note": notes[name]} if name in notes else {"over_bound": median(ratios)})


def _guarded(notes: dict[str, str], name: str, ask: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    try:
        return ask()
    except (TooLong, Failed, Missing) as error:
        notes[name] = ("unsupported: " if isinstance(error, Missing) else "") + str(error)
        return None


# ------------------------------------------------------------------------------------------------------ memory


def _memory(bench: _Bench) -> Iterator[Row]:
    """The largest size that each peer manages, every time in a fresh process."""
    for name in bench.settings.peers:
        notes: dict[str, str] = {}
        for size in sorted(bench.settings.sizes, reverse=True):
            bench.close(name)
            notes.clear()
            request = {"do": "memory", "shape": "layered", "size": size}
            found = _guarded(notes, name, lambda name=name, request=request: bench.ask(name, **request))  # type: ignore[misc]
            if found:
                total = found["build"] + found["run"]
                yield {"section": "memory", "peer": name, "size": size, "run": found["run"], "total": total}
                break
            if notes[name].startswith("unsupported: no graphs"):
                break
        bench.close(name)
        if notes:
            yield {"section": "memory", "peer": name, "note": notes[name]}


SECTIONS: dict[str, Callable[[_Bench], Iterator[Row]]] = {
    "cost": _cost,
    "makespan": _makespan,
    "headofline": _head_of_line,
    "memory": _memory,
    "journal": _journal,
}
