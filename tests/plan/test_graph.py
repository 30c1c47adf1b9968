"""Plans as Mermaid and DOT."""

from __future__ import annotations

from superscalar.plan.ir import Call, Compute, First, Guard, Join, Literal, Map, Need, Plan, Ref, Task
from superscalar.plan.print.graph import to_dot, to_mermaid

PLAN = Plan(
    (
        Task("urls", Call("search", (("q", Literal("x")),))),
        Task(
            "pages",
            Map(
                source="urls",
                item="pages[]:u",
                body=(Task("pages[]", Call("fetch", (("u", Ref("pages[]:u")),)), (Need("pages[]:u"),)),),
                result="pages[]",
                chained=("pages[]",),
            ),
            (Need("urls", "shape"),),
        ),
        Task("many", Compute(Ref("pages")), (Need("pages"), Need("pages", "item", 1))),
        Task("notify()", Call("notify", (), "write"), guards=(Guard("many", False),), after=("urls",)),
        Task("join", Join(((None, "many"),)), (Need("many", "outcome"),)),
    )
)


def test_mermaid_draws_values_guards_order_and_a_map_as_a_box() -> None:
    assert to_mermaid(PLAN) == (
        "flowchart TD\n"
        '    n0["urls<br/>search"]\n'
        '    subgraph m3["pages: for each item of urls"]\n'
        '        n1(["each item of urls"])\n'
        '        n2["pages[]<br/>fetch"]\n'
        '        n3("pages<br/>list of results")\n'
        "    end\n"
        '    n4("many")\n'
        '    n5["notify()<br/>notify (write)"]\n'
        '    n6[["join"]]\n'
        "    n0 --> n1\n"
        "    n1 --> n2\n"
        "    n2 --> n3\n"
        '    n2 -.->|"item by item"| n2\n'
        "    n3 --> n4\n"
        '    n4 -.->|"if not"| n5\n'
        "    n0 -.-> n5\n"
        "    n4 --> n6\n"
        "    linkStyle 3,6 stroke-dasharray:1 4\n"
        "    classDef write stroke-width:3px\n"
        "    class n5 write\n"
    )


def test_dot_draws_the_same_graph() -> None:
    assert to_dot(PLAN) == (
        "digraph plan {\n"
        '    node [shape=box, fontname="monospace", fontsize=10];\n'
        "    edge [fontsize=9];\n"
        '    n0 [label="urls\\nsearch"];\n'
        '    subgraph cluster_m3 { label="pages: for each item of urls"; style=rounded;\n'
        '        n1 [label="each item of urls", shape=ellipse];\n'
        '        n2 [label="pages[]\\nfetch"];\n'
        '        n3 [label="pages\\nlist of results", style=rounded];\n'
        "    }\n"
        '    n4 [label="many", style=rounded];\n'
        '    n5 [label="notify()\\nnotify (write)", penwidth=2.5];\n'
        '    n6 [label="join", peripheries=2];\n'
        "    n0 -> n1;\n"
        "    n1 -> n2;\n"
        "    n2 -> n3;\n"
        '    n2 -> n2 [style=dotted, arrowhead=open, label="item by item"];\n'
        "    n3 -> n4;\n"
        '    n4 -> n5 [style=dashed, label="if not"];\n'
        "    n0 -> n5 [style=dotted, arrowhead=open];\n"
        "    n4 -> n6;\n"
        "}\n"
    )


def test_what_means_something_to_mermaid_or_dot_is_escaped_in_labels() -> None:
    plan = Plan((Task('a"]; click n0 "<b>`#quot;\\', Call("t")),))
    assert 'n0["a#34;]#59; click n0 #34;#60;b#62;#96;#35;quot#59;#92;<br/>t"]' in to_mermaid(plan)
    assert 'n0 [label="a\\"]; click n0 \\"<b>`#quot;\\\\\\nt"];' in to_dot(plan)


def test_a_first_says_how_many_it_wants() -> None:
    plan = Plan((Task("xs", Call("t")), Task("best", First(Literal(2), "xs"), (Need("xs", "shape"),))))
    assert 'n1{{"best<br/>the first 2 to succeed"}}' in to_mermaid(plan)
    assert "n0 --> n1" in to_mermaid(plan)


def test_a_task_of_an_earlier_round_is_drawn_as_defined_elsewhere() -> None:
    plan = Plan((Task("b", Compute(Ref("a")), (Need("a"),)),))
    assert 'x1>"a<br/>defined elsewhere"]' in to_mermaid(plan)
    assert "x1 -> n0;" in to_dot(plan)


def test_what_a_body_needs_from_outside_is_drawn_where_it_is_used() -> None:
    body = (Task("m[]", Call("f", (("x", Ref("k")),)), (Need("k"),)),)
    plan = Plan(
        (
            Task("xs", Call("g")),
            Task("k", Call("g")),
            Task("m", Map("xs", "m[]:x", body, "m[]", keep=("m[]",)), (Need("xs", "shape"), Need("k"))),
        )
    )
    edges = [line.strip() for line in to_dot(plan).splitlines() if "->" in line]
    assert edges == ["n0 -> n2;", "n1 -> n3;", 'n3 -> n4 [label="if"];']
