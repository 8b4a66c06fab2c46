"""From the configuration to who may log in, and how."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ulak import config
from ulak.app.accounts import tokens_of
from ulak.app.offering import offers_of
from ulak.config.settings import MECHANISMS
from ulak.smtp.sasl import table

KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",  # RFC 8037 appendix A.2
}
ISSUER = """
[[login.issuer]]
issuer = "https://id.example"
audience = ["ulak"]
keys = "keys.json"
scope = "mail"
discovery = "https://id.example/.well-known/openid-configuration"
"""


def load(
    folder: Path, more: str = "", *, kind: str = "submission", host: str = "0.0.0.0"
) -> config.Config:
    (folder / "keys.json").write_text(json.dumps({"keys": [KEY]}))
    file = folder / "ulak.toml"
    file.write_text(f'[[listener]]\naddress = "{host}:0"\nkind = "{kind}"\n{more}', "utf-8")
    return config.load(file)


def ways_of(found: config.Config, place: config.Listener) -> table.Ways:
    return offers_of(found, place)[0].ways


def test_the_configuration_knows_every_mechanism_in_their_order() -> None:
    assert tuple(table.MECHANISMS) == MECHANISMS


def test_only_ones_own_users_log_in(tmp_path: Path) -> None:
    found = load(tmp_path, kind="mx")
    assert not ways_of(found, found.listeners[0]).allowed


def test_tokens_are_taken_only_where_there_is_an_issuer(tmp_path: Path) -> None:
    found = load(tmp_path)
    ways = ways_of(found, found.listeners[0])
    assert ways.allowed == set(MECHANISMS) - {"OAUTHBEARER", "XOAUTH2"}
    assert tokens_of(found, lambda: 0.0) is None
    found = load(tmp_path, ISSUER)
    ways = ways_of(found, found.listeners[0])
    assert ways.allowed == set(MECHANISMS)
    assert ways.scope == "mail"
    assert ways.discovery.endswith("openid-configuration")
    tokens = tokens_of(found, lambda: 0.0)
    assert tokens is not None
    tokens.check("no token")
    two = ISSUER + ISSUER.replace("id.example", "other.example")
    found = load(tmp_path, two)
    assert ways_of(found, found.listeners[0]).discovery == ""


@pytest.mark.parametrize(
    ("host", "more", "clear"),
    [
        ("0.0.0.0", "", False),
        ("127.0.0.1", "", True),
        ("[::1]", "", True),
        ("0.0.0.0", "[login]\nscram_in_clear = true\n", True),
    ],
)
def test_scram_goes_without_tls_where_nobody_listens_or_somebody_wants_it(
    host: str, more: str, *, clear: bool, tmp_path: Path
) -> None:
    found = load(tmp_path, more, host=host)
    assert ways_of(found, found.listeners[0]).clear is clear


def test_ways_can_be_left_out(tmp_path: Path) -> None:
    found = load(tmp_path, '[login]\nmechanisms = ["PLAIN"]\n')
    assert ways_of(found, found.listeners[0]).allowed == {"PLAIN"}
