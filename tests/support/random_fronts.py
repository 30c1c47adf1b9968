"""Plans of the other front ends: right ones, odd ones and broken ones, to be read in any chunks."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

_WORDS = st.sampled_from(
    [
        "Paris",
        "Mount Everest",
        "What's up",
        "half of $1",
        "half of ${1}",
        "${2}.name",
        "${9}",
        "$1",
        "$2.name",
        "$1[0]",
        "$9",
        "$1.50",
        r"\$1",
        "$15 off",
        "é 🏔",
        "#E1",
        "C#",
    ]
)
_VALUES = st.recursive(
    st.one_of(
        _WORDS.map(json.dumps),
        _WORDS.map(repr),
        _WORDS,
        st.sampled_from(
            [
                "$1",
                "${2}",
                "$1.name",
                "$2[0]",
                "$7",
                "3",
                "-1.5",
                "true",
                "null",
                "None",
                "''",
                '"""a\nb"""',
                '"a\nb"',
                "f'{$1:>5}'",
            ]
        ),
        st.sampled_from(
            [
                "$1 + $2",
                "len($1)",
                "tool(1)",
                "send(1",
                "$1st",
                "f'{$1st}'",
                "#E1",
                "#E2.name",
                "1 2",
                "'a' b",
                "'it's'",
            ]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(_WORDS.map(json.dumps), inner), max_size=2).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        ),
    ),
    max_leaves=4,
)
_ARGUMENTS = st.lists(st.tuples(st.sampled_from(["", "", "", "query=", "x = "]), _VALUES).map("".join), max_size=3).map(
    ", ".join
)
_TOOLS = st.sampled_from(["search", "math", "tool", "my-tool", "send", "email", "nope", "join", "finish"])
_HEADS = st.sampled_from(
    ["{}. ", "{}. ", "{}) ", "  {}. ", "- {}. ", "${} = ", "* ", "", "#E{} = ", "Plan: so #E{} = "]
)
_BEHIND = st.sampled_from(["", "", "", " # why", " and so on", "<END_OF_PLAN>", ".name", " ) odd", " "])
_BETWEEN = st.sampled_from(
    ["Thought: think", "Plan: think", "```", "words (here)", "# note", "7. Then do that", "\\", "'"]
)


@st.composite
def _call(draw: Any, number: int) -> str:
    opening, closing = draw(st.sampled_from(["()", "()", "()", "[]", ("(", ""), (" (", ")")]))
    head, tool, arguments, behind = draw(_HEADS), draw(_TOOLS), draw(_ARGUMENTS), draw(_BEHIND)
    return f"{head.format(number)}{tool}{opening}{arguments}{closing}{behind}"


@st.composite
def call_plans(draw: Any) -> str:
    """Lines with calls as the papers write them, or nearly so."""
    lines: list[str] = []
    for number in range(1, draw(st.integers(1, 6))):
        if draw(st.integers(0, 4)) == 0:
            lines.append(draw(_BETWEEN))
        lines.append(draw(_call(draw(st.sampled_from([number, number, number, number + 1])))))
        lines.append(draw(st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", " "])))
    end: str = draw(st.sampled_from(["", "join()", "9. join($1)<END_OF_PLAN>\n"]))
    return "".join(lines) + end


_REFERENCES = st.fixed_dictionaries(
    {"$ref": st.sampled_from(["a", "b", "c", "zz", "a b"])},
    optional={"path": st.lists(st.sampled_from([0, -1, "name", "Exchange Rate", "_x", None, 1.5]), max_size=2)},
)
_DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | _WORDS | _REFERENCES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=3) | st.sampled_from(["x", "$x"]), inner, max_size=3),
        st.fixed_dictionaries({"$text": st.lists(st.text(max_size=3) | _REFERENCES, max_size=3)}),
        st.fixed_dictionaries({"$value": inner}),
    ),
    max_leaves=5,
)
_STEPS = st.fixed_dictionaries(
    {"tool": st.sampled_from(["search", "math", "tool", "my-tool", "send", "nope", 3])},
    optional={
        "id": st.sampled_from(["a", "b", "c", "d", "from", "1"]),
        "arguments": st.dictionaries(
            st.sampled_from(["query", "problem", "context", "x", "y", "to"]), _DATA, max_size=2
        ),
        "thought": st.text(max_size=5),
        "depends_on": st.just([]),
    },
)
_PLANS = st.fixed_dictionaries({"steps": st.lists(_STEPS | _DATA, max_size=5)}, optional={"join": _DATA, "more": _DATA})


@st.composite
def json_plans(draw: Any) -> str:
    """Plans in JSON, some of them damaged."""
    plan = draw(_PLANS)
    text = json.dumps(plan, indent=draw(st.sampled_from([None, 1])), ensure_ascii=draw(st.booleans()))
    if draw(st.integers(0, 3)) == 0:
        place, length = draw(st.integers(0, len(text))), draw(st.integers(0, 4))
        text = text[:place] + draw(st.text(st.sampled_from('"{}[],:\\\n\r x'), max_size=3)) + text[place + length :]
    before, after = draw(st.sampled_from([("", ""), ("", ""), ("Here:\n```json\n", "\n```\n"), ("so {\n", "x")]))
    return f"{before}{text}{after}"
