"""The way of a message as its Received fields tell it: who took it when, and where it waited."""

from __future__ import annotations

from datetime import UTC, tzinfo

from ulak.diagnose.diagnosis import Diagnosis
from ulak.language import case
from ulak.mail.received import Hop
from ulak.web.pictures.story import drawn
from ulak.web.pictures.svg import Picture
from ulak.web.pictures.way import Event, Line, Way
from ulak.web.pictures.words import number, say, stretch

# RFC 3848, RFC 6531 §4.3, RFC 8314 §7.4: with these words a server says that TLS was used.
_ENCRYPTED = frozenset({
    "esmtps", "esmtpsa", "lmtps", "lmtpsa", "utf8smtps", "utf8smtpsa", "utf8lmtps", "utf8lmtpsa",
    "smtps", "https",
})  # fmt: skip


def message_way(diagnosis: Diagnosis, language: str, *, zone: tzinfo = UTC) -> Picture | None:
    """Draw the way of a message that was checked; None where nobody has written any of it."""
    if not diagnosis.hops:
        return None
    return drawn(way(diagnosis.hops, language, zone), language)


def way(hops: tuple[Hop, ...], language: str, zone: tzinfo = UTC) -> Way:
    """Make an event of each hop."""
    back = say(language, "hops.back")
    events = tuple(_event(hop, language, back) for hop in hops)
    times = [hop.time for hop in hops if hop.time is not None]
    took = stretch(max(times) - min(times), language) if len(times) > 1 else ""
    title = say(language, "hops.title", count=number(len(hops), language), time=took)
    return Way(title, events, zone, say(language, "hops.note"))


def _event(hop: Hop, language: str, back: str) -> Event:
    lines = []
    client = " · ".join(filter(None, (hop.sender, hop.ip)))
    if client:
        lines.append(Line(say(language, "hops.from", client=client)))
    if hop.protocol:
        encrypted = case.lower(hop.protocol) in _ENCRYPTED
        word = say(language, "hops.encrypted") if encrypted else ""
        lines.append(Line(" · ".join(filter(None, (hop.protocol, word)))))
    title = hop.receiver or say(language, "hops.unknown")
    return Event(hop.time, "accent", title, tuple(lines), protocol=bool(hop.receiver), back=back)
