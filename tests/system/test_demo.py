"""The tour runs to its end in both languages, shows what it promises, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ulak.cli.demo.scene import TEXTS
from ulak.cli.output import columns
from ulak.language import LANGUAGES
from ulak.replies import texts

pytestmark = pytest.mark.slow

STEPS = ["vrfy", "listed", "malformed", "delivered", "deferred", "bounced"]
MARK = "ULAK_TEST_OF_DEMO"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "ulak", "demo", *words]


def environment(folder: Path) -> Mapping[str, str]:
    """Give one that its processes can be known by, with a folder for temporary files."""
    return {**os.environ, MARK: str(folder), "TMPDIR": str(folder), "COLUMNS": "80"}


def ran(folder: Path, *words: str, seconds: float = 90) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=seconds,
        env=environment(folder),
    )


def left(folder: Path) -> Iterator[int]:
    """Give the processes that were started from there and still run."""
    wanted = f"{MARK}={folder}".encode()
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and wanted in (process / "environ").read_bytes():
                yield int(process.name)
        except OSError:
            continue


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_person_sees_every_step_with_its_explanation(tmp_path: Path, language: str) -> None:
    done = ran(tmp_path, "--lang", language)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-3000:] + done.stderr
    # Lines are broken to fit; what is looked for may be broken anywhere.
    told = " ".join(done.stdout.replace("│", " ").split())
    for step in STEPS:
        assert TEXTS.say(language, f"{step}.title") in told, step
        assert TEXTS.say(language, f"{step}.tag") in told, step
    for line in (
        "S: 252 2.5.0 ",
        "S: 554 5.7.1 No mail is taken from 127.0.0.66",
        "S: 503 5.5.1 ",
        "S: 554 5.6.0 ",
        "S: 451 4.7.1 ",
        "550 5.1.1 ",
        "TLSv1.",
        "Received: from client.example ([127.0.0.1])",
    ):
        assert line in told, line
    for cause in ("vrfy-withheld", "listed-by-dnsbl", "several-from", "message-queued"):
        assert texts.cause(cause, language).title in told, cause
    assert texts.cause("no-such-mailbox", language).fix_sender[0] in told  # in the bounce
    assert "✗" not in told
    # A dialogue stands as it was held; all else fits.
    lines = [line for line in done.stdout.split("\n") if not re.search(r"  [CS]: ", line)]
    assert all(columns(line) <= 80 for line in lines)
    assert list(tmp_path.iterdir()) == []
    assert list(left(tmp_path)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_gets_one_object_for_each_step(tmp_path: Path, language: str) -> None:
    done = ran(tmp_path, "--json", "--lang", language)
    assert (done.returncode, done.stderr) == (0, "")
    steps = {found["step"]: found for found in map(json.loads, done.stdout.splitlines())}
    assert list(steps) == STEPS
    for found in steps.values():
        assert found["ok"], found
        assert all(check["ok"] for check in found["checks"])
        assert found["explanations"], found["step"]
    first = {name: found["explanations"][0] for name, found in steps.items()}
    codes = [first[name]["reply"]["code"] for name in STEPS]
    assert codes == [252, 554, 554, 250, 451, 550]
    assert first["listed"]["facts"]["ip"] == "127.0.0.66"
    assert first["vrfy"]["title"] == texts.cause("vrfy-withheld", language).title
    kinds = {name: [told["kind"] for told in found["journal"]] for name, found in steps.items()}
    assert kinds["delivered"] == ["delivered", "delivered"]
    assert kinds["deferred"] == ["deferred", "delivered"]
    quotes = {quote["name"]: quote["text"] for quote in steps["bounced"]["quotes"]}
    assert "eve@nobody.example" in quotes["bounce"]
    assert "550 5.1.1" in quotes["why"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_whoever_ends_it_early_finds_nothing_left(tmp_path: Path, number: int, code: int) -> None:
    # What is run in the background of a script ignores SIGINT, and so would its children.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        started = subprocess.Popen(
            command("--lang", "en"), stdout=subprocess.PIPE, text=True, env=environment(tmp_path)
        )
    finally:
        signal.signal(number, before)
    with started as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("2/6"):  # in the middle of things, and long before the end
                break
        assert len(list(left(tmp_path))) > 1
        process.send_signal(number)
        process.stdout.read()
        assert process.wait(30) == code
    assert list(left(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []
