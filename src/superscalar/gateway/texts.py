"""What a client's model is told of a gateway: when to use it, and the language in a few lines.

Clients cut instructions, and some leave them out: those have at most 2,048 bytes, and stand in the description of
`run_plan` as well.
"""

from __future__ import annotations

from typing import Final

MOST_INSTRUCTIONS: Final = 2_048
"""Bytes."""

INSTRUCTIONS: Final = """\
Plans: one small program instead of many tool calls. Use run_plan for two or more calls, for a loop over results, and for results too large to read.
First list_tools(query) for what can be called; then run_plan(plan). A plan is a subset of Python:
- name = tool(arg=value) on each line; the last line is join(...) with what you need to see, also join(name=value).
- [f(x) for x in xs if x.n > 3], {k: f(k) for k in ks}, if/elif/else, for blocks, try around one assignment, a if c else b, f-strings.
- r.field, r["key"], r[0], xs[:5]; len, sum, min, max, sorted, round, str, int, float, zip, enumerate, range, and methods of str, list and dict; parse_json(text).
- There is no def, lambda, class, while, open or other library: call nothing but these functions and the tools that list_tools names. No await, no gather.
- Calls run in parallel by themselves as soon as their inputs are in; writes keep their order. Never batch by hand.
- A call that fails takes along only what uses it, and stands as an error in join. ok(xs) keeps the items that succeeded, default(x, 0) stands in for a failed x, first(2, xs) takes the first that succeed.
- Results stay here. Join only what you need, such as counts and parts: sum(len(t) for t in texts), text[:200].
- result("RUN", "NAME") is a value of an earlier run.
Example:
texts = [read_file(path=p).content for p in list_files(folder="notes")]
join(count=len(texts), long=[t[:80] for t in texts if len(t) > 500])
Example with a write, made only if the condition holds:
n = stock(item="bolt")
if n < 10:
    order(item="bolt", count=50)
join(n)
All mistakes of a plan are told before anything runs: mend it and send it again. If a reply says that a run waits for a person or goes on, call run_plan(resume="RUN"); never send its plan again."""
"""How to use the gateway, for a client that never heard of it."""

LIST_TOOLS: Final = (
    "The tools that plans can call, as Python signatures with the fields of what they return. With a query in a few "
    "words those that have to do with it; where there are few, always all."
)
CHECK_PLAN: Final = "Check a plan without running anything: what is wrong and how to mend it, or what it would call."
RUN_PLAN: Final = (
    INSTRUCTIONS
    + "\n\nGive one of: plan (its text), name (a reviewed plan), resume (the id of a run that waits or goes on). "
    "inputs: the values of the plan's inputs by name."
)
SAVE_PLAN: Final = (
    "Keep a plan for a person to review; once approved it is a tool of its own. What it is to be given it declares in "
    "its first lines: # input tickers: list[str]"
)
