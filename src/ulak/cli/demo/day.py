"""A day at a large provider: greylisting, then limits, then a bad name; all mail comes through.

The provider is the lab's (`ulak.lab.provider`), and nobody tells the server what to expect. An hour
of that provider takes `HOUR` seconds; Ulak's clock is the usual one, so the day lasts some minutes.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from email.utils import formatdate
from types import MappingProxyType

from ulak.cli.demo.client import Client
from ulak.cli.demo.scene import Scene
from ulak.cli.demo.stage import ADA, Stage
from ulak.cli.demo.steps import Step
from ulak.journal.entry import Entry
from ulak.journal.story import tell
from ulak.lab.provider import DOMAINS, HOSTS, Provider

HOUR = 2.0  # seconds
LETTERS = 24
_LONG = 180.0  # seconds that an act of the day may take
_QUICK = 10  # of all calls; who goes on knocking makes hundreds


def provider() -> Provider:
    """Give the provider whose day it is."""
    return Provider(hour=HOUR, expected=LETTERS, telling=True)


async def newcomer(scene: Scene, stage: Stage) -> None:
    """Write to two domains of the provider, which puts off whom it does not know."""
    scene.say("before", count=LETTERS, first=DOMAINS[0], second=DOMAINS[1])
    replies = [await _sent(scene, stage, number) for number in range(1, LETTERS + 1)]
    first = await stage.put_off(("greylisted",), _LONG)
    _show(scene, stage, first)
    scene.quote("sites", await _sites(scene, stage))
    _, listed = await stage.ulak("queue", "sites", "--json", columns=scene.columns)
    known = _names(listed)
    taken = sum(reply.startswith("250 ") for reply in replies)
    scene.check("taken", taken, ok=taken == LETTERS, count=LETTERS)
    scene.check("put-off", _reply(first), ok=_reply(first).startswith("451"))
    scene.check("one-site", " ".join(known), ok=len(known) == 1)


async def limited(scene: Scene, stage: Stage) -> None:
    """Be told that it is too fast, and slow down."""
    scene.say("before")
    entry = await stage.put_off(("sending-too-fast",), _LONG)
    _show(scene, stage, entry)
    text = await _sites(scene, stage)
    scene.quote("sites", text)
    scene.check("said", _reply(entry), ok=_reply(entry).startswith(("450", "421")))
    scene.check("waits", text, ok=HOSTS[0][0] in text)


async def blocked(scene: Scene, stage: Stage) -> None:
    """Lose its good name, and stop knocking until it is to be had again."""
    scene.say("before")
    entry = await stage.put_off(("low-reputation",), _LONG)
    _show(scene, stage, entry)
    text = await _sites(scene, stage)
    scene.quote("sites", text)
    scene.check("said", _reply(entry), ok=_reply(entry).startswith("421 4.7.0"))
    scene.check("waits", text, ok=HOSTS[0][0] in text)


async def evening(scene: Scene, stage: Stage) -> None:
    """See that all has come through, once, and what that took."""
    scene.say("before")
    there = stage.net.provider
    assert there is not None  # noqa: S101 -- it is the provider's day

    def all_in() -> bool | None:
        return True if there.count >= LETTERS else None

    await stage.until(all_in, _LONG)
    code, listed = await stage.ulak("queue", "list", "--json", columns=scene.columns)
    left = len(json.loads(listed)["recipients"]) if code == 0 else -1
    letters = Counter(_number(taken.body) for taken in stage.net.taken)
    scene.say("calls", calls=there.calls, turned_away=there.standing.blocks)
    scene.check("all", len(letters), ok=len(letters) == LETTERS, count=LETTERS)
    scene.check("once", letters.total(), ok=letters.total() == len(letters))
    scene.check("empty", left, ok=left == 0)
    scene.check("gentle", there.standing.blocks, ok=there.standing.blocks <= _QUICK)


DAY: Mapping[str, Step] = MappingProxyType(
    {"newcomer": newcomer, "limited": limited, "blocked": blocked, "evening": evening}
)


async def _sent(scene: Scene, stage: Stage, number: int) -> str:
    """Send a letter to one of the domains; give the reply."""
    to = f"reader{number}@{DOMAINS[number % len(DOMAINS)]}"
    now = time.time()
    letter = (
        f"From: {ADA}",
        f"To: {to}",
        f"Subject: {scene.words('letter.subject')}",
        f"Date: {formatdate(now)}",
        f"Message-ID: <{number}.{int(now)}@example.org>",
        f"Content-Language: {scene.language}",
        "",
        scene.words("letter.text"),
    )
    async with Client(stage.port) as client:
        return await client.send(ADA, (to,), letter)


def _show(scene: Scene, stage: Stage, entry: Entry | None) -> None:
    """Show what the provider said, what it means, and what Ulak makes of it."""
    if entry is None:
        return
    scene.talk(entry.dialogue, "attempt")
    scene.explain(_reply(entry))
    found = stage.trace(entry.message)
    told = tell(found, scene.language).happenings if found else ()
    scene.tell([each for each in told if each.entry == entry])


def _reply(entry: Entry | None) -> str:
    return "" if entry is None else entry.facts.get("reply", "")


async def _sites(scene: Scene, stage: Stage) -> str:
    """Give what the operator reads of the places where mail goes."""
    _, text = await stage.ulak(
        "queue", "sites", "--lang", scene.language, columns=scene.columns - 4
    )
    return text.rstrip()


def _names(listed: str) -> list[str]:
    """Give the names of the places out of what programs are told of them."""
    return sorted({site["site"] for site in json.loads(listed or "{}").get("sites", ())})


def _number(body: bytes) -> str:
    """Say which letter it is."""
    return body.partition(b"Message-ID: <")[2].partition(b".")[0].decode()
