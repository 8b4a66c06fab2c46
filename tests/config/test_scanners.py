"""Settings of scanners: what goes together, and what is told where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ulak import config
from ulak.app.scanners import scanners_of
from ulak.config.settings import Config
from ulak.config.show import Shown
from ulak.policy.content import Action, Rules, Scores
from ulak.server.scanners.exchange import Place

LISTENER = '[[listener]]\naddress = "127.0.0.1:0"\n'


def loaded(folder: Path, text: str) -> Config:
    path = folder / "ulak.toml"
    path.write_text(f'data = "data"\n{LISTENER}{text}')
    return config.load(path)


def mistakes(folder: Path, text: str) -> list[tuple[str, str]]:
    with pytest.raises(config.ConfigError) as caught:
        loaded(folder, text)
    return [(mistake.key, mistake.text) for mistake in caught.value.mistakes]


def test_little_has_to_be_said(tmp_path: Path) -> None:
    made = loaded(
        tmp_path,
        '[[scanner]]\nkind = "rspamd"\naddress = "127.0.0.1:11333"\n'
        '[[scanner]]\nkind = "clamd"\naddress = "unix:clamd.sock"\n',
    )
    rspamd, clamd = made.scanners
    assert rspamd.called == "rspamd"
    assert str(rspamd.address) == "127.0.0.1:11333"
    assert clamd.address.path == str(tmp_path / "clamd.sock")
    assert (clamd.on_error, clamd.too_large, clamd.scans) == ("defer", "accept", ("strangers",))


def test_everything_that_is_said_arrives_at_the_scanner(tmp_path: Path) -> None:
    made = loaded(
        tmp_path,
        '[[scanner]]\nname = "spam-1"\nkind = "rspamd"\naddress = "spam.example.org:11333"\n'
        'password = "secret"\nscans = ["accounts", "lmtp"]\nspam = "quarantine"\n'
        'suspect = "none"\ngreylist = "defer"\nsoft_reject = "refuse"\nmark_from = 4\n'
        'quarantine_from = 6.5\nrefuse_from = 12\non_error = "accept"\ntoo_large = "refuse"\n'
        'max_size = "1MB"\ntimeout = "5s"\nconnections = 3\n',
    )
    scanners = scanners_of(made)
    assert scanners is not None
    (engaged,) = scanners._engaged
    assert engaged.whose == {"accounts", "lmtp"}
    assert engaged.rules == Rules(
        spam=Action.QUARANTINE,
        suspect=Action.NONE,
        greylist=Action.DEFER,
        later=Action.REFUSE,
        failed=Action.NONE,
        too_large=Action.REFUSE,
        scores=Scores(4.0, 6.5, 12.0),
    )
    scanner = engaged.scanner
    assert scanner.name == "spam-1"
    assert (scanner._timeout, scanner._max_size, scanner._connections) == (5.0, 1_000_000, 3)
    assert getattr(scanner._program, "place", None) == Place("spam.example.org", 11333)
    assert getattr(scanner._program, "_password", None) == "secret"


def test_by_default_what_is_not_known_is_put_off(tmp_path: Path) -> None:
    made = loaded(tmp_path, '[[scanner]]\nkind = "clamd"\naddress = "127.0.0.1:3310"\n')
    scanners = scanners_of(made)
    assert scanners is not None
    assert scanners._engaged[0].rules == Rules()
    assert Rules().failed is Action.DEFER


def test_without_scanners_there_is_nothing_to_load(tmp_path: Path) -> None:
    assert scanners_of(loaded(tmp_path, "")) is None


def test_the_password_is_not_shown(tmp_path: Path) -> None:
    text = '[[scanner]]\nkind = "rspamd"\naddress = "127.0.0.1:1"\npassword = "secret"\n'
    path = tmp_path / "ulak.toml"
    path.write_text(LISTENER + text)
    shown = Shown(config.read(path)).text()
    assert "***" in shown
    assert "secret" not in shown


RSPAMD = '[[scanner]]\nkind = "rspamd"\naddress = "127.0.0.1:1"\n'
CLAMD = '[[scanner]]\nkind = "clamd"\naddress = "127.0.0.1:1"\n'


@pytest.mark.parametrize(
    ("text", "key", "mistake"),
    [
        ('[[scanner]]\nkind = "rspamd"\n', "scanner[1].address", "missing"),
        ('[[scanner]]\naddress = "127.0.0.1:1"\n', "scanner[1].kind", "missing"),
        ('[[scanner]]\nkind = 1\naddress = "127.0.0.1:1"\n', "scanner[1].kind", "not-a-choice"),
        (
            '[[scanner]]\nkind = "clamd"\naddress = "localhost"\n',
            "scanner[1].address",
            "wrong-kind",
        ),
        (RSPAMD + 'name = "a b"\n', "scanner[1].name", "scanner-name"),
        (RSPAMD + 'name = "X\\r\\nY"\n', "scanner[1].name", "scanner-name"),
        (RSPAMD + RSPAMD, "scanner[2]", "scanner-twice"),
        (RSPAMD + 'virus = "mark"\n', "scanner[1].virus", "scanner-of-other-kind"),
        (CLAMD + 'spam = "mark"\n', "scanner[1].spam", "scanner-of-other-kind"),
        (CLAMD + 'password = "x"\n', "scanner[1].password", "scanner-of-other-kind"),
        (CLAMD + "mark_from = 1\n", "scanner[1].mark_from", "scanner-of-other-kind"),
        (CLAMD + 'on_error = "refuse"\n', "scanner[1].on_error", "not-a-choice"),
        (CLAMD + 'too_large = "defer"\n', "scanner[1].too_large", "not-a-choice"),
        (CLAMD + "scans = []\n", "scanner[1].scans", "list-empty"),
        (RSPAMD + "mark_from = 7\nrefuse_from = 7\n", "scanner[1].refuse_from", "scanner-scores"),
        (
            RSPAMD + "quarantine_from = 9\nrefuse_from = 7\n",
            "scanner[1].refuse_from",
            "scanner-scores",
        ),
        (CLAMD + 'timeout = "1h"\n', "scanner[1].timeout", "out-of-bounds"),
    ],
)
def test_what_does_not_go_together_is_told(
    tmp_path: Path, text: str, key: str, mistake: str
) -> None:
    assert mistakes(tmp_path, text) == [(key, mistake)]
