"""The benchmarks of the LLMCompiler paper (arXiv 2312.04511), offline, and restartable.

    python -m benchmarks.paper oracle            # the schedule alone, in virtual time: see `oracle`
    python -m benchmarks.paper model --minutes 30   # whole runs with a model: see `embedded`
    python -m benchmarks.paper page              # what was measured, into docs/paper.md and docs/paper.svg

Without a word: all three. The questions are not in the repository: see `questions`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from benchmarks.paper import embedded, oracle, report
from benchmarks.paper.drawing import figure
from benchmarks.paper.questions import DRAWN, SEED, PaperQuestion, drawn, read_all
from superscalar.comparison import Comparison
from superscalar.models import resolve

_ROOT: Final = Path(__file__).parents[2]
_PARTS: Final = ("oracle", "model", "page")


def main() -> int:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="oracle|model|page", help="what is done; without a word all of it")
    parser.add_argument(
        "--data", type=Path, default=_ROOT.parent / "shared" / "data", help="the folder of the questions"
    )
    parser.add_argument("--out", type=Path, default=_ROOT / "build" / "paper", help="the folder of what was measured")
    parser.add_argument("--model", default="local", help='as LLMCompiler takes it: "local", "openai:NAME"')
    parser.add_argument("--named", default="the embedded model", help="what the page calls that model")
    parser.add_argument("--minutes", type=float, default=30.0, help="for which no further question is begun (30)")
    parser.add_argument("--sources", default=",".join(DRAWN), help="of which the model is asked, in this order")
    parser.add_argument("--limit", type=int, help="questions of each source, at the most; all that are drawn")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--page", type=Path, default=_ROOT / "docs" / "paper.md")
    parser.add_argument("--figure", type=Path, default=_ROOT / "docs" / "paper.svg")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal of the oracle is missed")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(_PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(_PARTS)}")
    try:
        questions = read_all(options.data)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    parts = options.parts or _PARTS
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out / "oracle.json"
    answers = options.out / f"{re.sub(r'[^a-z0-9.]+', '-', options.model.lower())}.jsonl"
    chosen = [question for question in drawn(questions, options.seed) if question.source in options.sources.split(",")]
    if "oracle" in parts:
        rows = oracle.rows(list(_told(oracle.measured(questions), len(questions) * len(oracle.SETTINGS))))
        kept.write_text(json.dumps([asdict(row) for row in rows]), encoding="utf-8")
    if "model" in parts:
        _ask(options.model, _first(chosen, options.limit), answers, options.minutes)
    rows = _oracle_rows(kept)
    answered = _answered(answers, chosen)
    goals = oracle.missed(rows)
    print(report.markdown(rows, answered, options.named))
    print("\ngoals missed: " + ("; ".join(goals) or "none"))
    if "page" in parts:
        report.into_page(options.page, report.markdown(rows, answered, options.named))
        options.figure.write_text(figure(report.panels(rows, answered, options.named)), encoding="utf-8")
    return 1 if goals and options.check else 0


def _told(found: Iterable[oracle.Scheduled], of: int) -> Iterator[oracle.Scheduled]:
    for number, one in enumerate(found, 1):
        if number % 500 == 0:
            print(f"oracle: {number} of {of}", file=sys.stderr, flush=True)
        yield one


def _first(questions: Sequence[PaperQuestion], limit: int | None) -> list[PaperQuestion]:
    """So many of each source."""
    sources = dict.fromkeys(question.source for question in questions)
    return [one for source in sources for one in [one for one in questions if one.source == source][:limit]]


def _ask(model: str, questions: Sequence[PaperQuestion], out: Path, minutes: float) -> None:
    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    asyncio.run(embedded.answered(resolve(model), questions, out, minutes=minutes, say=say))


def _oracle_rows(kept: Path) -> list[oracle.OracleRow]:
    if not kept.exists():
        return []
    found = json.loads(kept.read_text(encoding="utf-8"))
    return [oracle.OracleRow(**{**row, "setting": oracle.Setting(**row["setting"])}) for row in found]


def _answered(out: Path, questions: Sequence[PaperQuestion]) -> dict[str, Comparison]:
    """What was answered of each source, of the questions that every way was asked."""
    by_id = {question.id: question.source for question in questions}
    rows = embedded.kept_rows(out)
    whole = {row.id for row in rows if {other.way for other in rows if other.id == row.id} == set(embedded.KINDS)}
    found = {
        source: Comparison(tuple(row for row in rows if row.id in whole and by_id.get(row.id) == source))
        for source in dict.fromkeys(by_id.values())
    }
    return {source: comparison for source, comparison in found.items() if comparison.rows}


if __name__ == "__main__":
    sys.exit(main())
