"""The support agent at work, offline.

    python -m examples.support.demo [--gullible] [--model MODEL] [FILE]

Makes the shop's database in FILE (else in a folder that is removed again), has the tickets answered, and prints what
was refunded to which account, what the person at the desk was asked, and the replies. The model is a script unless
--model names one. With --gullible its plan pays whoever a ticket says: then the person is asked.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from examples.support.agent import QUESTION, support_agent
from examples.support.desk import Desk
from examples.support.script import ANSWER, GULLIBLE_PLAN, PLAN
from superscalar.testing import ScriptedModel


def main() -> None:
    """Answer the tickets and say what became of them."""
    parser = argparse.ArgumentParser(description="A support agent over an SQLite database.")
    parser.add_argument("file", nargs="?", type=Path, help="where the database is made; it must not exist")
    parser.add_argument("--gullible", action="store_true", help="the plan believes what tickets say of accounts")
    parser.add_argument("--model", help='"local" or "openai:NAME" instead of the script')
    options = parser.parse_args()
    model = options.model or ScriptedModel(GULLIBLE_PLAN if options.gullible else PLAN, ANSWER)
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(options.file or Path(folder, "shop.db"))
        result = support_agent(desk, model).run_sync(QUESTION)
        print(result.answer)
        for order, account in desk.refunds().items():
            print(f"refunded order {order} to {account}")
        print(f"asked a person about orders {', '.join(map(str, sorted(desk.asked))) or '(none)'}")
        for ticket, text in desk.replies().items():
            print(f"ticket {ticket}: {text}")
        for failure in result.outcomes.failures.values():
            print(f"not done: {failure}")


if __name__ == "__main__":
    main()
