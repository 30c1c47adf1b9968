"""What a run is called in a few words."""

from __future__ import annotations

from superscalar import events as ev
from superscalar.observe.view import RunView
from superscalar.observe.wording import failures
from superscalar.plan.ir import Call, Task
from superscalar.values import Failure


def test_of_many_failures_the_first_are_said_and_the_rest_counted() -> None:
    view = RunView()
    for number in range(13):
        view.apply(ev.Planned(0.0, Task(f"c{number}", Call("t"))))
        view.apply(ev.Started(0.0, f"c{number}", "t", {}))
        view.apply(ev.Failed(1.0, f"c{number}", Failure("error", f"down {number}", "ServiceError")))
    assert list(failures(view)) == [
        *(f"failed: c{number}  ServiceError: down {number}" for number in range(10)),
        "failed: 3 more",
    ]
