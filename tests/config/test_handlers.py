"""What the configuration says of handlers."""

from __future__ import annotations

from pathlib import Path

import pytest

from ulak import config
from ulak.config import read
from ulak.config.show import Shown

HEAD = '[domains."example.org"]\nmailboxes = ["*"]\n'


def load(tmp_path: Path, text: str) -> config.Config:
    path = tmp_path / "ulak.toml"
    path.write_text(HEAD + text)
    return config.load(path)


@pytest.mark.parametrize(
    ("text", "argv", "url", "written"),
    [
        ('deliver = "pipe:/bin/cat"', ("/bin/cat",), "", 'deliver = "pipe:/bin/cat"'),
        (
            'deliver = ["/bin/cat", "-v", "-v"]',
            ("/bin/cat", "-v", "-v"),
            "",
            'deliver = ["/bin/cat", "-v", "-v"]',
        ),
        ('deliver = ["/bin/cat"]', ("/bin/cat",), "", 'deliver = "pipe:/bin/cat"'),
        (
            'deliver = "https://crm.example:8443/in?a=b"',
            (),
            "https://crm.example:8443/in?a=b",
            'deliver = "https://crm.example:8443/in?a=b"',
        ),
        ('deliver = "http://[::1]/"', (), "http://[::1]/", 'deliver = "http://[::1]/"'),
    ],
)
def test_a_handler_is_a_program_or_an_address_and_is_shown_as_it_is_read(
    tmp_path: Path, text: str, argv: tuple[str, ...], url: str, written: str
) -> None:
    found = load(tmp_path, text)
    hop = found.domains["example.org"].deliver
    assert (hop.argv, hop.url) == (argv, url)
    assert not [each for each in found.warnings if "domains" in each.key]
    shown = Shown(read(tmp_path / "ulak.toml")).text()
    assert written in shown
    (tmp_path / "again.toml").write_text(shown)
    assert config.load(tmp_path / "again.toml").domains == found.domains


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('deliver = "pipe:cat"', "not-a-hop"),
        ('deliver = "pipe:"', "not-a-hop"),
        ('deliver = ["cat", "-v"]', "program-path"),
        ("deliver = []", "wrong-kind"),
        ('deliver = "https://"', "not-a-hop"),
        ('deliver = "https://u:p@host/"', "not-a-hop"),
        ('deliver = "https://host/a b"', "not-a-hop"),
        ('deliver = "ftp://host/"', "not-a-hop"),
        ("handler = { timeout = 5 }", "handler-of-nothing"),
        ('deliver = "pipe:/bin/cat"\nhandler = { secret = "x" }', "handler-secret"),
        ('deliver = "https://host/"\nhandler = { secret = "none" }', "no-secret"),
        ('[route]\n"*" = "https://host/"', "not-a-hop"),
    ],
)
def test_what_is_no_handler_is_told(tmp_path: Path, text: str, mistake: str) -> None:
    with pytest.raises(config.ConfigError) as caught:
        load(tmp_path, text)
    assert mistake in {each.text for each in caught.value.mistakes}


def test_what_is_probably_not_meant_is_a_warning(tmp_path: Path) -> None:
    warned = load(tmp_path, 'deliver = "pipe:/none/of/this"').warnings
    assert "handler-missing" in {each.text for each in warned}
    warned = load(tmp_path, 'deliver = "http://crm.example/"').warnings
    assert "handler-in-clear" in {each.text for each in warned}
