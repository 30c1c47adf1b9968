"""What an attacker gets who writes into what the tools return: AgentDojo's four suites, and no model.

Each user task is solved once in a clean environment; a script writes the calls as a plan, in which an argument is a
reference if and only if its value occurs in an earlier output and not in the prompt (benchmarks/dojo/rewriting.py). The
plan then runs through the engine in environments in which somebody has written instructions. Where models would plan
again or extract, stand victims that do whatever anybody tells them: what they are not shown, and what the engine does
not let them do, is all that protects the user. AgentDojo itself judges whether the user's task is solved, and the
attacker's. The tools' terms (benchmarks/dojo/sinks.toml) were decided before anything was measured.

Pairs: each user task with each injection task that says which calls it wants; of the others nobody knows how to obey.

The first run installs AgentDojo into a cache folder; after that, nothing reaches out of this machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if sys.path and Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # run as a file, this one would be taken for AgentDojo

from benchmarks.dojo.declared import TERMS, changed, declared
from benchmarks.dojo.environment import default_cache, installed, run_again
from benchmarks.dojo.modes import MODES, POLICIES, SUITES

if TYPE_CHECKING:
    from benchmarks.dojo.suites import Suite

PLANS = Path(__file__).parent / "dojo" / "plans"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; with --check, fail where a goal is missed."""
    parser = argparse.ArgumentParser(
        prog="benchmarks/agentdojo.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--suite", nargs="+", default=list(SUITES), choices=list(SUITES))
    parser.add_argument("--mode", nargs="+", metavar="TEXT", help=f"those that begin so, of: {'; '.join(MODES)}")
    parser.add_argument("--policy", nargs="+", default=list(POLICIES), choices=list(POLICIES))
    parser.add_argument(
        "--terms",
        default="first",
        choices=TERMS,
        help="what is declared of the tools: as before anything was measured (dojo/sinks.toml), or with trust for "
        "single fields besides, which was learnt from that (dojo/fields.toml)",
    )
    parser.add_argument(
        "--control",
        default="none",
        choices=["none", "sinks"],
        help="whether what chose a destination counts like what is sent there: Policy(control=...)",
    )
    parser.add_argument("--strict", action="store_true", help="what names a thing of the user's own is a sink too")
    parser.add_argument(
        "--distrust", nargs="+", default=[], metavar="TOOL", help="nothing that these return is trusted"
    )
    parser.add_argument("--plans", action="store_true", help=f"write the plans into {PLANS.name}/, and run nothing")
    parser.add_argument(
        "--rows", type=Path, nargs="+", help="measure nothing: take what --json printed, suite by suite"
    )
    parser.add_argument("--json", action="store_true", help="print every result")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where AgentDojo is installed")
    options = parser.parse_args(arguments)
    modes = [mode for name, mode in MODES.items() if options.mode is None or name.startswith(tuple(options.mode))]
    if not modes:
        parser.error(f"no mode begins with {' or '.join(options.mode)}; there are: {'; '.join(MODES)}")
    if not installed():
        return run_again("benchmarks.agentdojo", list(sys.argv[1:] if arguments is None else arguments), options.cache)

    warnings.simplefilter("ignore")  # of AgentDojo's dependencies, about each other
    from benchmarks.dojo import measure, report
    from benchmarks.dojo.suites import VERSION, Suite

    if unknown := [name for name in options.distrust if name not in declared()]:
        parser.error(f"no such tool: {', '.join(unknown)}; there are: {', '.join(declared())}")
    suites = [Suite(name) for name in options.suite]
    if options.plans:
        write_plans(suites)
        return 0
    if options.rows:
        results = [result for file in options.rows for result in measure.read(json.loads(file.read_text()))]
        suites = [suite for suite in suites if suite.name in {result.suite for result in results}]
    else:
        terms = changed(options.terms, strict=options.strict, distrust=options.distrust)
        results = list(measure.everything(suites, modes, options.policy, terms, options.control, _progress))
        print(end="\n", file=sys.stderr)
    if options.json:
        about = {
            "version": VERSION,
            "terms": options.terms,
            "strict": options.strict,
            "control": options.control,
            "distrust": options.distrust,
            "missed": report.missed(results),
        }
        print(json.dumps(report.as_json(results, about), indent=1))
    else:
        print(f"AgentDojo {VERSION}: " + "; ".join(map(_counted, suites)) + "\n")
        print(report.in_markdown(results))
        print("\n".join(f"MISSED: {goal}" for goal in report.missed(results)) or "Every goal is met.")
    return 1 if options.check and report.missed(results) else 0


def write_plans(suites: Sequence[Suite]) -> None:
    """Write the plans of each suite into a file, as they are kept with the source."""
    from benchmarks.dojo.suites import golden

    PLANS.mkdir(exist_ok=True)
    for suite in suites:
        (PLANS / f"{suite.name}.txt").write_text(golden(suite.users))


def _counted(suite: Suite) -> str:
    writing = [user for user in suite.users if user.writes]
    taking = sum(user.takes for user in writing)
    pairs = len(suite.users) * len(suite.injections)
    return (
        f"{suite.name} {pairs} of {suite.all_pairs} pairs, {len(suite.users)} tasks, {len(writing)} of which write, "
        f"{taking} of these what an output said"
    )


def _progress(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{what[:79]:79}", end="", file=sys.stderr, flush=True)
    elif what.endswith(" alone"):
        print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
