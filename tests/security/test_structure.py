"""Labels follow structure that is known: what is our own stays so beside what is not, however both were put together.

Of what a stranger said beside it, whatever decides which item is taken, how many there are or in which order they come
counts, and nothing else.
"""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from superscalar import LLMCompiler, Sink, tool
from superscalar.testing import run

HEAD = "os = orders()\nss = [ship(o.id) for o in os]\n"


@tool(effect="read", trust="trusted")
def orders() -> list[dict[str, Any]]:
    """Our orders."""
    return [{"id": i, "line": [i, i + 10, i + 20]} for i in range(3)]


@tool(effect="read")
def ship(i: int) -> dict[str, Any]:
    """A carrier's word."""
    return {"state": "lost" if i == 1 else "ok", "id": i, "n": 1}


@tool(effect="write")
def refund(order: Annotated[Any, Sink]) -> str:
    """Refund."""
    return f"refunded {order}"


def is_made(lines: str) -> bool:
    """Whether all calls of a plan are made, behind the lines that read orders and what their carriers say of them."""
    agent = LLMCompiler(tools=[orders, ship, refund])
    outcomes = run(agent.execute(f"{HEAD}{lines}\njoin()\n"))
    kinds = {failure.kind for failure in outcomes.failures.values()}
    assert kinds <= {"denied", "items"}, outcomes.failures
    return not kinds


ADDED = {
    "a record": ("if o.id:\n        xs.append({'id': o.id, 's': s})", "x.id"),
    "behind what is left out": ("if o.id:\n        continue\n    xs.append((o.id, s))", "x[0]"),
    "a list of them": ("if o.id < 2:\n        xs += [(o.id, s)]", "x[0]"),
    "nothing at all": ("if o.id > 5:\n        xs.append((o.id, s))", "x[0]"),
}


@pytest.mark.parametrize(("added", "taken"), ADDED.values(), ids=ADDED)
def test_what_is_ours_stays_so_in_a_list_to_which_a_loop_adds_some(added: str, taken: str) -> None:
    loop = f"xs = []\nfor o, s in zip(os, ss):\n    {added}\n"
    assert is_made(f"{loop}r = [refund({taken}) for x in xs]")


@pytest.mark.parametrize(
    "lines",
    [
        # zip
        "r = [refund(o.id) for o, s in zip(os, ss) if s.state == 'lost']",
        "r = [refund(o.id) for s, o in zip(ss, os)]",
        "r = [refund(p[0].id) for p in zip(os, ss)]",
        "ps = list(zip(os, ss))\nr = refund(ps[1][0].id)",
        "ps = zip(os, ss, strict=True)\nr = [refund(o.id) for o, s in ps if s.state == 'lost']",
        "r = [refund(o.id) for o, s, t in zip(os, ss, ss) if s.n == t.n]",
        "for o, s in zip(os, ss):\n    if s.state == 'lost':\n        refund(o.id)",
        "ids = [o.id for o, s in zip(os, ss)]\nr = [refund(i) for i in ids]",
        "r = [refund(o.id) for (o, s), t in zip(zip(os, ss), ss) if t.state == 'lost']",
        "r = refund([o for o, s in zip(os, ss)][0].id)",
        "ps = [(o, s) for o, s in zip(os, ss)]\nfor p in ps:\n    if p[1].state == 'lost':\n        refund(p[0].id)",
        # pairs that are written out
        "d = dict([('ours', os[0].id), ('theirs', ss[0])])\nr = refund(d['ours'])",
        "d = dict([['theirs', ss[0]]], ours=os[0].id)\nr = refund(d.get('ours'))",
        # enumerate
        "r = [refund(os[i].id) for i, s in enumerate(ss) if s.state == 'lost']",
        "r = [refund(i) for i, s in enumerate(ss)]",
        "r = [refund(i) for i, s in enumerate(ss, 1) if s.state == 'lost']",
        "r = [refund(i) for i, s in enumerate(ss, start=os[0].id)]",
        "r = [refund(o.id) for i, (o, s) in enumerate(zip(os, ss)) if s.state == 'lost']",
        "r = [refund(i) for (i, s), o in zip(enumerate(ss), os)]",
        "es = enumerate(ss)\nr = refund(list(es)[1][0])",
        "for i, s in enumerate(ss):\n    if s.state == 'lost':\n        refund(os[i].id)",
        "is_ = [i for i, s in enumerate(ss)]\nr = [refund(i) for i in is_]",
        "r = refund(len([i for i, s in enumerate(ss)]))",
        "r = refund(max([i for i, s in enumerate(ss)]))",
        # mappings: keys, values, items
        "d = {o.id: ship(o.id) for o in os}\nr = [refund(i) for i in d if d[i].state == 'lost']",
        "d = {o.id: s for o, s in zip(os, ss)}\nr = [refund(i) for i, s in d.items() if s.state == 'lost']",
        "d = {o.id: s for o, s in zip(os, ss)}\nr = [refund(i) for i in d.keys() if d[i].state == 'lost']",
        "d = {o.id: (o, s) for o, s in zip(os, ss)}\nr = [refund(o.id) for o, s in d.values() if s.state == 'lost']",
        "d = dict(zip([o.id for o in os], ss))\nr = [refund(i) for i in sorted(d) if d[i].state == 'lost']",
        "d = {o.id: (o, ship(o.id)) for o in os}\nr = refund(d[1][0].id)",
        "d = {'ours': os[0], 'theirs': ss[0]}\nr = refund(d.get('ours').id)",
        "d = {'ours': os[0].id, 'theirs': ss[0].id}\nr = refund(list(d.values())[0])",
        "d = {'ours': os[0].id, 'theirs': ss[0].id}\nr = [refund(k) for k, v in d.items() if v]",
        "d = dict(ours=os[0].id, theirs=ss[0].id)\nr = refund(d['ours'])",
        "d = {**os[0], 'said': ss[0].state}\nr = refund(d.id)",
        "d = dict.fromkeys([o.id for o in os], ss[0].state)\nr = [refund(i) for i in d]",
        "d = {'said': ss[0].state} | {'id': os[0].id}\nr = refund(d['id'])",
        "d = {}\nfor o, s in zip(os, ss):\n    d[o.id] = s.state\nr = [refund(i) for i in d if d[i] == 'lost']",
        "d = {}\nfor o, s in zip(os, ss):\n    d.setdefault(o.id, []).append(s.state)\nr = [refund(i) for i in d]",
        "d = {}\nfor o, s in zip(os, ss):\n    d[o.id] = d.get(o.id, 0) + s.n\nr = [refund(i) for i in d]",
        "d = {'id': os[0].id}\nd['said'] = ss[0].state\nr = refund(d['id'])",
        "d = {'said': ss[0].state}\nd.update({'id': os[0].id})\nr = refund(d['id'])",
        "d = {o.id: s for o, s in zip(os, ss)}\nr = refund(max(d))",
        "d = {o.id: s for o, s in zip(os, ss)}\nr = refund(1 if os[0].id in d else 2)",
        # sums of lists, displays with stars, folds
        "xs = [os[0].id] + [ss[0].id]\nr = refund(xs[0])",
        "xs = [ss[0].id, *[os[0].id, os[1].id]] + [1]\nr = refund(xs[-1])",
        "xs = [ss[0].id, *(os[0].id, os[1].id)]\nr = refund(xs[2])",
        "xs = [ss[0].id]\nxs.append(os[1].id)\nr = refund(xs[1])",
        "xs = [ss[0].id]\nxs += [os[1].id]\nr = refund(xs[1])",
        "xs = [ss[0].id]\nxs.extend([os[1].id, 4])\nr = refund(xs[2])",
        "xs = [(o.id, s.id) for o, s in zip(os, ss)] + [(7, 'x')]\nr = [refund(i) for i, s in xs]",
        "xs = []\nfor o, s in zip(os, ss):\n    xs.append((o.id, s.n))\nr = [refund(i) for i, n in xs if n]",
        "xs = [(0, '')]\nfor o in os:\n    xs.append((o.id, ship(o.id)))\nr = [refund(i) for i, s in xs]",
        "xs = []\nfor o in os:\n    if o.id:\n        xs.append((o.id, ship(o.id)))\nr = [refund(i) for i, s in xs]",
        "xs = []\nfor o in os:\n    for n in o.line:\n        xs.append((n, ship(n)))\nr = [refund(i) for i, s in xs]",
        "xs = [(n, ship(n)) for o in os for n in o.line]\nr = [refund(i) for i, s in xs]",
        # unpacking
        "a, b = os[0].id, ss[0].id\nr = refund(a)",
        "a, *rest = [os[0].id, ss[0].id, ss[1].id]\nr = refund(a)",
        "*rest, a = [ss[0].id, ss[1].id, os[0].id]\nr = refund(a)",
        "a, *rest = [ss[0].id, os[0].id, os[1].id]\nr = [refund(i) for i in rest]",
        "a, *rest, b = [ss[0].id, os[0].id, os[1].id, ss[1].id]\nr = refund(rest[1])",
        "(a, b), c = (os[0].id, ss[0].id), ss[1].id\nr = refund(a)",
        "(a, *b), c = (ss[0].id, os[0].id), ss[1].id\nr = refund(b[0])",
        "p, q, s = zip(os, ss)\na, b = q\nr = refund(a.id)",
        "for (o, s), i in zip(zip(os, ss), range(3)):\n    if s.state == 'lost':\n        refund(o.id + i)",
        "a, b = {'x': ss[0].id, 'y': ss[1].id}\nr = refund(a)",
        "a, b = dict(x=os[0].id, y=ss[1].id).values()\nr = refund(a)",
        "a, b, c = [(o.id, s) for o, s in zip(os, ss)]\nr = refund(b[0])",
        # sorted, reversed, slices, next
        "ps = sorted(zip(os, ss), key=lambda p: p[0].id)\nr = refund(ps[0][0].id)",
        "r = [refund(o.id) for o, s in reversed(list(zip(os, ss))) if s.state == 'lost']",
        "r = refund(list(reversed([os[0].id, ss[0].id]))[1])",
        "r = refund([os[0].id, os[1].id, ss[0].id][:2][1])",
        "r = refund([os[0].id, ss[0].id, os[1].id][::2][-1])",
        "r = [refund(i) for i in [os[0].id, os[1].id, ss[0].id][:-1]]",
        "r = [refund(o.id) for o, s in list(zip(os, ss))[1:]]",
        "r = [refund(o.id) for o, s in list(zip(os, ss))[os[0].id:]]",
        "r = refund(tuple([os[0].id, ss[0].id])[0])",
        "r = refund(next(o.id for o, s in zip(os, ss)))",
        "r = refund(min(zip(os, ss), key=lambda p: p[0].id)[0].id)",
        "r = refund([p[0] for p in sorted(enumerate(ss), key=lambda p: -p[0])][0])",
    ],
)
def test_what_is_our_own_stays_so_beside_what_a_stranger_says(lines: str) -> None:
    assert is_made(lines)


@pytest.mark.parametrize(
    "lines",
    [
        # zip
        "r = [refund(s.id) for o, s in zip(os, ss)]",
        "r = [refund(p[1].id) for p in zip(os, ss)]",
        "r = refund([o for o, s in zip(os, ss) if s.state == 'lost'][0].id)",
        "ids = [o.id for o, s in zip(os, ss) if s.state == 'lost']\nr = refund(ids[0])",
        "r = [refund(o.id) for o, s in zip(os, ss[0].state)]\nt = refund(len(r))",
        "t = refund(len(list(zip(os, ss[0].state))))",
        "r = refund(list(zip(os, ss))[ss[0].id][0].id)",
        "r = [refund(o.id + s.id) for o, s in zip(os, ss)]",
        "r = refund(list(zip(os, ss))[1])",
        "r = refund(max(zip(os, ss), key=lambda p: p[1].id)[0].id)",
        "r = refund(list(zip(ss[0].state, os))[0][1].id)",
        # enumerate
        "r = [refund(s.id) for i, s in enumerate(ss)]",
        "r = refund([i for i, s in enumerate(ss) if s.state == 'lost'][0])",
        "r = [refund(i) for i, s in enumerate(ss, ss[0].id)]",
        "r = [refund(i) for i, s in enumerate(ss, start=ss[0].id)]",
        "r = refund(max([i for i, s in enumerate(ss[0].state)]))",
        "r = [refund(i) for i, c in enumerate(ss[0].state)]",
        "r = refund(list(enumerate(ss))[ss[1].id][0])",
        "r = refund(list(enumerate(ss))[1])",
        "r = refund(max(enumerate(ss), key=lambda p: p[1].id)[0])",
        "r = refund(sorted(enumerate(ss), key=lambda p: p[1].state)[0][0])",
        # mappings
        "d = {o.id: ship(o.id) for o in os}\nr = [refund(d[i].id) for i in d]",
        "d = {s.id: o for o, s in zip(os, ss)}\nr = [refund(i) for i in d]",
        "d = {str(o.id): 1 for o in os}\nd['the id'] = ss[0].id\nr = refund(d.the_id)",
        "d = {str(o.id): 1 for o in os} | {'class': ss[0].id}\nr = refund(d.class_)",
        "d = {str(o.id): 1 for o in os}\nfor s in ss:\n    d['2nd'] = s.id\nr = refund(d.n2nd)",
        "d = {s.id: o for o, s in zip(os, ss)}\nr = [refund(o.id) for o in d.values()]",
        "d = {s.id: o for o, s in zip(os, ss)}\nr = refund(d[1].id)",
        "d = {s.id: o.id for o, s in zip(os, ss)}\nr = refund(len(d))",
        "d = {o.id: s for o, s in zip(os, ss) if s.state == 'lost'}\nr = refund(max(d))",
        "d = {o.id: o for o in os}\nr = refund(d[ss[1].id].id)",
        "d = {o.id: o for o in os}\nr = refund(d.get(ss[1].id, os[0]).id)",
        "d = {o.id: o.id for o in os}\nr = refund(d.get(9, ss[1].id))",
        "d = {'a': os[0].id, ss[0].state: ss[1].id}\nr = refund(d['a'])",
        "d = {'a': os[0].id}\nd[ss[0].state] = 7\nr = refund(d['a'])",
        "d = {'a': os[0].id}\nd[ss[0].state] = 7\nr = refund(list(d)[0])",
        "d = {'a': os[0].id}\nd[os[1].id] = ss[0].id\nr = refund(d['a'])",
        "d = {}\nfor o, s in zip(os, ss):\n    d[s.state] = o.id\nr = refund(d['lost'])",
        "d = {}\nfor o, s in zip(os, ss):\n    if s.state == 'lost':\n        d[o.id] = 1\nr = refund(list(d)[0])",
        "d = {}\nfor o, s in zip(os, ss):\n    d.setdefault(s.state, []).append(o.id)\nr = refund(d['lost'][0])",
        "d = {}\nfor o, s in zip(os, ss):\n    d.setdefault(o.id, []).append(s.id)\nr = refund(d[1][0])",
        "d = {}\nfor o, s in zip(os, ss):\n    d[o.id] = d.get(o.id, 0) + s.n\nr = refund(d[1])",
        "d = {'id': os[0].id} | ss[0]\nr = refund(d['id'])",
        "d = {**ss[0], 'mine': os[0].id}\nr = refund(list(d)[0])",
        "d = {'id': os[0].id}\nd.update(ss[0])\nr = refund(d['id'])",
        "d = dict([(s.state, o.id) for o, s in zip(os, ss)])\nr = refund(d['lost'])",
        "d = dict.fromkeys([s.state for s in ss], 1)\nr = refund(list(d)[0])",
        "d = {s.state: 1 for s in ss}\nr = refund(1 if 'lost' in d else 2)",
        "d = {'a': 1}\nr = refund(1 if ss[0].state in d else 2)",
        "d = {o.id: s.id for o, s in zip(os, ss)}\nr = refund(max(d, key=d.get))",
        # sums of lists
        "xs = [os[0].id] + [ss[0].id]\nr = refund(xs[1])",
        "xs = [o.id for o in os] + [ss[0].id]\nr = [refund(i) for i in xs]",
        "xs = [i for i in [1, 2] if ss[0].id] + [os[0].id]\nr = refund(xs[0])",
        "xs = [1 for s in ss if s.state == 'lost'] + [os[0].id]\nr = refund(len(xs))",
        "xs = [*ss[0].state, os[0].id]\nr = refund(xs[-1])",
        "xs = [os[0].id]\nxs.append(ss[1].id)\nr = refund(xs[1])",
        "xs = []\nfor o, s in zip(os, ss):\n    if s.state == 'lost':\n        xs.append(o.id)\nr = refund(xs[0])",
        "xs = []\nfor o, s in zip(os, ss):\n    if s.state == 'lost':\n        xs.append(o.id)\nr = refund(len(xs))",
        "xs = []\nfor c in ss[0].state:\n    xs.append(os[0].id)\nr = refund(xs[0])",
        "xs = []\nfor o in os:\n    for c in ss[0].state:\n        xs.append(o.id)\nr = refund(xs[1])",
        "xs = [n for o in os for n in ship(o.id)]\nr = refund(xs[0])",
        "xs = []\nfor o, s in zip(os, ss):\n    if o:\n        xs += [s.id, o.id]\nr = refund((xs + [7])[2])",
        "xs = []\nfor o, s in zip(os, ss):\n    xs += [s.id, o.id]\nr = refund((xs + [7])[2])",
        "d = {}\nfor o, s in zip(os, ss):\n    d.setdefault(1, []).extend([s.id, o.id])\nr = refund((d[1] + [7])[2])",
        "d = {}\nfor s in ss:\n    d[s.state] = 1\n    d.setdefault(s.id, 2)\nr = refund(len(d))",
        "d = {1: [0], 2: [0]}\nfor s in ss:\n    d[1].append(s.id)\nr = refund(d[2][0])",
        "d = {1: [0]}\nfor s in ss:\n    d[1] += [s.id]\nr = refund((d[1] + [7])[1])",
        # unpacking
        "a, b = os[0].id, ss[0].id\nr = refund(b)",
        "a, *rest = [os[0].id, ss[0].id, ss[1].id]\nr = refund(rest[0])",
        "*rest, a = [os[0].id, ss[1].id, ss[0].id]\nr = refund(a)",
        "a, *rest, b = [os[0].id, ss[0].id, os[1].id, os[2].id]\nr = refund(rest)",
        "a, *rest = [i for i in [1, 2, 3] if i != ss[1].id]\nr = refund(rest[0])",
        "(a, b), c = (os[0].id, ss[0].id), os[1].id\nr = refund(b)",
        "(a, *b), c = (os[0].id, ss[0].id), os[1].id\nr = refund(b[0])",
        "p, q, s = zip(os, ss)\na, b = q\nr = refund(b.id)",
        "a, *rest = ss[0].state\nr = refund(a)",
        "a, b = {ss[0].state: 1, 'y': 2}\nr = refund(b)",
        "for (o, s), i in zip(zip(os, ss), range(3)):\n    refund(s.id)",
        "a, b, c = [(o.id, s.id) for o, s in zip(os, ss)]\nr = refund(b[1])",
        # sorted, reversed, slices, next
        "ps = sorted(zip(os, ss), key=lambda p: p[1].id)\nr = refund(ps[0][0].id)",
        "r = refund(sorted([(s.id, o.id) for o, s in zip(os, ss)])[0][1])",
        "r = refund(sorted([o.id for o in os], reverse=ss[0].id > 0)[0])",
        "r = refund([os[0].id, ss[0].id][::-1][0])",
        "r = refund([os[0].id, os[1].id, ss[0].id][ss[1].id:][0])",
        "r = refund(list(reversed([os[0].id, ss[0].id]))[0])",
        "r = refund([os[0].id, ss[0].id, os[1].id][1:][0])",
        "r = refund(next(o.id for o, s in zip(os, ss) if s.state == 'lost'))",
        "r = refund(next((i for i in [1, 2] if i > 5), ss[0].id))",
        "r = refund(min(zip(os, ss), key=lambda p: p[1].id)[0].id)",
        "r = refund([o.id for o in os][-ss[1].id])",
        "d = dict([('ours', os[0].id), ('ours', ss[0].id)])\nr = refund(d['ours'])",
        "d = dict([('ours', os[0].id), (ss[0].state, 7)])\nr = refund(d['ours'])",
        "d = dict([('ours', os[0].id)], ours=ss[0].id)\nr = refund(d['ours'])",
    ],
)
def test_what_a_stranger_says_or_decides_on_is_not_ours(lines: str) -> None:
    assert not is_made(lines)
