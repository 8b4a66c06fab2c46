"""`ulak check address` says what a session would do, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ulak.cli import main

Capture = pytest.CaptureFixture[str]
CONFIG = """
hostname = "mx.example.org"
data = "data"
[domains."example.org"]
mailboxes = ["ada"]
aliases = { away = ["far@example.net"] }
moved = { old = "new@example.net" }
separator = "+"
detail_folder = "create"
catch_all = "ada@example.org"
roster = { kind = "file", path = "list" }
[domains."example.com"]
roster = { kind = "file", path = "none" }
deliver = "lmtp:localhost:24"
[forwarding]
srs = true
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "list").write_text("grace\ncrew: grace, far@example.net\n")
    path = tmp_path / "ulak.toml"
    path.write_text(CONFIG)
    return path


def run(file: Path, *words: str) -> int:
    given = ["check", "address", *words, "--config", str(file)]
    return main.main(given, standalone_mode=False)


@pytest.mark.parametrize(
    ("address", "code", "told"),
    [
        ("ada@example.org", 0, "The configuration names the mailbox. ada@example.org: into "),
        ("ada+x@example.org", 0, "“x”, is a detail"),
        ("grace@example.org", 0, "The roster of the domain has the mailbox."),
        ("crew@example.org", 0, "The roster of the domain has the alias crew@example.org."),
        ("away@example.org", 0, "far@example.net: on by mx"),
        ("nobody@example.org", 0, "the catch-all of the domain gets what nobody has"),
        ("old@example.org", 1, "has moved to new@example.net"),
        ("x@example.net", 1, "The domain is not one of this server's"),
        ("SRS0=AAAAAAAA=BB=example.net=x@example.org", 1, "none of its secrets fits"),
        ("eve@example.com", 1, "The roster of the domain gave no answer: [Errno 2]"),
        ("no address", 2, ""),
    ],
)
def test_who_gets_the_mail_and_why(
    file: Path, capsys: Capture, address: str, code: int, told: str
) -> None:
    assert run(file, address, "--lang", "en") == code
    assert told in " ".join(capsys.readouterr().out.split())
    assert not (file.parent / "data" / "srs.secret").exists()


def test_a_report_has_no_catch_all_and_programs_get_json(file: Path, capsys: Capture) -> None:
    assert run(file, "nobody@example.org", "--bounce", "--json") == 1
    assert json.loads(capsys.readouterr().out)["cause"] == "no-such-mailbox"
    (file.parent / "data").mkdir()
    (file.parent / "data" / "srs.secret").write_text("a-secret-of-many-letters\n")
    assert run(file, "away@example.org", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["members"][0]["sender"].endswith("=example.net=sender@example.org")
    assert told["alias"] == "away@example.org"


def test_it_speaks_turkish_and_arabic(file: Path, capsys: Capture) -> None:
    assert run(file, "grace@example.org", "--lang", "tr") == 0
    assert "adres defterinde var" in capsys.readouterr().out
    assert run(file, "grace@example.org", "--lang", "ar") == 0
    assert "دليل عناوين النطاق" in capsys.readouterr().out
