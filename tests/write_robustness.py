"""Write docs/robustness.md from what the commands say to every bad input; a test compares them."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from bad_input import CASES, Bad
from click.testing import CliRunner

TARGET = Path(__file__).resolve().parents[1] / "docs" / "robustness.md"
HEAD = (Path(__file__).parent / "robustness_head.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Seen:
    """What a user sees of a case, and what it leaves behind."""

    case: Bad
    code: int
    said: str
    left: tuple[str, ...]
    written: bool


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def see(case: Bad, folder: Path) -> Seen:
    """Run one case in an empty folder."""
    (entry,) = entry_points(group="console_scripts", name="brainsim")
    with inside(folder):
        case.make()
        before = {path: path.stat().st_mtime_ns for path in Path().iterdir()}
        result = CliRunner().invoke(entry.load(), list(case.command))
        left = tuple(str(p) for p in Path().iterdir() if p not in before or p.stat().st_mtime_ns != before[p])
    out = case.command[-1]
    said = result.stderr.strip().replace(f"{folder.resolve()}/", "")
    return Seen(case, result.exit_code, said, tuple(p for p in left if p != out), out in left)


def row(seen: Seen) -> str:
    """Lay a case out as a row of the table."""
    said = seen.said.removeprefix("brainsim: ")
    if seen.case.library:
        said = re.sub(r"\(.*\)(?=;)", "(…)", said)
    cells = (seen.case.title, " ".join(seen.case.command), said.replace("\n", "<br>") or "nothing")
    return "| " + " | ".join(escaped(cell) for cell in cells) + " |"


def escaped(text: str) -> str:
    """Return text that stays in its cell and runs nothing."""
    text = text.replace("<br>", "\n").replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return text.replace("\n", "<br>")


def page(outcomes: list[Seen]) -> str:
    """Return the text of docs/robustness.md."""
    refused = sum(seen.code == 1 for seen in outcomes)
    parts = [HEAD.format(number=len(outcomes), refused=refused, taken=len(outcomes) - refused)]
    for section in dict.fromkeys(case.section for case in CASES):
        parts.append(f"\n## {section}\n\n| input | `brainsim ...` | what the user sees |\n|---|---|---|")
        parts += [row(seen) for seen in outcomes if seen.case.section == section]
    return "\n".join(parts).replace("\n\n\n", "\n\n") + "\n"


def outcomes() -> list[Seen]:
    """Run every case."""
    found = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            found.append(see(case, Path(folder)))
    return found


if __name__ == "__main__":
    TARGET.write_text(page(outcomes()), encoding="utf-8")
    print(TARGET)
