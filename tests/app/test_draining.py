"""What a worker says of itself: how it stands, what is in hand, and what it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from ulak.app.delivering import Post
from ulak.app.draining import Draining
from ulak.app.membership import stand_of, stand_told
from ulak.app.places import Places
from ulak.cluster.member import Duty, InHand, Spilled, Stand
from ulak.queue.memory import MemoryStore
from ulak.queue.spilling import SpillingStore
from ulak.server.listener import Listener


class _Kept(SpillingStore):
    """A store that has some mail here."""

    def __init__(self, messages: int, octets: int) -> None:
        super().__init__(cast("Any", None), (), accepting=True, most=0, told=lambda *_: None)
        self._messages, self._octets = messages, octets


def draining(folder: Path, stores: Sequence[object]) -> Draining:
    posts = [
        cast("Post", SimpleNamespace(store=store, worker=SimpleNamespace(leased=3, attempts=1)))
        for store in stores
    ]
    listener = cast("Listener", SimpleNamespace(sessions={1, 2}))
    return Draining(Places(folder), posts, listener, cast("Any", None), lambda: 50.0, patience=1.0)


def test_a_worker_tells_what_it_keeps_for_the_database_beside_what_it_has_in_hand(
    tmp_path: Path,
) -> None:
    stand = draining(tmp_path, [_Kept(4, 900), MemoryStore()]).stand()
    assert stand == Stand(Duty.SERVING, 50.0, InHand(2, 6, 2), Spilled(4, 900))
    assert stand_of(stand_told(stand)) == stand  # over a control socket, too
