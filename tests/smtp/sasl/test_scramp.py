"""SCRAM with another's implementation on the other side: scramp, from PyPI."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from scramp import ScramClient, ScramMechanism  # type: ignore[import-untyped] # it has no types

from ulak.smtp.sasl.client import Credentials, start
from ulak.smtp.sasl.scram import Scram, ScramKeys, ScramPlus
from ulak.smtp.sasl.steps import Challenge, NeedScramKeys, Refusal, Success

BOUND = {"tls-server-end-point": b"h" * 32}
PASSWORDS = ["pencil", "I\u00adX", "½ şifre", "a=b,c"]


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("name", ["ada@example.org", "a=b,c", "çağrı"])
@pytest.mark.parametrize("bindings", [{}, BOUND])
def test_its_client_logs_in_here(name: str, password: str, bindings: Mapping[str, bytes]) -> None:
    plus = "-PLUS" if bindings else ""
    binding = next(iter(bindings.items()), None)
    client = ScramClient([f"SCRAM-SHA-256{plus}"], name, password, channel_binding=binding)
    server = ScramPlus("server", bindings=bindings) if plus else Scram("server")
    asked = server.start(client.get_client_first().encode())
    assert asked == NeedScramKeys(name)
    first = server.found(ScramKeys.of(password, b"salt of sixteen.", 4096))
    assert isinstance(first, Challenge)
    client.set_server_first(first.data.decode())
    final = server.respond(client.get_client_final().encode())
    assert isinstance(final, Challenge)
    client.set_server_final(final.data.decode())
    assert server.respond(b"") == Success(name)


def test_its_client_is_refused_with_another_password_or_certificate() -> None:
    for password, certificate in (("pen", b"h" * 32), ("pencil", b"m" * 32)):
        client = ScramClient(
            ["SCRAM-SHA-256-PLUS"],
            "ada",
            password,
            channel_binding=("tls-server-end-point", certificate),
        )
        server = ScramPlus("server", bindings=BOUND)
        server.start(client.get_client_first().encode())
        first = server.found(ScramKeys.of("pencil", b"salt of sixteen.", 4096))
        assert isinstance(first, Challenge)
        client.set_server_first(first.data.decode())
        assert isinstance(server.respond(client.get_client_final().encode()), Refusal)


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("bindings", [{}, BOUND])
def test_we_log_in_there(password: str, bindings: Mapping[str, bytes]) -> None:
    name = "SCRAM-SHA-256-PLUS" if bindings else "SCRAM-SHA-256"
    mechanism = ScramMechanism(name)
    known = mechanism.make_auth_info(password, iteration_count=4096)
    server = mechanism.make_server(
        lambda _name: known, channel_binding=next(iter(bindings.items()), None)
    )
    client = start(
        [name], Credentials("ada", password), nonce="client", secure=True, bindings=bindings
    )
    assert client is not None
    message = client.next(None)
    assert isinstance(message, bytes)
    server.set_client_first(message.decode())
    message = client.next(server.get_server_first().encode())
    assert isinstance(message, bytes)
    server.set_client_final(message.decode())
    assert client.next(server.get_server_final().encode()) == b""
    assert client.done
