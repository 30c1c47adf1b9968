"""Each release of llguidance, and lark, take the grammars of ten toolsets and accept the same plans: `make engines`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from grammar_samples import Sampler

from superscalar.plan.grammars.language import plan_rules
from support.ten_toolsets import SAMPLED, Sampled

SCRIPT = Path(__file__).parent.parent / "support" / "llguidance_matcher.py"
FOLDER = os.environ.get("SUPERSCALAR_LLGUIDANCE", "")
RELEASES = sorted(folder.name for folder in Path(FOLDER).iterdir() if folder.is_dir()) if FOLDER else []
SAMPLES = 20  # random plans of each toolset

if not RELEASES:
    pytest.skip("releases of llguidance are not installed: `make engines` does that", allow_module_level=True)

each_toolset = pytest.mark.parametrize("sampled", SAMPLED, ids=lambda sampled: sampled.name)


def random_plans(sampled: Sampled) -> list[str]:
    """Plans that the rules make, by chance."""
    rules = plan_rules(sampled.tools.signatures)
    return [Sampler(rules, Random(seed), depth=4 + seed % 7).text() for seed in range(SAMPLES)]


@pytest.mark.parametrize("release", RELEASES)
def test_each_release_of_llguidance_accepts_what_the_grammars_say(release: str) -> None:
    """What people write and what chance writes is accepted to the end, and nothing that is no plan."""
    texts = {one.name: (*one.right, *random_plans(one), *one.wrong) for one in SAMPLED}
    asked = json.dumps([[one.grammar.lark, texts[one.name]] for one in SAMPLED])
    environment = {**os.environ, "PYTHONPATH": str(Path(FOLDER, release))}
    told = subprocess.run(
        [sys.executable, SCRIPT],
        input=asked,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found = dict(zip(texts, json.loads(told.stdout), strict=True))
    wanted = {one.name: [True] * (len(one.right) + SAMPLES) + [False] * len(one.wrong) for one in SAMPLED}
    assert {name: _refused(texts[name], found[name]) for name in texts} == {
        name: _refused(texts[name], wanted[name]) for name in texts
    }


def _refused(texts: tuple[str, ...], accepted: list[bool] | str) -> list[str] | str:
    """The texts that were refused, or the error that there was with the grammar."""
    if isinstance(accepted, str):
        return accepted
    return [text for text, is_accepted in zip(texts, accepted, strict=True) if not is_accepted]


@each_toolset
def test_lark_accepts_what_the_grammars_say(sampled: Sampled) -> None:
    package = pytest.importorskip("lark", reason="needs the extra dev")
    parser = package.Lark(sampled.grammar.lark, parser="earley", lexer="dynamic")

    def accepts(text: str) -> bool:
        try:
            parser.parse(text)
        except package.exceptions.LarkError:
            return False
        return True

    assert [text for text in sampled.right if not accepts(text)] == []
    assert [text for text in sampled.wrong if accepts(text)] == []
