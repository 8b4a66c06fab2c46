"""The steps of the tour: 252, 554 twice, a delivery, a deferral, a bounce."""

from __future__ import annotations

import email
import email.policy
import time
from collections.abc import Awaitable, Callable, Mapping
from email.message import EmailMessage
from email.utils import formatdate
from types import MappingProxyType

from ulak.cli.demo.client import Client
from ulak.cli.demo.scene import Scene
from ulak.cli.demo.stage import ADA, GRACE, Stage
from ulak.journal.entry import Kind
from ulak.journal.story import Happening, tell
from ulak.lab.internet import BLOCKLIST, GOOD, GREYLISTING, KNOWS_NOBODY, LISTED

_BOB = f"bob@{GOOD.domain}"
_DAN = f"dan@{GREYLISTING.domain}"
_EVE = f"eve@{KNOWS_NOBODY.domain}"
_NOBODY = "nobody@example.org"
_ID = "Message "

Step = Callable[[Scene, Stage], Awaitable[None]]


async def vrfy(scene: Scene, stage: Stage) -> None:
    """Ask about mailboxes: 252 answers neither way."""
    scene.say("before", ada=ADA, nobody=_NOBODY)
    async with Client(stage.port) as client:
        greeting = await client.hear()
        await client.say("EHLO client.example")
        there = await client.say(f"VRFY {ADA}")
        absent = await client.say(f"VRFY {_NOBODY}")
        await client.say("QUIT")
    scene.talk(client.lines)
    scene.explain(there)
    scene.check("welcome", greeting, ok=greeting.startswith("220 "))
    scene.check("withheld", there, ok=there.startswith("252 "))
    scene.check("same", f"{there} / {absent}", ok=there == absent)


async def listed(scene: Scene, stage: Stage) -> None:
    """Come from a blocklist: 554 on connection, and only QUIT is heard."""
    scene.say("before", ip=LISTED, zone=BLOCKLIST)
    async with Client(stage.port, LISTED) as client:
        greeting = await client.hear()
        refused = [
            await client.say("EHLO spam.example"),
            await client.say("MAIL FROM:<offers@spam.example>"),
        ]
        goodbye = await client.say("QUIT")
    scene.talk(client.lines)
    scene.explain(greeting)
    found = await stage.refused("listed-by-dnsbl")
    scene.tell(tell(found, scene.language).happenings if found else ())
    scene.check("greeting", greeting, ok=greeting.startswith("554 "))
    scene.check("named", greeting, ok=LISTED in greeting and BLOCKLIST in greeting)
    scene.check("after", " / ".join(refused), ok=all(r.startswith("503 ") for r in refused))
    scene.check("goodbye", goodbye, ok=goodbye.startswith("221 "))


async def malformed(scene: Scene, stage: Stage) -> None:
    """Send what is no message: 554 after DATA."""
    scene.say("before")
    letter = _letter(scene, "mallory@good.example", ADA)
    two = ("From: postmaster@example.org", *letter)
    async with Client(stage.port) as client:
        reply = await client.send("mallory@good.example", (ADA,), two)
    scene.talk(client.lines)
    scene.explain(reply)
    went = "S: 354" in "\n".join(client.lines)
    scene.check("went-on", client.lines[-1], ok=went)
    scene.check("refused", reply, ok=reply.startswith("554 "))
    scene.check("named", reply, ok="2 From" in reply)


async def delivered(scene: Scene, stage: Stage) -> None:
    """Deliver: into a Maildir here, and over TLS to a server outside."""
    scene.say("before", bob=_BOB)
    async with Client(stage.port) as client:
        reply = await client.send(ADA, (GRACE, _BOB), _letter(scene, ADA, f"{GRACE}, {_BOB}"))
    scene.talk(client.lines)
    scene.explain(reply)
    identifier = _identifier(reply)
    entries = await stage.happened(identifier, Kind.DELIVERED, 2)
    scene.tell(_happenings(scene, stage, identifier, Kind.DELIVERED))
    letters = await stage.arrived(GRACE, 1)
    letter = letters[-1].decode().replace("\r\n", "\n") if letters else ""
    head = letter.partition("\nFrom:")[0]
    scene.quote("received", head)
    taken = stage.net.server(GOOD).messages
    tls = taken[-1].tls if taken else ""
    heard = [f"C: {command}" for command in stage.net.server(GOOD).commands]
    scene.talk(heard, "heard", host=GOOD.host, tls=tls or "-")
    scene.check("taken", reply, ok=bool(identifier))
    scene.check("local", head, ok=f"id {identifier}" in head, id=identifier)
    came = f"{len(taken)}, {tls or '-'}"
    scene.check("outside", came, ok=len(taken) == 1 and tls.startswith("TLSv1."), host=GOOD.host)
    scene.check("journal", len(entries), ok=len(entries) == 2)  # noqa: PLR2004 -- two recipients


async def deferred(scene: Scene, stage: Stage) -> None:
    """Be put off by greylisting, and succeed a little later."""
    scene.say("before", host=GREYLISTING.host)
    async with Client(stage.port) as client:
        reply = await client.send(ADA, (_DAN,), _letter(scene, ADA, _DAN))
    scene.talk(client.lines)
    identifier = _identifier(reply)
    put_off = await stage.happened(identifier, Kind.DEFERRED)
    answer = put_off[0].facts.get("reply", "") if put_off else ""
    if put_off:
        scene.talk(put_off[0].dialogue, "attempt", host=GREYLISTING.host)
        scene.explain(answer)
    done = await stage.happened(identifier, Kind.DELIVERED)
    scene.say("later")
    scene.tell(_happenings(scene, stage, identifier, Kind.DEFERRED, Kind.DELIVERED))
    scene.check("taken", reply, ok=bool(identifier))
    scene.check("put-off", answer, ok=len(put_off) == 1 and answer.startswith("451"))
    came = len(stage.net.server(GREYLISTING).messages)
    scene.check("arrived", came, ok=len(done) == 1 and came == 1, host=GREYLISTING.host)


async def bounced(scene: Scene, stage: Stage) -> None:
    """Bounce a letter in its own language, and tell its whole story."""
    scene.say("before", host=KNOWS_NOBODY.host, eve=_EVE)
    before = len(await stage.arrived(GRACE, 0))
    async with Client(stage.port) as client:
        reply = await client.send(GRACE, (_EVE,), _letter(scene, GRACE, _EVE))
    scene.talk(client.lines)
    identifier = _identifier(reply)
    failed = await stage.happened(identifier, Kind.FAILED)
    answer = failed[0].facts.get("reply", "") if failed else ""
    if failed:
        scene.explain(answer, shown=False)  # the bounce does
    letters = (await stage.arrived(GRACE, before + 1))[before:]
    bounce = _read(letters[-1]) if letters else EmailMessage()
    human = next((p for p in bounce.walk() if p.get_content_type() == "text/plain"), None)
    text = str(human.get_content()).rstrip() if human is not None else ""
    scene.quote("bounce", text, title=bounce.get("Subject", ""))
    await stage.happened(identifier, Kind.REPORTED)
    code, story = await stage.ulak(
        "why", identifier, "--lang", scene.language, columns=scene.columns - 4
    )
    scene.quote("why", story.rstrip(), id=identifier)
    scene.check("taken", reply, ok=bool(identifier))
    scene.check("failed", answer, ok=answer.startswith("550"))
    came = bounce.get_content_type() if letters else "-"
    scene.check("report", came, ok=came == "multipart/report" and _EVE in text)
    spoken = bounce.get("Content-Language", "-")
    scene.check("language", spoken, ok=spoken == scene.language)
    scene.check("why", f"{code}: {story[:60]}", ok=code == 0 and _EVE in story and "550" in story)


STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "vrfy": vrfy,
        "listed": listed,
        "malformed": malformed,
        "delivered": delivered,
        "deferred": deferred,
        "bounced": bounced,
    }
)


def _letter(scene: Scene, sender: str, to: str) -> tuple[str, ...]:
    """Write a small letter in the language of the tour."""
    now = time.time()
    return (
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {scene.words('letter.subject')}",
        f"Date: {formatdate(now)}",
        f"Message-ID: <{scene.name}.{int(now)}@example.org>",
        f"Content-Language: {scene.language}",
        "",
        scene.words("letter.text"),
    )


def _identifier(reply: str) -> str:
    """Take the id out of the reply to a message; `""` if it was not taken."""
    return reply.partition(_ID)[2].partition(" ")[0] if reply.startswith("250 ") else ""


def _happenings(scene: Scene, stage: Stage, identifier: str, *kinds: Kind) -> list[Happening]:
    found = stage.trace(identifier)
    told = tell(found, scene.language).happenings if found else ()
    return [h for h in told if h.entry.kind in kinds and h.entry.message == identifier]


def _read(octets: bytes) -> EmailMessage:
    return email.message_from_bytes(octets, policy=email.policy.default)
