"""Plans and their parts as text and pictures."""

from __future__ import annotations

from superscalar.plan.ir import SHOWN, Plan


def _text(plan: Plan) -> str:
    from superscalar.plan.print.program import print_plan  # here, as for `_picture`: they import this package

    return print_plan(plan.tasks)


def _picture(plan: Plan) -> str:
    from superscalar.plan.print.picture import to_svg

    return to_svg(plan)


SHOWN["text"] = _text
SHOWN["picture"] = _picture
