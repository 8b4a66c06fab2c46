"""Smart hosts in a configuration: what does not go together is told, and no password is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from ulak import config
from ulak.app.client import sending_of
from ulak.config.show import Shown
from ulak.lab.certificate import authority
from ulak.smtp.sasl.client import Credentials

HOST = "smart.example.net:587"
SECRET = "tan5taaf"


def load(folder: Path, lines: str, host: str = HOST, hop: str = HOST) -> config.Config:
    file = folder / "ulak.toml"
    text = f'[route]\n"*" = "smtp:{hop}"\n[smarthost."{host}"]\n{lines}\n'
    file.write_text(f'[[listener]]\naddress = "127.0.0.1:0"\n{text}', "utf-8")
    return config.load(file)


def mistakes(folder: Path, lines: str, host: str = HOST) -> list[tuple[str, str]]:
    with pytest.raises(config.ConfigError) as caught:
        load(folder, lines, host)
    assert SECRET not in str(caught.value)
    assert SECRET not in "".join(m.sentence() for m in caught.value.mistakes)
    return [(mistake.key.rpartition(".")[2], mistake.text) for mistake in caught.value.mistakes]


def test_a_login_comes_into_the_carrier(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\nmore\n")
    for given in (f'password = "{SECRET}"', 'password_file = "secret"'):
        made = sending_of(load(tmp_path, f'username = "tim"\n{given}', "SMART.example.net:587"))
        demands = made.smarthosts["smart.example.net", 587]
        assert demands.required
        assert not demands.implicit
        assert demands.login is not None
        assert demands.login() == Credentials("tim", SECRET)
    (tmp_path / "secret").write_text("another\n")
    assert demands.login is not None
    assert demands.login().password == "another"


def test_an_address_may_be_a_smart_host_and_needs_no_login(tmp_path: Path) -> None:
    found = load(tmp_path, 'tls = "implicit"', "[2001:DB8::1]:465", "[2001:db8:0::1]:465")
    assert not found.warnings
    demands = sending_of(found).smarthosts["2001:db8::1", 465]
    assert demands.implicit
    assert demands.required
    assert demands.login is None


def test_opportunistic_tls_takes_any_certificate(tmp_path: Path) -> None:
    made = sending_of(load(tmp_path, 'tls = "opportunistic"\ntrust_unproven = true'))
    demands = made.smarthosts["smart.example.net", 587]
    assert not demands.required
    assert demands.trusted


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ('username = "tim"', ("username", "no-password")),
        (f'password = "{SECRET}"', ("password", "no-username")),
        (
            f'username = "tim"\npassword = "{SECRET}"\npassword_file = "full"',
            ("password_file", "two-passwords"),
        ),
        ('username = "tim"\npassword = ""', ("password", "no-secret")),
        ('username = "tim"\npassword = 5', ("password", "no-secret")),
        ('username = "tim"\npassword_file = "none"', ("password_file", "no-such-file")),
        ('username = "tim"\npassword_file = "empty"', ("password_file", "no-secret")),
        ('username = "tim"\npassword_file = "octets"', ("password_file", "no-secret")),
        ('ca = "full"', ("ca", "not-a-certificate")),
        ('tls = "verified"', ("tls", "not-a-choice")),
    ],
)
def test_what_does_not_go_together_is_told(
    tmp_path: Path, lines: str, found: tuple[str, str]
) -> None:
    (tmp_path / "full").write_text(SECRET)
    (tmp_path / "empty").write_text("\nsecond\n")
    (tmp_path / "octets").write_bytes(b"\xff\xfe\n")
    assert mistakes(tmp_path, lines) == [found]


@pytest.mark.parametrize("host", ["smart.example.net", "smart.example.net:0", "a b:25", "*:25"])
def test_a_smart_host_is_named_as_a_hop_names_it(tmp_path: Path, host: str) -> None:
    assert [text for _, text in mistakes(tmp_path, "", host)] == ["wrong-kind"]


def test_what_is_never_used_or_probably_not_meant_is_said(tmp_path: Path) -> None:
    found = load(tmp_path, "", "other.example.net:25")
    assert [w.text for w in found.warnings] == ["smart-host-unused"]
    found = load(tmp_path, "", "smart.example.net:465", "smart.example.net:465")
    assert [w.text for w in found.warnings] == ["smart-host-implicit"]


def test_authorities_of_ones_own_are_believed(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(authority().certificate)
    made = sending_of(load(tmp_path, 'ca = "ca.pem"'))
    tls = made.smarthosts["smart.example.net", 587].tls
    assert tls is not None
    assert [c["subject"] for c in tls.get_ca_certs()] == [((("commonName", "Lab"),),)]


def test_a_password_is_shown_nowhere(tmp_path: Path) -> None:
    found = load(tmp_path, f'username = "tim"\npassword = "{SECRET}"')
    shown = Shown(config.read(tmp_path / "ulak.toml"))
    assert 'password = "***"' in shown.text()
    made = sending_of(found)
    for text in (shown.text(), str(shown.values()), repr(found), str(found), repr(made)):
        assert SECRET not in text
