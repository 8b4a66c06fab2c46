"""Other servers as rosters: asked about mailboxes, and never sent mail."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ulak.delivery.callout import Asked, Callout
from ulak.rosters.roster import Answer, Known

from .postfix import Postfix
from .test_smtp_sink import as_root, dovecot, folder, mailbox, with_dovecot

__all__ = ["folder"]
NAMES = ("ada", "nobody", "bob", "ada")
FOUND = [Known(), None, Known(), Known()]


def ask(asked: Asked, names: Sequence[str]) -> tuple[list[Answer], list[bool]]:
    told: list[bool] = []

    async def main() -> list[Answer]:
        callout = Callout(asked, "mx.example.org", lambda: "x-8c1f", lambda: 0.0, told.append)
        try:
            return [await callout.ask(f"{name}@{asked.domain}") for name in names]
        finally:
            await callout.close()

    return asyncio.run(main()), told


@contextlib.contextmanager
def postfix(folder: Path, more: str) -> Iterator[int]:
    """Run Postfix for here.example; give its port."""
    made = Postfix(folder / "postfix", 1, "none", more)
    try:
        yield made.port
    finally:
        made.stop()


@with_dovecot
@as_root
@pytest.mark.parametrize("unix", [False, True])
def test_dovecot_says_over_lmtp_who_has_a_mailbox(folder: Path, *, unix: bool) -> None:
    with dovecot(folder) as port:
        path = f"{folder}/lmtp.sock" if unix else ""
        asked = Asked("example.net", "127.0.0.1", port, path, lmtp=True)
        assert ask(asked, NAMES) == (FOUND, [])
        assert not (folder / "mail" / "ada" / "Maildir" / "new").exists() or not mailbox(
            folder, "ada"
        )


@as_root
def test_postfix_says_over_smtp_who_has_a_mailbox(folder: Path) -> None:
    (folder / "known").write_text("ada@here.example x\nbob@here.example x\n")
    more = (
        f"virtual_mailbox_domains = here.example\n"
        f"virtual_mailbox_maps = texthash:{folder}/known\n"
        f"virtual_mailbox_base = {folder}\n"
    )
    with postfix(folder, more) as port:
        asked = Asked("here.example", "127.0.0.1", port)
        assert ask(asked, NAMES) == (FOUND, [])


@as_root
def test_a_postfix_that_takes_every_name_is_found_out(folder: Path) -> None:
    more = f"virtual_mailbox_domains = here.example\nvirtual_mailbox_base = {folder}\n"
    with postfix(folder, f"{more}virtual_mailbox_maps =\n") as port:
        asked = Asked("here.example", "127.0.0.1", port)
        assert ask(asked, ("nobody",)) == ([Known()], [True])
