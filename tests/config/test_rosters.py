"""What the configuration says of rosters, details, catch-alls and forwarding."""

from __future__ import annotations

from pathlib import Path

import pytest

from ulak import config
from ulak.config.reader import read
from ulak.config.show import Shown

HEAD = '[domains."example.org"]\n'


def load(tmp_path: Path, text: str) -> config.Config:
    path = tmp_path / "ulak.toml"
    path.write_text(text)
    return config.load(path)


def test_all_of_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("joan\n")
    found = load(
        tmp_path,
        HEAD
        + """
mailboxes = ["ada"]
aliases = { info = ["joan@example.org", "ada+team@example.org"] }
separator = "+"
detail_folder = "existing"
catch_all = "ada+rest@example.org"
roster = { kind = "file", path = "list", keep_in_trouble = "1d" }
[domains."example.com".roster]
kind = "command"
command = ["/usr/bin/has", "-v", "-v"]
give = "input"
[domains."example.net".roster]
kind = "sqlite"
path = "users.db"
query = "SELECT target FROM users WHERE name = :local"
[forwarding]
srs = true
domain = "srs.example.org"
secret = "secret"
max_age = "7d"
""",
    )
    domain = found.domains["example.org"]
    assert (domain.separator, domain.detail_folder) == ("+", "existing")
    assert domain.catch_all == "ada+rest@example.org"
    assert domain.roster is not None
    assert (domain.roster.path, domain.roster.keep_in_trouble) == (tmp_path / "list", 86_400)
    roster = found.domains["example.com"].roster
    assert roster is not None
    assert (roster.command, roster.give) == (("/usr/bin/has", "-v", "-v"), "input")
    assert found.forwarding.secret == tmp_path / "secret"
    assert [warning.key for warning in found.warnings if "roster" in warning.key] == [
        'domains."example.net".roster.path'
    ]


@pytest.mark.parametrize(
    ("text", "text_name"),
    [
        ('roster = { kind = "file" }', "roster-needs"),
        ('roster = { kind = "command" }', "roster-needs"),
        ('roster = { kind = "sqlite", path = "x" }', "roster-needs"),
        ('roster = { kind = "file", path = "x", query = "y" }', "roster-of-other-kind"),
        ('roster = { kind = "command", command = ["has"] }', "program-path"),
        ('roster = { kind = "command", command = [] }', "wrong-kind"),
        ('roster = { kind = "command", command = "/bin/has x" }', "wrong-kind"),
        ('roster = { kind = "postgresql", query = "SELECT 1" }', "roster-needs"),
        ('roster = { kind = "postgresql", database = "postgresql://a/b" }', "roster-needs"),
        ('roster = { kind = "postgresql", database = "mysql://a/b" }', "not-a-database"),
        ('roster = { kind = "postgresql", database = 3 }', "wrong-kind"),
        (
            'roster = { kind = "file", path = "x", database = "postgresql://a/b" }',
            "roster-of-other-kind",
        ),
        ('roster = { kind = "lmtp" }', "roster-needs"),
        ('roster = { kind = "smtp", address = "unix:lmtp.sock" }', "unix-without-lmtp"),
        ('roster = { kind = "lmtp", address = "localhost" }', "wrong-kind"),
        ('roster = { kind = "file", path = "x", tls = "required" }', "roster-of-other-kind"),
        ('roster = { kind = "lmtp", address = "unix:s", tls = "required" }', "roster-unix-tls"),
        ('roster = { kind = "lmtp", address = "[::1]:24", tls = "maybe" }', "not-a-choice"),
        ('roster = { kind = "smtp", address = "[::1]:24", ca = "none.pem" }', "no-such-file"),
        (
            'roster = { kind = "smtp", address = "[::1]:25" }\n[[listener]]\naddress = "[::1]:25"',
            "hop-to-itself",
        ),
        ('mailboxes = ["*"]\nroster = { kind = "file", path = "x" }', "everybody-and-more"),
        ('mailboxes = ["*"]\ncatch_all = "ada@example.net"', "everybody-and-more"),
        ('mailboxes = ["ada"]\ncatch_all = "eve@example.org"', "alias-to-nowhere"),
        ('mailboxes = ["ada"]\ndetail_folder = "create"', "folder-without-separator"),
        (
            'separator = "+"\ndetail_folder = "create"\ndeliver = "lmtp:localhost:24"',
            "folder-without-maildir",
        ),
        ('separator = "ab"', "not-a-choice"),
    ],
)
def test_what_does_not_go_together_is_told(tmp_path: Path, text: str, text_name: str) -> None:
    with pytest.raises(config.ConfigError) as caught:
        load(tmp_path, HEAD + text)
    assert text_name in {mistake.text for mistake in caught.value.mistakes}


def test_a_password_in_the_address_of_a_database_is_not_shown(tmp_path: Path) -> None:
    text = """
[domains."example.org".roster]
kind = "postgresql"
database = "postgresql://ulak:hush@db.example/mail?sslmode=verify-full"
query = "SELECT 1"
"""
    path = tmp_path / "ulak.toml"
    path.write_text(text)
    loaded = read(path)
    roster = loaded.config.domains["example.org"].roster
    assert roster is not None
    assert roster.database.startswith("postgresql://ulak:hush@")
    shown = Shown(loaded).text()
    assert "postgresql://ulak:***@db.example/mail" in shown
    assert "hush" not in shown
