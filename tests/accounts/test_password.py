"""Passwords are kept as argon2id hashes."""

from __future__ import annotations

import pytest

from ulak.accounts import password
from ulak.accounts.password import Weakness, decoy, hashed, matches, outdated, weakness

SALT = b"0123456789abcdef"


def test_a_password_matches_its_own_hash_and_no_other() -> None:
    kept = hashed("correct horse", SALT)
    assert matches(kept, "correct horse")
    assert not matches(kept, "correct horse ")
    assert not matches(kept, "")
    assert hashed("correct horse", SALT[::-1]) != kept


def test_a_hash_says_how_it_was_made() -> None:
    assert hashed("correct horse", SALT).startswith("$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1")


def test_the_vector_of_another_implementation_is_read() -> None:
    """From the reference implementation's own test suite: `argon2id`, t=2, m=2^8, p=1."""
    kept = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
    assert matches(kept, "password")
    assert not matches(kept, "passwore")


def test_a_hash_at_another_cost_is_outdated(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = hashed("correct horse", SALT)
    assert not outdated(kept)
    monkeypatch.setattr(password, "_NOW", (password.MEMORY * 2, password.PASSES, password.LANES))
    assert outdated(kept)
    assert matches(kept, "correct horse")


@pytest.mark.parametrize(
    "kept",
    ["", "$argon2id$…", "$argon2id$v=19$m=1,t=0,p=0$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TK"],
)
def test_what_is_no_hash_matches_nothing(kept: str) -> None:
    assert not matches(kept, "")
    assert outdated(kept)


def test_a_decoy_is_a_hash_as_any_other_and_nobodys() -> None:
    false = decoy(bytes(range(48)))
    assert not outdated(false)
    assert len(false) == len(hashed("correct horse", SALT))
    assert not matches(false, "correct horse")


def test_one_password_is_the_same_from_every_keyboard() -> None:
    kept = hashed("ağaç gövdesi", SALT)
    assert matches(kept, "ag\u0306ac\u0327\u00a0go\u0308vdesi")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", Weakness.EMPTY),
        ("1234567", Weakness.SHORT),
        ("g\u0306" * 7, Weakness.SHORT),
        ("ada.lovelace@example.org", Weakness.ADDRESS),
        ("Ada.Lovelace", Weakness.ADDRESS),
        ("tab\tulator", Weakness.CONTROL),
        ("bad\udc80octet", Weakness.CONTROL),
        ("x" * 1001, Weakness.LONG),
        ("12345678", None),
        ("ağaçlıyol", None),
    ],
)
def test_a_weak_password_is_told_by_what_is_weak(given: str, why: Weakness | None) -> None:
    assert weakness(given, "ada.lovelace@example.org") == why
