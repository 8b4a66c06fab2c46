"""Where the web listens, under which names, and what keeps the console from other people's eyes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ulak import config
from ulak.config.show import Shown
from ulak.config.values import SocketAddress
from ulak.lab.certificate import certificate


def loaded(folder: Path, text: str) -> config.Web:
    file = folder / "ulak.toml"
    file.write_text(text, "utf-8")
    found = config.load(file).web
    assert found is not None
    return found


def mistakes(folder: Path, text: str) -> list[tuple[str, str]]:
    file = folder / "ulak.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(config.ConfigError) as caught:
        config.load(file)
    return [(mistake.key, mistake.text) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("given", "found", "written"),
    [
        ('""', (), ""),
        ("[]", (), ""),
        ('"127.0.0.1:80"', (SocketAddress("127.0.0.1", 80),), "127.0.0.1:80"),
        (
            '["127.0.0.1:80", "[::1]:80"]',
            (SocketAddress("127.0.0.1", 80), SocketAddress("::1", 80)),
            ["127.0.0.1:80", "[::1]:80"],
        ),
    ],
)
def test_the_web_listens_at_one_address_or_several_or_none(
    tmp_path: Path, given: str, found: tuple[SocketAddress, ...], written: object
) -> None:
    file = tmp_path / "ulak.toml"
    file.write_text(f"[web]\naddress = {given}\n", "utf-8")
    read = config.read(file)
    assert read.config.web is not None
    assert read.config.web.addresses == found
    shown = Shown(read)
    web = shown.values()["web"]
    assert isinstance(web, dict)
    assert web["address"] == written
    file.write_text(shown.text(), "utf-8")
    assert config.load(file).web == read.config.web


def test_an_address_of_the_web_is_not_listened_on_by_anybody_else(tmp_path: Path) -> None:
    text = '[web]\naddress = ["127.0.0.1:80", "127.0.0.1:25"]\n'
    text += '[[listener]]\naddress = "127.0.0.1:25"\n'
    assert mistakes(tmp_path, text) == [("web.address", "listens-twice")]
    text = '[web]\naddress = ["127.0.0.1:80", "0.0.0.0:80"]\nconsole = false\n'
    assert mistakes(tmp_path, text) == [("web.address", "listens-twice")]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("https://MX.example.org/", "https://mx.example.org"),
        ("http://localhost:8025", "http://localhost:8025"),
        ("https://mx.example.org:443", "https://mx.example.org"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://192.0.2.1:80", "http://192.0.2.1"),
        ("", ""),
    ],
)
def test_a_site_has_an_address_in_one_form(tmp_path: Path, given: str, found: str) -> None:
    assert loaded(tmp_path, f'[web]\nbase = "{given}"\n').base == found


@pytest.mark.parametrize(
    "given",
    [
        "mx.example.org",
        "ftp://mx.example.org",
        "https://",
        "https://mx.example.org/mail",
        "https://ada@mx.example.org",
        "https://mx.example.org?x",
        "https://mx.example.org:0",
        "https://mx.example.org:port",
        "https://::1",
        "https:mx.example.org",
    ],
)
def test_what_is_no_address_of_a_site_is_told(tmp_path: Path, given: str) -> None:
    assert mistakes(tmp_path, f'[web]\nbase = "{given}"\n') == [("web.base", "wrong-kind")]


def test_hosts_are_names_or_addresses(tmp_path: Path) -> None:
    found = loaded(tmp_path, '[web]\nhosts = ["Mail.Example.org", "192.0.2.1", "[::1]"]\n')
    assert found.hosts == ("mail.example.org", "192.0.2.1", "::1")
    text = '[web]\nhosts = ["mail.example.org:80"]\n'
    assert mistakes(tmp_path, text) == [("web.hosts[1]", "wrong-kind")]


@pytest.mark.parametrize("address", ["0.0.0.0:80", "[::]:80", "192.0.2.1:80"])
def test_a_console_that_others_reach_needs_tls(tmp_path: Path, address: str) -> None:
    far = f'[web]\naddress = ["127.0.0.1:8025", "{address}"]\n'
    assert mistakes(tmp_path, far) == [("web.address", "console-in-clear")]
    assert mistakes(tmp_path, far + "console = true\n") == [("web.address", "console-in-clear")]
    assert not loaded(tmp_path, far + "console = false\n").console
    assert loaded(tmp_path, far + 'proxies = ["192.0.2.7"]\n').console
    chain, key = certificate("mx.example.org").write(tmp_path)
    assert loaded(tmp_path, f'{far}tls = {{ certificate = "{chain}", key = "{key}" }}\n').console


def test_a_console_on_this_machine_needs_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, '[web]\naddress = ["127.0.0.2:80", "[::1]:80"]\n').console


def test_files_of_the_web_are_looked_at_as_those_of_a_listener(tmp_path: Path) -> None:
    text = '[web]\ntls = { certificate = "nowhere.pem" }\n'
    assert mistakes(tmp_path, text) == [("web.tls.certificate", "no-such-file")]
    text = '[web]\ntls = { key = "nowhere.pem" }\n'
    assert mistakes(tmp_path, text) == [("web.tls.key", "key-without-certificate")]


def test_tls_without_a_certificate_is_no_mistake_and_is_told_where_others_come(
    tmp_path: Path,
) -> None:
    file = tmp_path / "ulak.toml"
    for address, told in (("127.0.0.1:80", []), ("0.0.0.0:80", [("web.tls", "own-certificate")])):
        file.write_text(f'[[listener]]\naddress = "127.0.0.1:25"\n[web]\naddress = "{address}"\n')
        with file.open("a") as more:
            more.write("tls = {}\n")
        assert [(one.key, one.text) for one in config.load(file).warnings] == told


def test_one_client_has_no_more_connections_than_all(tmp_path: Path) -> None:
    text = "[web]\nconnections = 10\n"
    assert mistakes(tmp_path, text) == [("web.connections", "client-over-all-web")]
    assert loaded(tmp_path, text + "connections_per_client = 10\n").connections == 10


def test_everybody_is_no_proxy(tmp_path: Path) -> None:
    text = '[web]\nproxies = ["0.0.0.0/0"]\n'
    assert mistakes(tmp_path, text) == [("web.proxies[1]", "everybody-believed")]
