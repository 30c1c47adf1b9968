"""`benchmarks/order.py`: what it measures, on graphs of our own; and its goals, on those of AsyncHow."""

from __future__ import annotations

import json

import pytest
from benchmarks.order import CAPS, ORDERS, graphs, measure, missed, plan_text, read_graph, summary, table

from support.depth import share
from support.shared_data import FOLDER

LONG_LAST = {
    "id": 7,
    "title": "two short ones stand before a long one",
    "durations": {"1": 2.0, "2": 2.0, "3": 4.0},
    "edges": [],
    "optimal": 4.0,
}
CHAIN = {
    "id": 8,
    "title": "the second comes last",
    "durations": {"1": 1.0, "2": 1.0, "3": 2.0},
    "edges": [["3", "2"], ["1", "3"]],
    "optimal": 4.0,
}


def test_a_graph_becomes_a_plan_in_which_each_step_stands_below_what_it_needs() -> None:
    assert plan_text(read_graph(CHAIN)) == "s1 = step_1([])\ns3 = step_3([s1])\ns2 = step_2([s3])\n"


def test_a_circle_is_refused() -> None:
    circle = {**CHAIN, "edges": [["1", "2"], ["2", "3"], ["3", "2"]]}
    with pytest.raises(ValueError, match="graph 8 goes round in a circle"):
        plan_text(read_graph(circle))


def test_the_bound_is_the_longer_of_the_critical_path_and_the_work_per_slot() -> None:
    graph = read_graph(LONG_LAST)
    assert (graph.shortest, graph.bound(2), graph.bound(1)) == (1_000.0, 1_000.0, 2_000.0)


def test_what_is_measured_are_the_orders_beside_the_bound() -> None:
    long_last, chain = measure([read_graph(LONG_LAST), read_graph(CHAIN)])
    assert long_last.is_shortest
    assert chain.is_shortest
    times = {order: long_last.ratio(2, order) for order in ORDERS}
    assert times == {"known": 1.0, "measured": 1.0, "unknown": 1.5, "first come": 1.5, "program order": 1.5}
    assert set(chain.capped[2].values()) == {1_000.0}
    found = summary([long_last, chain])
    assert found["caps"]["2"]["scarce"] == 1
    assert found["caps"]["2"]["beside"]["first come"]["known"] == {
        "better": 1,
        "equal": 1,
        "worse": 0,
        "mean_gain": pytest.approx(1 / 6),
        "best_gain": pytest.approx(1 / 3),
        "best_graph": 7,
        "worst_loss": 0.0,
        "worst_graph": None,
    }
    assert missed(found) == [  # five slots are enough for all three
        f"5 slots: {order} durations 1.0000, {base} 1.0000 on the mean"
        for base in ("first come", "program order")
        for order in ("known", "measured")
    ]
    assert "2 slots, time over lower bound; the order matters on 1 graphs" in table(found)
    json.dumps(found)


@pytest.mark.search
def test_on_asynchow_the_longest_path_first_is_better_than_other_orders() -> None:
    given = graphs()
    if given is None:
        pytest.skip(f"asynchow_dev.json is not in {FOLDER}; SUPERSCALAR_SHARED_DATA names another folder")
    assert len(given) == 799
    rows = measure(share(given, 6))
    assert [row.graph.id for row in rows if not row.is_shortest] == []
    assert all(row.ratio(slots, order) > 1 - 1e-9 for row in rows for slots in CAPS for order in ORDERS)
    assert missed(summary(rows)) == []
