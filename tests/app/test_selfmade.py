"""A listener without a certificate gets one of the server's own making."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from ulak import config
from ulak.app import selfmade
from ulak.app.selfmade import with_certificates
from ulak.config import Config, Listener, SocketAddress, Tls


def chosen(folder: Path, tls: Tls | None = Tls()) -> Config:  # noqa: B008 -- frozen
    listener = Listener(address=SocketAddress("127.0.0.1", 0), tls=tls)
    return Config(hostname="mx.example.org", data=folder, listeners=(listener,))


def loaded(found: Config) -> x509.Certificate:
    tls = found.listeners[0].tls
    assert tls is not None
    assert tls.certificate is not None
    return x509.load_pem_x509_certificate(tls.certificate.read_bytes())


def test_it_is_made_once_and_is_for_the_hostname(tmp_path: Path) -> None:
    first = loaded(with_certificates(chosen(tmp_path)))
    assert loaded(with_certificates(chosen(tmp_path))) == first
    names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mx.example.org"]


def test_it_is_made_anew_for_another_name_and_when_it_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = loaded(with_certificates(chosen(tmp_path)))
    renamed = loaded(with_certificates(replace(chosen(tmp_path), hostname="new.example.org")))
    assert renamed != first
    monkeypatch.setattr(selfmade, "_ENOUGH", dt.timedelta(days=365))
    older = replace(chosen(tmp_path), hostname="new.example.org")
    assert loaded(with_certificates(older)) != renamed


@pytest.mark.parametrize("name", ["certificate.pem", "certificate.key"])
def test_what_is_damaged_is_made_anew(tmp_path: Path, name: str) -> None:
    with_certificates(chosen(tmp_path))
    (tmp_path / name).unlink()
    loaded(with_certificates(chosen(tmp_path)))
    (tmp_path / "certificate.pem").write_text("nonsense")
    loaded(with_certificates(chosen(tmp_path)))


def test_a_listener_that_has_one_or_wants_none_is_left_alone(tmp_path: Path) -> None:
    own = chosen(tmp_path, Tls(certificate=tmp_path / "mine.pem"))
    assert with_certificates(own) == own
    assert with_certificates(chosen(tmp_path, None)) == chosen(tmp_path, None)
    assert not list(tmp_path.iterdir())


def test_the_embedded_default_asks_for_one() -> None:
    submission = config.load(None).listeners[1]
    assert submission.tls == Tls(mode="starttls")
