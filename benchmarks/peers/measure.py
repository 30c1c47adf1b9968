"""The run: every row measured beside every other in turns, so that what the machine does meanwhile hits all alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.peers.peers import CONTENDERS, FLOOR, OURS, Contender, python_of
from benchmarks.peers.process import Driver, Failed, Missing, TooLong
from benchmarks.peers.shapes import SHAPES, fast_bound, random_layers

_KEPT = "layered"
"""The shape whose memory is measured."""

Row = dict[str, Any]


@dataclass
class Settings:
    """What is measured. Seconds: a peer is stopped at a size that takes it longer than `most`, and takes no further
    repetition of a row when it would have spent more than `budget` on it.
    """

    peers: Sequence[str]
    sizes: Sequence[int]
    repetitions: int
    cache: Path
    most: float = 60.0
    budget: float = 30.0
    seeds: Sequence[int] = (1, 2, 3, 4, 5)


@dataclass
class _Bench:
    """The drivers of a group that are up. `managed`: the largest graph that each peer ran in time."""

    settings: Settings
    peers: Sequence[str]
    managed: dict[str, int] = field(default_factory=dict)
    drivers: dict[str, Driver] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def ask(self, name: str, **request: Any) -> dict[str, Any]:
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
        return driver.ask(self.settings.most, **request)

    def ask_anew(self, name: str, **request: Any) -> dict[str, Any]:
        """Ask a peer that has just come up."""
        self.close(name)
        return self.ask(name, **request)

    def close(self, *names: str) -> None:
        """End some, or all."""
        for name in names or list(self.drivers):
            if (driver := self.drivers.pop(name, None)) is not None:
                driver.close()


def _up(contender: Contender, cache: Path) -> Driver:
    return Driver(contender, python_of(contender, cache))


def everything(settings: Settings, sections: Sequence[str]) -> dict[str, Any]:
    """All sections, for one group of peers after the other.

    The peers that keep processes of their own running are measured last, each beside the floor and ours again: they
    would take processor time from those that share the machine with them while they are idle. An interrupt (Ctrl-C)
    ends the run, and what was measured until then is returned.
    """
    heavy = [name for name in settings.peers if CONTENDERS[name].heavy]
    base = [name for name in settings.peers if name in (FLOOR, OURS)]
    groups = [[name for name in settings.peers if name not in heavy], *([*base, name] for name in heavy)]
    found: dict[str, Any] = {"peers": {}, "rows": []}
    try:
        for number, group in enumerate(groups):
            _group(_Bench(settings, group), number, sections, found)
    except KeyboardInterrupt:
        print("interrupted: what follows is what was measured until then", file=sys.stderr)
    return found


def _group(bench: _Bench, number: int, sections: Sequence[str], found: dict[str, Any]) -> None:
    try:
        for name in bench.peers:
            try:
                found["peers"][name] = bench.ask(name, do="about")
            except (Failed, TooLong) as error:
                found["peers"][name] = {"error": str(error)}
                print(f"{name}: {error}", file=sys.stderr)
        for section in sections:
            for row in SECTIONS[section](bench):
                print(_line(row), file=sys.stderr, flush=True)
                found["rows"].append({"group": number, **row})
    finally:
        bench.close()


def _line(row: Row) -> str:
    what = " ".join(str(row[key]) for key in ("section", "shape", "size", "peer") if key in row)
    return f"{what}: {row.get('note') or ', '.join(f'{k} {v:.4g}' for k, v in row.items() if isinstance(v, float))}"


# ------------------------------------------------------------------------------------------------------- cost


def _cost(bench: _Bench) -> Iterator[Row]:
    yield from _graphs(bench, "cost", bench.ask, bench.settings.sizes)


def _paid(bench: _Bench) -> Iterator[Row]:
    """In a fresh process each: what a user pays, with all that the garbage collector does meanwhile."""
    yield from _graphs(bench, "paid", bench.ask_anew, [size for size in bench.settings.sizes if size <= 10_000])


def _journal(bench: _Bench) -> Iterator[Row]:
    yield from _graphs(bench, "journal", bench.ask, [size for size in bench.settings.sizes if size <= 10_000])


def _graphs(bench: _Bench, section: str, ask: Callable[..., dict[str, float]], sizes: Iterable[int]) -> Iterator[Row]:
    for shape in SHAPES:
        last: dict[str, Row] = {}
        for size in sizes:
            samples: dict[str, list[dict[str, float]]] = {name: [] for name in bench.peers}
            notes = {name: note for name in samples if (note := _hopeless(last.get(name), size, bench.settings.most))}
            rivals = set(samples) - {FLOOR, OURS}
            for repetition in range(bench.settings.repetitions if not rivals or rivals - set(notes) else 0):
                for name in _in_turn(bench.peers, repetition):
                    spent = sum(sum(sample.values()) for sample in samples[name])
                    if name in notes or (repetition and spent * (1 + 1 / repetition) > bench.settings.budget):
                        continue
                    try:
                        samples[name].append(ask(name, do=section, shape=shape, size=size))
                    except (TooLong, Failed, Missing) as error:
                        notes[name] = ("unsupported: " if isinstance(error, Missing) else "") + str(error)
            for name, taken in samples.items():
                row: Row = {"section": section, "shape": shape, "size": size, "peer": name}
                if name in notes or not taken:
                    row["note"] = notes.get(name, "not tried")
                else:
                    row["build"] = median(sample["build"] for sample in taken)
                    row["run"] = median(sample["run"] for sample in taken)
                    row["total"] = median(sample["build"] + sample["run"] for sample in taken)
                    row["repetitions"] = len(taken)
                    if shape == _KEPT:
                        bench.managed[name] = max(size, bench.managed.get(name, 0))
                last[name] = row
                yield row


def _hopeless(before: Row | None, size: int, most: float) -> str:
    """Why a size is not tried: a smaller one failed, or takes so long that this one cannot be done in time."""
    if before is None:
        return ""
    if "note" in before:
        note: str = before["note"]
        return note if note.startswith("unsupported") else "not tried"
    expected = before["total"] * size / before["size"]
    return f"not tried: {expected:.0f} s at least" if expected > most else ""


def _in_turn(names: Sequence[str], repetition: int) -> list[str]:
    """Nobody is always the first."""
    shift = repetition % len(names) if names else 0
    return [*names[shift:], *names[:shift]]


# ------------------------------------------------------------------------------------------------------- order


def _makespan(bench: _Bench) -> Iterator[Row]:
    bounds = {seed: random_layers(seed).bound for seed in bench.settings.seeds}
    ratios: dict[str, list[float]] = {name: [] for name in bench.peers}
    notes: dict[str, str] = {}
    for name in bench.peers:
        _asked(bench, notes, name, do="makespan", seed=0)
    for turn, (seed, bound) in enumerate(bounds.items()):
        for name in _in_turn(bench.peers, turn):
            if name not in notes:
                found = _asked(bench, notes, name, do="makespan", seed=seed)
                ratios[name] += [found["seconds"] / bound] if found else []
    for name, taken in ratios.items():
        row: Row = {"section": "makespan", "peer": name}
        yield row | ({"note": notes[name]} if name in notes else {"over_bound": median(taken), "worst": max(taken)})


def _head_of_line(bench: _Bench) -> Iterator[Row]:
    taken: dict[str, list[float]] = {name: [] for name in bench.peers}
    notes: dict[str, str] = {}
    for turn in range(3):
        for name in _in_turn(bench.peers, turn):
            if name not in notes:
                found = _asked(bench, notes, name, do="headofline")
                taken[name] += [found["fast"] / fast_bound()] if found else []
    for name, ratios in taken.items():
        row: Row = {"section": "headofline", "peer": name}
        yield row | ({"note": notes[name]} if name in notes else {"over_bound": median(ratios)})


def _asked(bench: _Bench, notes: dict[str, str], name: str, **request: Any) -> dict[str, Any]:
    """The answer; where there is none, nothing, with the reason in the notes."""
    try:
        return bench.ask(name, **request)
    except (TooLong, Failed, Missing) as error:
        notes[name] = ("unsupported: " if isinstance(error, Missing) else "") + str(error)
        return {}


# ------------------------------------------------------------------------------------------------------ memory


def _memory(bench: _Bench) -> Iterator[Row]:
    """The largest size that each peer managed before, in a fresh process."""
    for name in bench.peers:
        bench.close(name)
        size = bench.managed.get(name, min(bench.settings.sizes))
        notes: dict[str, str] = {}
        found = _asked(bench, notes, name, do="memory", shape=_KEPT, size=size)
        bench.close(name)
        row: Row = {"section": "memory", "peer": name, "size": size}
        yield row | ({"run": found["run"], "total": found["build"] + found["run"]} if found else {"note": notes[name]})


SECTIONS: dict[str, Callable[[_Bench], Iterator[Row]]] = {
    "cost": _cost,
    "paid": _paid,
    "makespan": _makespan,
    "headofline": _head_of_line,
    "memory": _memory,
    "journal": _journal,
}
