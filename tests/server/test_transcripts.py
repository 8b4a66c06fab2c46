"""Every transcript, played in every way of cutting what the client sends, has the same outcome."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .dialogue import Client, configured, pieces_of

FOLDER = Path(__file__).parent.parent / "transcripts"
FILES = sorted(FOLDER.glob("*/*.smtp"))


@dataclass
class Step:
    """What the client does, and the lines that answer it."""

    sent: bytes = b""
    wait: float = 0.0
    tls: bool = False
    answers: list[str] = field(default_factory=list)


def settings(text: str) -> dict[str, str]:
    """Give the settings of the server from the head of a transcript: `#: key=value …`."""
    words = [w for line in text.split("\n") if line.startswith("#:") for w in line[2:].split()]
    return dict(word.split("=", 1) for word in words)


def steps(text: str) -> Iterator[Step]:
    """Give the steps of a transcript in turn."""
    step = Step()
    for line in text.split("\n"):
        if line.startswith("#") or not line:
            continue
        mark, _, rest = line.partition(" ")
        waits = mark == "===" and rest.startswith("wait ")
        tls = line == "=== tls"
        if (step.answers and mark in ("C:", "C+")) or ((waits or tls) and step != Step()):
            yield step
            step = Step()
        match mark:
            case "C:":
                step.sent += repeated(rest).encode() + b"\r\n"
            case "C+":
                step.sent += codecs.decode(repeated(rest), "unicode_escape").encode("latin-1")
            case "S:":
                step.answers.append(rest)
            case "===" if waits:
                step.wait = float(rest.split()[1])
            case "===" if tls:
                step.tls = True
            case "===":
                step.answers.append(rest.upper())
            case _:
                pytest.fail(f"a transcript has the line {line!r}")
    yield step


def repeated(text: str) -> str:
    """Put `{{x*3}}` in full."""
    return re.sub(r"\{\{(.*?)\*(\d+)\}\}", lambda m: m[1] * int(m[2]), text)


def compare(got: list[str], wanted: list[str]) -> None:
    """Hold lines against those wanted, of which one `*` stands for any number of lines."""
    if "*" in wanted:
        before, after = wanted[: wanted.index("*")], wanted[wanted.index("*") + 1 :]
        assert len(got) >= len(before) + len(after), (got, wanted)
        got = got[: len(before)] + got[len(got) - len(after) :]
        wanted = before + after
    assert len(got) == len(wanted), (got, wanted)
    for have, want in zip(got, wanted, strict=True):
        assert matches(have, want), (have, want)


def matches(have: str, want: str) -> bool:
    return have.startswith(want[:-1]) if want.endswith("…") else have == want


@pytest.mark.parametrize("cut", ["whole", "halves", "octets", "hasty octets"])
@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_a_transcript_goes_as_written(file: Path, cut: str, tmp_path: Path) -> None:
    text = file.read_text("utf-8")
    wanted = settings(text)
    messages = wanted.pop("kept", None)
    server = configured(tmp_path, wanted)

    async def talk(client: Client) -> None:
        for step in steps(text):
            if step.wait:
                await client.wait(step.wait)
            if step.tls:
                await client.begin_tls()
            if step.sent:
                pieces = pieces_of(step.sent, cut.removeprefix("hasty "))
                await client.send(*pieces, hasty=cut.startswith("hasty"))
            got = client.take()
            compare(got, step.answers)

    server.play(talk)
    if messages is not None:
        assert len(server.store.messages) == int(messages)
    assert server.site.connections == 0
    assert server.site.held == 0
    assert not list(tmp_path.iterdir()) or server.store.messages
