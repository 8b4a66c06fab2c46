"""New certificates are taken over while the server runs."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from ulak.lab.certificate import certificate
from ulak.server.tls import context
from ulak.server.watch import Watch

from .dialogue import Server, client_context
from .running import serve


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(port: int) -> bytes | None:
    with (
        socket.create_connection(("127.0.0.1", port), 5) as sock,
        client_context().wrap_socket(sock) as secure,
    ):
        return secure.getpeercert(binary_form=True)


def test_a_session_goes_on_while_new_ones_see_the_new_certificate(tmp_path: Path) -> None:
    folder = tmp_path / "incoming"
    folder.mkdir()
    files = certificate("mx.example.org").write(tmp_path)
    live = context(*files)
    watch = Watch([live], Clock())

    def client(port: int) -> None:
        before = shown(port)
        with (
            socket.create_connection(("127.0.0.1", port), 5) as sock,
            client_context().wrap_socket(sock) as old,
        ):
            assert old.recv(1000).startswith(b"220")
            certificate("mx.example.org").write(tmp_path)
            (renewal,) = watch.look()
            assert renewal.certificate == files[0]
            assert renewal.problem == ""
            after = shown(port)
            assert before != after == ssl.PEM_cert_to_DER_cert(files[0].read_text())
            old.sendall(b"NOOP\r\n")
            assert old.recv(1000).startswith(b"250")

    serve(Server(folder), client, tls=live, implicit=True)


def test_what_has_not_changed_is_left_alone(tmp_path: Path) -> None:
    live = context(*certificate("mx.example.org").write(tmp_path))
    inner = live.inner
    watch = Watch([live], Clock())
    assert watch.look() == watch.look() == []
    assert live.inner is inner


@pytest.mark.parametrize("broken", ["server.pem", "server.key"])
def test_a_broken_certificate_is_told_once_and_the_old_one_stays(
    tmp_path: Path, broken: str
) -> None:
    files = certificate("mx.example.org").write(tmp_path)
    live = context(*files)
    inner = live.inner
    watch = Watch([live], Clock())
    good = (tmp_path / broken).read_bytes()
    (tmp_path / broken).write_bytes(b"half of it")
    (renewal,) = watch.look()
    assert renewal.problem.startswith(f"{tmp_path / broken} cannot be used for TLS: there is no ")
    assert live.inner is inner
    assert watch.look() == []
    (tmp_path / broken).write_bytes(good)
    (renewal,) = watch.look()
    assert renewal.problem == ""
    assert live.inner is not inner
    (tmp_path / broken).unlink()
    (renewal,) = watch.look()
    assert "cannot be read: No such file" in renewal.problem


def test_a_certificate_whose_key_comes_later_is_taken_when_both_are_there(tmp_path: Path) -> None:
    """Who replaces files does so one after the other."""
    files = certificate("mx.example.org").write(tmp_path)
    live = context(*files)
    watch = Watch([live], Clock())
    newer = certificate("mx.example.org")
    files[0].write_bytes(newer.certificate)
    (renewal,) = watch.look()
    assert "cannot be used for TLS: key values mismatch" in renewal.problem
    files[1].write_bytes(newer.key)
    (renewal,) = watch.look()
    assert renewal.problem == ""


def test_authorities_of_clients_are_watched_too(tmp_path: Path) -> None:
    files = certificate("mx.example.org").write(tmp_path)
    authorities, _ = certificate("Members").write(tmp_path, "members")
    watch = Watch([context(*files, authorities)], Clock())
    authorities.write_bytes(certificate("Other members").certificate)
    (renewal,) = watch.look()
    assert renewal.problem == ""


def test_the_keys_of_tickets_are_used_for_a_day(tmp_path: Path) -> None:
    clock = Clock()
    live = context(*certificate("mx.example.org").write(tmp_path))
    inner = live.inner
    watch = Watch([live], clock)
    clock.now += 86_399
    assert watch.look() == []
    assert live.inner is inner
    clock.now += 2
    assert watch.look() == []
    assert live.inner is not inner
    clock.now += 86_399
    inner = live.inner
    assert watch.look() == []
    assert live.inner is inner
