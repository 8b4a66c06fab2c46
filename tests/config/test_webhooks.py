"""The settings of webhooks: what goes together, and what is said where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ulak import config as settings

URL = "https://shop.example/events"


def load(folder: Path, *tables: str) -> settings.Config:
    (folder / "secret").write_text("correct horse battery staple\n")
    (folder / "short").write_text("guess\n")
    file = folder / "ulak.toml"
    file.write_text("".join(f"[[webhook]]\n{table}\n" for table in tables))
    return settings.load(file)


def test_a_webhook_has_an_address_and_a_secret(tmp_path: Path) -> None:
    (one,) = load(tmp_path, f'url = "{URL}"\nsecret = "secret"').webhooks
    assert (one.url, one.secret) == (URL, tmp_path / "secret")
    assert one.events == ("delivered", "bounced", "suppressed", "complained")
    assert (one.domains, one.private, one.backlog) == ((), False, 100_000)


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ([f'url = "{URL}"'], "secret"),
        (['url = "ftp://x.example/"\nsecret = "secret"'], "https://example.org/events"),
        (['url = "https://x.example/#a"\nsecret = "secret"'], "https://example.org/events"),
        (['url = "http://x.example/"\nsecret = "secret"'], "unencrypted"),
        ([f'url = "{URL}"\nsecret = "nowhere"'], "cannot be read"),
        ([f'url = "{URL}"\nsecret = "short"'], "shorter than 16"),
        ([f'url = "{URL}"\nsecret = "secret"\nevents = ["opened"]'], "opened"),
        ([f'url = "{URL}"\nsecret = "secret"'] * 2, "named twice"),
    ],
)
def test_what_does_not_go_together_is_said(tmp_path: Path, tables: list[str], said: str) -> None:
    with pytest.raises(settings.ConfigError) as raised:
        load(tmp_path, *tables)
    assert said in str(raised.value)


def test_one_in_a_network_of_ones_own_may_be_spoken_to_in_clear(tmp_path: Path) -> None:
    table = 'url = "http://127.0.0.1:9000/"\nsecret = "secret"\nprivate = true'
    assert load(tmp_path, table).webhooks[0].private
