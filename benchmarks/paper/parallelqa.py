"""ParallelQA: what has to be looked up and calculated to answer each question, written by hand.

A line is a question's number and its steps: things to look up, by their short names in `FIGURES`, and sums over them,
of which `$1` is the first. It ends with a sum, which is the answer, or with `least` or `most`: the thing whose sum is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.paper.figures import FIGURES, calculated

_GOLD: Final = """
1 mariana * 0.8; puerto * 1.2; least
2 cheetah * 1.2; falcon * 0.7; most
3 sahara * 0.7; kalahari * 3.5; most
4 yangtze * 0.85; mississippi * 1.2; least
5 everest * 0.9; kilimanjaro * 1.1; most
6 christ * 1.6; unity * 0.7; most
7 shanghai * 1.2; ostankino * 1.5; most
8 amazon * 0.65; congo_forest * 1.45; most
9 pacific / 1.5; indian * 2.5; most
10 vietnam * 0.9; thailand * 0.95; most
11 mariana * 1.15; puerto * 0.8; $1 - $2
12 everest * 2.5; burj * 3.5; $1 / $2
13 sahara * 1.1; sonoran * 0.95; $1 / $2
14 yangtze * 1.1; mississippi * 0.95; $1 / $2
15 everest * 1.02; kilimanjaro * 0.97; $1 - $2
16 christ * 1.05; unity * 0.9; $1 + $2
17 burj * 0.95; skytree * 1.07; $1 - $2
18 amazon * 0.85; black * 1.25; $1 / $2
19 atlantic * 1.1; arctic * 0.85; $1 / $2
20 vietnam * 1.1; japan * 0.95; $1 + $2
21 (texas + florida) * 1000000 / (texas_land + florida_land); california * 1000000 / california_land; abs($1 - $2)
22 mariana * 0.85; puerto * 1.25; sunda * 1.2; most
23 greyhound * 1.18; gazelle * 1.22; falcon * 0.85; least
24 sahara * 0.5; kalahari * 1.2; sonoran * 2.5; least
25 yangtze * 0.9; volga * 1.2; mekong * 0.85; most
26 kilimanjaro * 1.12; aconcagua * 0.85; elbert * 1.25; least
27 christ * 1.5; unity * 0.7; washington * 0.6; most
28 empire * 1.5; skytree * 1.3; cn * 1.4; least
29 amazon * 1.25; congo_forest * 0.85; australian * 1.35; least
30 arctic * 1.12; southern * 1.2; atlantic * 0.91; least
31 korea * 1.2; japan * 1.05; china * 1.1; least
32 mariana * 0.7; puerto * 1.3; sunda * 1.1; max($1, $2, $3) - min($1, $2, $3)
33 everest * 1.4; empire * 1.2; cn * 1.1; $1 / min($2, $3)
34 sahara * 1.05; arabian * 0.8; atacama * 2; max($1, $2, $3) / min($1, $2, $3)
35 mekong * 1.07; volga * 0.92; congo * 1.12; max($1, $2, $3) - min($1, $2, $3)
36 aconcagua * 1.05; k2 * 0.96; elbert * 1.1; max($1, $2, $3) / min($1, $2, $3)
37 washington * 1.15; motherland * 0.95; ushiku * 1.08; ($1 + $2 + $3) / 3
38 empire * 1.1; cn * 0.95; shanghai * 1.08; max($1, $2, $3) - min($1, $2, $3)
39 congo_forest * 0.88; borneo * 1.1; black * 2; max($1, $2, $3) / min($1, $2, $3)
40 pacific * 1.12; indian * 0.9; southern * 1.2; (max($1, $2, $3) + min($1, $2, $3)) / 2
41 thailand * 1.08; korea * 0.93; china * 1.03; ($1 + $2 + $3) / 3
42 abs(mariana - puerto); abs(puerto - sunda); min($1, $2)
43 mariana / puerto; sandwich / sunda; min($1, $2)
44 sahara / arabian; arabian / kalahari; min($1, $2)
45 yangtze / mekong; mekong / congo; max($1, $2)
46 abs(everest - k2); abs(aconcagua - kilimanjaro); min($1, $2)
47 unity / washington; ushiku / motherland; min($1, $2)
48 abs(burj - cn); abs(skytree - shanghai); max($1, $2)
49 amazon / congo_forest; congo_forest / borneo; max($1, $2)
50 (atlantic + indian) / 2; (arctic + southern) / 2; max($1, $2)
51 china / vietnam; japan / korea; min($1, $2)
52 (texas + florida) * 1000000 / (texas_land + florida_land); (california + michigan) * 1000000 / (california_land + michigan_land); max($1, $2)
53 mariana * 0.75; puerto * 1.15; sunda * 0.9; sandwich * 1.2; most
54 cheetah * 1.3; falcon * 0.85; ostrich * 1.2; greyhound * 1.18; most
55 sahara / 5; kalahari * 1.2; sonoran * 2.5; arabian * 1.5; least
56 yangtze * 0.9; mississippi * 1.22; volga * 1.05; mekong * 1.18; least
57 kilimanjaro * 1.35; aconcagua * 1.5; k2 * 0.8; elbert * 2; most
58 christ * 1.45; unity * 1.2; washington * 1.3; ushiku * 1.25; least
59 empire * 3; skytree * 2; cn * 4; ostankino * 5; least
60 amazon * 0.5; congo_forest * 0.9; australian * 1.3; borneo * 1.2; most
61 atlantic * 1.1; pacific * 0.95; indian * 1.2; arctic * 1.15; most
62 vietnam * 1.07; thailand * 0.92; korea * 1.05; japan * 0.95; most
63 mariana * 1.1; sandwich * 0.8; sunda * 0.95; peru; ($1 + $2 + $3 + $4) / 4
64 everest * 1.1; aconcagua * 0.85; skytree * 1.05; cn * 1.2; max($1, $2, $3, $4) / min($1, $2, $3, $4)
65 sahara * 0.85; sonoran * 1.25; arabian * 1.1; kalahari * 0.9; max($1, $2, $3, $4) / min($1, $2, $3, $4)
66 yangtze * 1.15; mississippi * 0.9; mekong * 1.05; volga * 0.88; max($1, $2, $3, $4) + min($1, $2, $3, $4)
67 everest * 0.99; kilimanjaro * 1.07; aconcagua * 0.97; k2 * 1.02; max($1, $2, $3, $4) / min($1, $2, $3, $4)
68 christ * 0.93; unity * 1.06; washington * 1.05; motherland * 0.9; (max($1, $2, $3, $4) + min($1, $2, $3, $4)) / 2
69 ostankino * 1.09; burj * 0.94; empire * 1.03; cn * 0.85; ($1 + $2 + $3 + $4) / 4
70 amazon * 0.9; congo_forest * 1.2; borneo * 0.85; black * 1.25; ($1 + $2 + $3 + $4) / 4
71 pacific * 1.15; atlantic * 0.9; arctic * 1.2; indian * 1.12; max($1, $2, $3, $4) / min($1, $2, $3, $4)
72 vietnam * 0.95; thailand * 1.09; japan * 1.06; korea * 0.96; $1 + $2 + $3 + $4
73 abs(mariana - puerto); abs(puerto - sunda); abs(sunda - sandwich); max($1, $2, $3)
74 mariana / sunda; puerto / peru; sandwich / sunda; max($1, $2, $3)
75 sahara / arabian; arabian / kalahari; kalahari / sonoran; max($1, $2, $3)
76 yangtze / mississippi; mississippi / volga; congo / volga; max($1, $2, $3)
77 abs(everest - elbert); abs(kilimanjaro - elbert); abs(k2 - aconcagua); max($1, $2, $3)
78 motherland / christ; washington / ushiku; unity / ushiku; min($1, $2, $3)
79 abs(empire - ostankino); abs(cn - shanghai); abs(skytree - burj); min($1, $2, $3)
80 congo_forest / borneo; borneo / black; amazon / congo_forest; max($1, $2, $3)
81 (pacific + southern) / 2; (indian + arctic) / 2; (atlantic + southern) / 2; min($1, $2, $3)
82 china / thailand; vietnam / korea; japan / thailand; max($1, $2, $3)
83 (texas + florida) * 1000000 / (texas_land + florida_land); (california + michigan) * 1000000 / (california_land + michigan_land); jersey * 1000000 / jersey_land; max($1, $2, $3)
84 peru * 1.1; mariana * 0.8; sandwich * 0.75; puerto * 1.3; sunda * 1.15; least
85 cheetah * 1.35; falcon / 4.5; greyhound * 1.15; ostrich * 1.35; gazelle * 0.8; most
86 sahara / 10; kalahari * 1.1; atacama * 3.5; sonoran * 2; arabian * 1.4; most
87 yangtze * 0.85; mississippi * 1.2; volga * 1.3; mekong * 1.25; congo * 1.1; most
88 everest * 0.9; kilimanjaro * 1.15; aconcagua * 1.3; k2 * 0.92; elbert * 1.2; most
89 christ * 2.5; unity * 0.75; washington * 0.6; motherland * 0.8; ushiku * 1.15; least
90 empire * 1.5; skytree * 1.2; cn * 1.3; ostankino * 1.4; burj * 1.25; most
91 amazon * 1.15; congo_forest * 0.9; australian * 1.3; borneo * 1.2; black * 200; least
92 atlantic * 1.12; pacific * 0.5; indian * 1.18; arctic * 1.1; southern * 1.15; most
93 vietnam * 1.07; thailand * 1.06; korea * 1.09; japan * 0.96; china * 1.01; most
94 mariana * 1.05; puerto * 1.1; sunda * 1.15; sandwich * 1.2; peru * 1.25; ($1 + $2 + $3 + $4 + $5) / 5
95 everest * 1.12; aconcagua * 0.82; skytree * 1.06; cn * 1.22; empire * 1.25; max($1, $2, $3, $4, $5) / min($1, $2, $3, $4, $5)
96 sahara * 1.05; sonoran * 1.1; arabian * 0.85; kalahari * 1.2; atacama * 2; $1 + $2 + $3 + $4 + $5
97 yangtze * 0.94; mississippi * 1.12; mekong * 1.09; volga * 0.95; congo * 1.1; ($1 + $2 + $3 + $4 + $5) / 5
98 everest * 1.03; kilimanjaro * 0.96; aconcagua * 1.06; k2 * 0.98; elbert * 1.08; ($1 + $2 + $3 + $4 + $5) / 5
99 christ * 0.9; unity * 1.04; washington * 0.97; motherland * 1.07; ushiku * 0.91; max($1, $2, $3, $4, $5) - min($1, $2, $3, $4, $5)
100 skytree * 1.04; ostankino * 0.98; shanghai * 1.05; cn * 1.07; empire * 1.06; ($1 + $2 + $3 + $4 + $5) / 5
101 amazon * 0.9; congo_forest * 1.12; australian * 1.15; borneo * 0.95; black * 3; $1 + $2 + $3 + $4 + $5
102 atlantic * 1.14; pacific * 0.88; indian * 1.11; arctic * 1.13; southern * 0.9; ($1 + $2 + $3 + $4 + $5) / 5
103 korea * 1.1; vietnam * 1.08; china * 0.98; thailand * 1.07; japan * 0.97; $1 + $2 + $3 + $4 + $5
104 abs(mariana - puerto); abs(puerto - sunda); abs(sunda - sandwich); abs(sandwich - peru); min($1, $2, $3, $4)
105 mariana / puerto; peru / sunda; mariana / sandwich; puerto / sunda; max($1, $2, $3, $4)
106 sahara / arabian; arabian / kalahari; kalahari / sonoran; sonoran / atacama; max($1, $2, $3, $4)
107 yangtze / mekong; mekong / mississippi; mississippi / volga; congo / volga; min($1, $2, $3, $4)
108 abs(everest - kilimanjaro); abs(aconcagua - elbert); abs(k2 - elbert); abs(kilimanjaro - aconcagua); max($1, $2, $3, $4)
109 unity / washington; washington / ushiku; ushiku / motherland; motherland / christ; min($1, $2, $3, $4)
110 abs(burj - empire); abs(cn - ostankino); abs(shanghai - skytree); abs(ostankino - empire); max($1, $2, $3, $4)
111 amazon / congo_forest; congo_forest / australian; australian / borneo; borneo / black; min($1, $2, $3, $4)
112 (pacific + arctic) / 2; (indian + southern) / 2; (atlantic + indian) / 2; (arctic + southern) / 2; max($1, $2, $3, $4)
113 china / japan; thailand / korea; vietnam / thailand; japan / vietnam; min($1, $2, $3, $4)
"""  # noqa: E501 -- a question is a line

_NAME: Final = re.compile(r"\b(?!(?:min|max|abs)\b)[a-z][a-z0-9_]*\b")


@dataclass(frozen=True)
class Worked:
    """How one question is answered: `things` to look up, `sums` with `{name}` for each value, and the `answer`."""

    things: tuple[str, ...]
    sums: tuple[tuple[str, str], ...]
    answer: str

    @property
    def compared(self) -> tuple[str, ...]:
        """What the answer is read from: the last sum, or all that is compared."""
        used = {name for _, text in self.sums for name in re.findall(r"{(\w+)}", text)}
        return tuple(name for name in (*self.things, *(name for name, _ in self.sums)) if name not in used)


def worked(number: str) -> Worked:
    """The steps of the question with this number, and what they come to with our figures."""
    return _worked(_LINES[number])


def _worked(line: str) -> Worked:
    *texts, last = (part.strip() for part in line.split(";"))
    choice = last if last in ("least", "most") else ""
    if not choice:
        texts.append(last)
    things = tuple(dict.fromkeys(name for text in texts for name in _NAME.findall(text)))
    values = {thing: FIGURES[thing][2] for thing in things}
    parts: list[str] = []  # the name of each step
    sums: list[tuple[str, str]] = []
    for text in texts:
        if text in things:
            parts.append(text)
            continue
        formula = _NAME.sub(lambda found: f"{{{found[0]}}}", text)
        formula = re.sub(r"\$(\d+)", lambda found: f"{{{parts[int(found[1]) - 1]}}}", formula)
        name = f"s{len(parts) + 1}"
        sums.append((name, formula))
        values[name] = calculated(formula.format(**values))
        parts.append(name)
    return Worked(things, tuple(sums), _answer(choice, texts, parts, values))


def _answer(choice: str, texts: Sequence[str], parts: Sequence[str], values: dict[str, float]) -> str:
    if not choice:
        return f"{values[parts[-1]]:.10g}"
    chosen = (min if choice == "least" else max)(range(len(parts)), key=lambda at: values[parts[at]])
    return FIGURES[_NAME.findall(texts[chosen])[0]][0]


_LINES: Final = dict(line.split(" ", 1) for line in _GOLD.strip().splitlines())
