"""The kept corpus: one file a target, one input a line, as a Python bytes literal without quotes.

A line can be read, and a finding becomes a regression by adding its line. `#` begins a remark.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE / "corpus"
DICTIONARY = HERE / "smtp.dict"
_MARK = "# chosen by a merge, for the places that they reach\n"

Target = Callable[[bytes], None]


def names() -> list[str]:
    """Give the names of all targets."""
    return sorted(file.stem for file in (HERE / "targets").glob("*.py"))


def target(name: str) -> Target:
    """Give a target: a function that takes octets, and raises where something is wrong."""
    one: Target = importlib.import_module(f"tests.fuzz.targets.{name}").one
    return one


def to_line(octets: bytes) -> str:
    """Write an input as a line."""
    text = octets.decode("latin-1").encode("unicode_escape").decode("ascii")
    if text[:1] in ("#", " "):
        text = f"\\x{ord(text[0]):x}{text[1:]}"
    return text[:-1] + "\\x20" if text.endswith(" ") else text


def from_line(line: str) -> bytes:
    """Read an input from its line."""
    return line.encode("ascii").decode("unicode_escape").encode("latin-1")


def inputs(name: str) -> list[bytes]:
    """Give what is kept for a target."""
    file = FOLDER / f"{name}.txt"
    if not file.exists():
        return []
    lines = file.read_text("ascii").split("\n")
    return [from_line(line) for line in lines if line and not line.startswith("#")]


def write(name: str, merged: Iterable[bytes]) -> None:
    """Keep what a merge has chosen; what somebody wrote above its mark stays as it is."""
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{name}.txt"
    before = file.read_text("ascii") if file.exists() else _MARK
    by_hand, _, _ = before.partition(_MARK)
    lines = {to_line(octets) for octets in merged if octets} - set(by_hand.split("\n"))
    chosen = "".join(f"{line}\n" for line in sorted(lines, key=lambda li: (len(li), li)))
    file.write_text(f"{by_hand}{_MARK}{chosen}", "ascii")
