"""The secrets of rewritten senders on a real disk, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from ulak import config
from ulak.app.forwarding import Forwarding, Secrets, SecretsError
from ulak.server.directory import Found, How, Returned, Trouble
from ulak.smtp.grammar import parse_mailbox

DAY = 86_400.0


class Times:
    now = 20_000 * DAY

    def __call__(self) -> float:
        return self.now


def made(path: Path, clock: Times, *, make: bool = True, domain: str | None = None) -> Forwarding:
    settings = config.Forwarding(srs=True, domain=domain)
    secrets = Secrets(path, clock, make=make)
    return Forwarding(settings, secrets, clock, lambda _: "I1")


def test_the_first_secret_is_made_for_nobody_else_to_read(tmp_path: Path) -> None:
    path, clock = tmp_path / "data" / "srs.secret", Times()
    one, other = made(path, clock), made(path, clock)
    rewritten = one.rewrite("bob@example.net", "team@example.org")
    assert rewritten is not None
    assert rewritten.endswith("=example.net=bob@example.org")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["srs.secret"]
    assert other.returned(parse_mailbox(rewritten)) == Found(
        ("bob@example.net",), rewritten, How.RETURN
    )


def test_a_secret_is_replaced_while_the_old_one_still_opens(tmp_path: Path) -> None:
    path, clock = tmp_path / "secret", Times()
    forwarding = made(path, clock, domain="srs.example.org")
    old = forwarding.rewrite("bob@example.net", "team@example.org") or ""
    assert old.endswith("@srs.example.org")
    path.write_text("a-new-secret-of-32-characters-xx\n" + path.read_text())
    clock.now += 61
    new = forwarding.rewrite("bob@example.net", "team@example.org") or ""
    assert new != old
    for address in (old, new):
        assert isinstance(forwarding.returned(parse_mailbox(address)), Found)
    path.write_text("a-new-secret-of-32-characters-xx\n")
    clock.now += 61
    assert forwarding.returned(parse_mailbox(old)) == Returned("forged")
    clock.now += 22 * DAY
    assert forwarding.returned(parse_mailbox(new)) == Returned("expired")


def test_where_there_is_no_secret_nothing_is_believed_and_nothing_refused(tmp_path: Path) -> None:
    path, clock = tmp_path / "secret", Times()
    path.write_text("short\n")
    forwarding = made(path, clock)
    address = parse_mailbox("SRS0=AAAAAAAA=AA=example.net=bob@example.org")
    assert forwarding.returned(address) == Trouble("I1")
    with pytest.raises(SecretsError, match="16 characters"):
        forwarding.rewrite("bob@example.net", "team@example.org")
    asking = made(tmp_path / "none", clock, make=False)
    assert asking.rewrite("bob@example.net", "team@example.org") is None
    assert asking.returned(address) == Returned("forged")
    assert not (tmp_path / "none").exists()


def test_other_addresses_are_nobodys_business(tmp_path: Path) -> None:
    forwarding = made(tmp_path / "secret", Times())
    assert forwarding.returned(parse_mailbox("srs@example.org")) is None
    assert forwarding.returned(parse_mailbox("srs0@example.org")) is None
    assert forwarding.rewrite("no address", "team@example.org") is None
