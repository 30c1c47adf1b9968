"""What is asked of everybody: two jobs that are timed, and three in which something goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILES: Final = 20
CHARACTERS: Final = 1_000
"""How many each file has."""
TEXT: Final = "A line of a file. "


@dataclass(frozen=True, slots=True)
class Job:
    """One job, as each way of doing it has it.

    `query`: what a client looks for first. `plan`: for a gateway. `code`: lines for code modes, as a model writes them,
    one call after the other; `gathered`: where it thinks of `gather`. `calls`: one by one, where that can be told
    beforehand. `right`: what a good answer has in it. `written`: a file that must not be there.
    """

    name: str
    query: str
    plan: str
    code: str
    gathered: str = ""
    calls: tuple[tuple[str, dict[str, str]], ...] = ()
    right: tuple[str, ...] = ()
    written: Path | None = None


def prepare(folder: Path) -> None:
    """Write the files that are read."""
    for number in range(FILES):
        text = (f"{number}: " + TEXT * CHARACTERS)[:CHARACTERS]
        (folder / f"{number}.txt").write_text(text)
    (folder / "evil.txt").write_text(str(folder / "chosen.txt"))


def jobs(folder: Path) -> dict[str, Job]:
    """The jobs, in a folder that is prepared."""
    paths = [f"{folder}/{number}.txt" for number in range(FILES)]
    total = str(FILES * CHARACTERS)
    found = [
        Job(
            "reads",
            "read a text file",
            f'texts = [read_text_file(path=f"{folder}/{{n}}.txt").content for n in range({FILES})]\n'
            "join(files=len(texts), characters=sum(len(t) for t in texts))",
            "total = 0\n"
            f"for n in range({FILES}):\n"
            f'    text = await read_text_file(path=f"{folder}/{{n}}.txt")\n'
            '    total += len(text["content"])\n'
            f'{{"files": {FILES}, "characters": total}}',
            "import asyncio\n"
            "texts = await asyncio.gather(\n"
            f'    *[read_text_file(path=f"{folder}/{{n}}.txt") for n in range({FILES})]\n'
            ")\n"
            '{"files": len(texts), "characters": sum(len(text["content"]) for text in texts)}',
            tuple(("read_text_file", {"path": path}) for path in paths),
            (total,),
        ),
        Job(
            "two",
            "look up a word",
            'a = look_up(word="one")\nb = look_up(word="two")\njoin(a, b)',
            'a = await look_up(word="one")\nb = await look_up(word="two")\n[a, b]',
            'import asyncio\nfound = await asyncio.gather(look_up(word="one"), look_up(word="two"))\nfound',
            (("look_up", {"word": "one"}), ("look_up", {"word": "two"})),
            ("about one", "about two"),
        ),
        Job(
            "typo",
            "write a file",
            f'a = write_file(path="{folder}/typo.txt", content="x")\n'
            f'b = read_txt_file(path="{paths[0]}").content\njoin(a, b)',
            f'a = await write_file(path="{folder}/typo.txt", content="x")\n'
            f'b = await read_txt_file(path="{paths[0]}")\n[a, b]',
            written=folder / "typo.txt",
        ),
        Job(
            "half",
            "read a text file",
            f'a = read_text_file(path="{paths[0]}").content\n'
            f'b = read_text_file(path="{folder}/none.txt").content\njoin(a, b)',
            f'a = await read_text_file(path="{paths[0]}")\nb = await read_text_file(path="{folder}/none.txt")\n[a, b]',
            "import asyncio\n"
            "found = await asyncio.gather(\n"
            f'    read_text_file(path="{paths[0]}"), read_text_file(path="{folder}/none.txt")\n'
            ")\n"
            "found",
            right=(TEXT,),
        ),
        Job(
            "injected",
            "read and write files",
            f'said = read_text_file(path="{folder}/evil.txt").content\na = write_file(path=said, content="x")\njoin(a)',
            f'said = await read_text_file(path="{folder}/evil.txt")\n'
            'a = await write_file(path=said["content"], content="x")\na',
            written=folder / "chosen.txt",
        ),
    ]
    return {job.name: job for job in found}
