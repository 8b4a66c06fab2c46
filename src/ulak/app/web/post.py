"""Hands messages of programs to the workers: `ulak.web.api.ports.Post`."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

from ulak import config as settings
from ulak.app.control import ControlError
from ulak.app.handing import chosen, hand_in
from ulak.app.places import Places
from ulak.app.storing import readers
from ulak.queue.store import StorageError
from ulak.web.api.ports import Conflict, Handed, Taken, Turned
from ulak.web.console.ports import OperationError, Trouble


class WorkersPost:
    """Every message goes to one worker, the next each time; with a key always to the same one."""

    def __init__(self, config: settings.Config, places: Places, clock: Callable[[], float]) -> None:
        self.hostname = config.hostname
        self.clock = clock
        self._config = config
        self._places = places
        self._turns = itertools.count()

    async def send(self, handed: Handed) -> Taken | Turned | Conflict:
        """Hand a message in; it is on the disk when it is `Taken`. Raises OperationError."""
        return await asyncio.to_thread(self._send, handed)

    def _send(self, handed: Handed) -> Taken | Turned | Conflict:
        if handed.key:
            known = self._known(handed)
            if known is not None:
                return known
        asked = {
            "account": handed.account,
            "ip": handed.ip,
            "sender": handed.sender,
            "recipients": handed.recipients,
            "utf8": handed.utf8,
            "key": handed.key,
            "digest": handed.digest,
        }
        problem = "no worker runs"
        for path in chosen(self._places.controls(), handed.key, next(self._turns)):
            try:
                return _read(hand_in(path, asked, handed.octets))
            except ControlError as error:
                problem = str(error)
                if not error.unasked:
                    break  # it may have taken it
        raise OperationError(Trouble.NOT_RUNNING, problem=problem)

    def _known(self, handed: Handed) -> Taken | Conflict | None:
        """Look for a receipt in every store: there may have been more workers once, or fewer."""
        try:
            with readers(self._config, self._places) as stores:
                receipts = (reader.receipt(handed.key) for reader in stores)
                receipt = next((each for each in receipts if each is not None), None)
        except StorageError as error:
            raise OperationError(Trouble.STORAGE, problem=str(error)) from error
        if receipt is None:
            return None
        if receipt.digest != handed.digest:
            return Conflict()
        return _taken(json.loads(receipt.answer) | {"again": True})


def _read(answer: Mapping[str, Any]) -> Taken | Turned | Conflict:
    if "conflict" in answer:
        return Conflict()
    if "account" in answer:
        return Turned("no-account")
    if "refused" in answer:
        refused = answer["refused"]
        return Turned(refused["cause"], refused["reply"], tuple(answer["recipients"]))
    return _taken(answer)


def _taken(answer: Mapping[str, Any]) -> Taken:
    states = tuple(answer["recipients"])
    return Taken(answer["id"], answer["message_id"], states, again=bool(answer.get("again")))
