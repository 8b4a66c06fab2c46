"""Messages that programs hand in, on their way from the web to a worker and its answer back.

One request over the worker's control socket: a line of JSON and the octets of the message behind
it. The answer comes when the message is on the disk, or is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ulak.accounts.account import Account
from ulak.accounts.store import AccountsError
from ulak.app.accounts import accounts_of
from ulak.app.control import Answer, ControlError, short
from ulak.mail.message import message_id, split
from ulak.queue.store import QueueStore
from ulak.replies import catalog
from ulak.server.handing import Answered, Handed, HandedIn, Said
from ulak.server.site import Site
from ulak.smtp.grammar import GrammarError, parse_mailbox
from ulak.smtp.offers import Offers

if TYPE_CHECKING:
    from ulak.app.parts import Parts

_PATIENCE = 120.0  # seconds: of a scan, a signature and a disk
_LONGEST_ANSWER = 1 << 24
_KEYS = 10_000  # keys that somebody is at work on


@dataclass(slots=True)
class Desk:
    """Where one worker takes what programs hand in.

    `accounts` finds an account, in a thread. `stores` are all of this worker's, its own first.
    """

    site: Site
    stores: Sequence[QueueStore]
    offers: Offers
    accounts: Callable[[str], Account | None]
    _keys: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def __call__(self, asked: Mapping[str, Any], octets: bytes) -> Answer:
        """Take a message; `error` says why that is not possible just now."""
        site = self.site
        if site.closing:
            return {"error": "The server stops, or is drained; it takes nothing."}
        try:
            account = await asyncio.to_thread(self.accounts, str(asked["account"]))
            if account is None or account.disabled:
                return {"account": "none"}
            handed = _handed(asked, account, octets)
        except GrammarError as error:
            said = Said("", catalog.BAD_ADDRESS.name, f"501 5.1.3 {error}", taken=False)
            return _refused(Answered("", (), said))
        except AccountsError as error:
            return {"error": str(error), "incident": site.incident(error)}
        async with AsyncExitStack() as stack:
            if handed.key:
                await stack.enter_async_context(self._lock(handed.key))
                known = await self._known(handed)
                if known is not None:
                    return known
            return await self._take(handed)

    async def _known(self, handed: Handed) -> Answer | None:
        for store in self.stores:
            receipt = await store.receipt(handed.key)
            if receipt is not None:
                if receipt.digest != handed.digest:
                    return {"conflict": True}
                told: Answer = json.loads(receipt.answer)
                return told | {"again": True}
        return None

    async def _take(self, handed: Handed) -> Answer:
        hostname = self.site.rules.hostname

        def answer(identifier: str, states: Sequence[Said]) -> str:
            named = message_id(split(handed.octets)[0]) or f"<{identifier}@{hostname}>"
            return json.dumps(
                {"id": identifier, "message_id": named, "recipients": list(map(_state, states))}
            )

        done = await HandedIn(self.site, self.offers, handed).run(answer)
        if not done.id:
            return _refused(done)
        told: Answer = json.loads(answer(done.id, done.recipients))
        return told

    def _lock(self, key: str) -> asyncio.Lock:
        if len(self._keys) > _KEYS:
            self._keys = {name: lock for name, lock in self._keys.items() if lock.locked()}
        return self._keys.setdefault(key, asyncio.Lock())


def desk_of(parts: Parts, site: Site, stores: Sequence[QueueStore]) -> Desk:
    """Make the desk of one worker."""
    accounts = accounts_of(parts.config)

    async def close() -> None:
        await asyncio.to_thread(accounts.close)

    parts.closing.append(close)
    policy = parts.config.policy
    offers = Offers("submission", tls=False, recipients=policy.max_recipients)
    return Desk(site, stores, offers, accounts.find)


def hand_in(path: Path, asked: Mapping[str, object], octets: bytes) -> Mapping[str, Any]:
    """Hand a message to the worker behind a socket and wait for its answer. Raises ControlError.

    Blocks: call it in a thread.
    """
    line = json.dumps({"verb": "submit", "octets": len(octets), **asked}).encode() + b"\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, short(path) as name:
            sock.settimeout(_PATIENCE)
            _connect(sock, name, path)
            sock.sendall(line)
            sock.sendall(octets)
            with sock.makefile("rb") as answers:
                answer = json.loads(answers.readline(_LONGEST_ANSWER))
    except (OSError, ValueError) as error:
        message = f"The running server did not answer at {path}: {error}."
        raise ControlError(message) from error
    if not isinstance(answer, dict) or "error" in answer:
        message = str(answer.get("error")) if isinstance(answer, dict) else "no answer"
        raise ControlError(message)
    return answer


def _connect(sock: socket.socket, name: str, path: Path) -> None:
    try:
        sock.connect(name)
    except OSError as error:
        problem = ControlError(f"The running server did not answer at {path}: {error}.")
        problem.unasked = True
        raise problem from error


def chosen(paths: Sequence[Path], key: str, turn: int) -> list[Path]:
    """Order the workers for a message: the same one first for the same key."""
    if not paths:
        return []
    if key:
        first = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % len(paths)
        return [paths[first]]  # and nobody else: two could take it twice
    first = turn % len(paths)
    return [*paths[first:], *paths[:first]]


def _handed(asked: Mapping[str, Any], account: Account, octets: bytes) -> Handed:
    sender = str(parse_mailbox(str(asked["sender"])))
    recipients = tuple(dict.fromkeys(str(parse_mailbox(str(r))) for r in asked["recipients"]))
    return Handed(
        account,
        str(asked.get("ip", "")),
        sender,
        recipients,
        octets,
        utf8=asked.get("utf8") is True,
        key=str(asked.get("key", "")),
        digest=str(asked.get("digest", "")),
    )


def _state(said: Said) -> dict[str, object]:
    if said.taken:
        return {"recipient": said.recipient, "state": "accepted"}
    return {
        "recipient": said.recipient,
        "state": "refused",
        "cause": said.cause,
        "reply": said.reply,
    }


def _refused(done: Answered) -> Answer:
    return {
        "refused": {"cause": done.whole.cause, "reply": done.whole.reply},
        "recipients": list(map(_state, done.recipients)),
    }
