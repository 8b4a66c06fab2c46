"""A running server takes keys that are new, and the log tells of those that cannot be used."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ulak import config as settings
from ulak.app.places import Places
from ulak.app.signing import folder_of, look, signatory_of, watch
from ulak.keys.folder import KeyFolder
from ulak.keys.key import Algorithm, Stage
from ulak.keys.signatory import Signatory
from ulak.log import Form, Log

MESSAGE = b"From: ada@example.org\r\n\r\nhello\r\n"
Told = Callable[[], Awaitable[dict[str, str]]]


def configured(folder: Path, more: str = "") -> settings.Config:
    (folder / "ulak.toml").write_text(f'data = "data"\n[dkim]\n{more}\n')
    return settings.load(folder / "ulak.toml")


def signs(chosen: settings.Config) -> Signatory:
    made = signatory_of(chosen, lambda: 1_700_000_000.0)
    assert made is not None
    return made


def active(keys: KeyFolder, selector: str) -> None:
    keys.make("example.org", selector, (Algorithm.ED25519,), 1.0, exact=True)
    keys.change("example.org", selector, Stage.SIGNING, 2.0)


def watching(
    signatory: Signatory,
    what: Callable[[asyncio.Event, Told], Awaitable[None]],
    every: float = 60.0,
) -> None:
    lines, into = os.pipe()
    log = Log(into, clock=lambda: 0.0, form=Form.JSON)

    async def main() -> None:
        wanted = asyncio.Event()
        task = asyncio.create_task(watch(signatory.ring, log, wanted, every=every))
        await asyncio.sleep(0)

        async def told() -> dict[str, str]:
            return dict(json.loads(await asyncio.to_thread(stream.readline)))

        await what(wanted, told)
        task.cancel()

    with os.fdopen(lines) as stream:
        asyncio.run(main())
        log.close()
        os.close(into)


def test_who_is_told_looks_at_once(tmp_path: Path) -> None:
    chosen = configured(tmp_path)
    signatory, keys = signs(chosen), folder_of(chosen)

    async def what(wanted: asyncio.Event, told: Told) -> None:
        active(keys, "s1")
        wanted.set()
        line = await told()
        assert (line["event"], line["domains"]) == ("dkim-keys", "example.org")
        assert b"s=s1;" in signatory.sign(MESSAGE)
        path = Places(chosen.data).dkim / "example.org/s1.pem"
        path.chmod(0o644)
        wanted.set()
        line = await told()
        assert (line["event"], line["level"]) == ("dkim-key-refused", "error")
        assert line["problem"].startswith(f"{path}: others may read it (its mode is 0644")
        await told()
        keys.remove("example.org", "s1")
        wanted.set()
        line = await told()
        assert (line["event"], line["domains"]) == ("dkim-keys", "")
        assert signatory.sign(MESSAGE) == b""

    watching(signatory, what)


def test_who_is_not_told_looks_after_a_while(tmp_path: Path) -> None:
    chosen = configured(tmp_path)
    signatory = signs(chosen)

    async def what(_wanted: asyncio.Event, told: Told) -> None:
        active(folder_of(chosen), "s1")
        assert (await told())["event"] == "dkim-keys"

    watching(signatory, what, every=0.01)


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    chosen = configured(tmp_path)
    signatory = signs(chosen)
    folder = Places(chosen.data).dkim
    folder.parent.mkdir()
    folder.symlink_to(folder)  # in a circle

    async def what(wanted: asyncio.Event, told: Told) -> None:
        wanted.set()
        assert (await told())["event"] == "dkim-key-refused"

    watching(signatory, what)


def test_without_keys_nothing_is_said(tmp_path: Path) -> None:
    lines, into = os.pipe()
    log = Log(into, clock=lambda: 0.0, form=Form.JSON)
    look(signs(configured(tmp_path)).ring, log)
    log.close()
    os.close(into)
    with os.fdopen(lines) as stream:
        assert stream.read() == ""


def test_the_settings_say_how_it_is_signed(tmp_path: Path) -> None:
    more = 'oversign = ["Organization"]\nexpire_after = "5d"\nparent_domains = false\n'
    chosen = configured(tmp_path, more)
    signatory = signs(chosen)
    active(folder_of(chosen), "s1")
    signatory.ring.look()
    signed = b"".join(signatory.sign(MESSAGE).split())
    assert b"x=1700432000;" in signed
    assert b":organization" in signed
    assert b"h=from:from:" in signed
    assert signatory.sign(MESSAGE.replace(b"@", b"@sub.")) == b""
    assert signatory_of(configured(tmp_path, "sign = false"), lambda: 0.0) is None


@pytest.mark.parametrize("name", ["", "Sub ject", "From:", "ğ", "x" * 71])
def test_what_is_no_name_of_a_field_is_a_mistake(tmp_path: Path, name: str) -> None:
    with pytest.raises(settings.ConfigError) as caught:
        configured(tmp_path, f'oversign = ["{name}"]')
    assert "dkim.oversign" in caught.value.sentences("en")[0]
