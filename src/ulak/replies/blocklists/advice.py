"""What a list itself means by a listing that a reply names, and what that sender is to do.

"Ask for removal" is the wrong advice for a list of dial-in addresses, for one that lists the
neighbours, and for one that has been dead for years.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ulak.replies.blocklists.naming import Blocklister, lists
from ulak.replies.blocklists.table import TEXTS, Entry, Meaning, entry_of, find
from ulak.replies.texts import put

# Words of Spamhaus's own, where one zone holds several lists.
_PARTS = {"pbl": "127.0.0.11", "xbl": "127.0.0.4", "css": "127.0.0.3", "sbl": "127.0.0.2"}
_WORD = re.compile(r"[A-Za-z0-9.]+")
_LONGEST = 2000  # characters of a reply that are searched for codes
_LOOPBACK = "127."


@dataclass(frozen=True, slots=True)
class ListAdvice:
    """Sentences about what it means, and steps, each with the page at its end, or ""."""

    means: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]


def advise(*, slug: str, zone: str, subject: str, text: str, language: str) -> ListAdvice | None:
    """Say what is known of a listing, or None where the reply does not tell enough.

    `slug` is the list's short name, `zone` its zone or "", `subject` the address or domain.
    """
    lister = lists().get(slug)
    if lister is None:
        return None
    entry = entry_of(zone) if zone else None
    texts = TEXTS.all(language)
    if lister.gone:
        known = entry or next(iter(find(slug)), None)
        facts = {"subject": subject, "list": lister.name}
        why = [texts[f"why.{known.why}"]] if known is not None else []
        said = (put(texts["means.gone"], facts), *why)
        return ListAdvice(said, ((put(texts["do.tell-receiver"], facts), ""),))
    meanings = _meanings(lister, entry, text)
    if not meanings or not subject:
        return None
    facts = {"subject": subject, "list": entry.name if entry else lister.name}
    means = [put(texts[f"means.{meaning.name}"], facts) for meaning in meanings]
    expiry = entry.expiry if entry is not None and entry.expiry else meanings[0].expiry
    steps = []
    for name in dict.fromkeys(step for meaning in meanings for step in meaning.steps):
        step = put(texts[f"do.{name}"], facts)
        page = lister.page if step.endswith(":") else ""
        steps.append((f"{step} {page}".strip(), page))
    return ListAdvice((*means, texts[f"expiry.{expiry}"]), tuple(steps))


def _meanings(lister: Blocklister, entry: Entry | None, text: str) -> tuple[Meaning, ...]:
    """Tell by the code in the reply, by the name of the part, or because there is only one."""
    words = _words(text[:_LONGEST])
    if lister.slug == "spamhaus" and (entry is None or entry.zone != "dbl.spamhaus.org"):
        zen = entry_of("zen.spamhaus.org")
        heads = {word.partition(".")[0] for word in words}
        parts = [code for part, code in _PARTS.items() if part in heads]
        if zen is not None and len(parts) == 1:
            return zen.meanings(parts)
    if entry is None:
        return ()
    if codes := [word for word in words if word.startswith(_LOOPBACK) and _is_code(word)]:
        return entry.meanings(codes)
    names = {name for _, _, name in entry.codes}
    if len(names) != 1:
        return ()
    first = entry.codes[0][0]
    return entry.meanings([f"127.0.{first // 256}.{first % 256}"])


def _words(text: str) -> list[str]:
    """Give the words in lower case; addresses stay whole."""
    return [word.lower().strip(".") for word in _WORD.findall(text)]


def _is_code(word: str) -> bool:
    parts: Iterable[str] = word.split(".")
    numbers = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 4]  # noqa: PLR2004 -- three digits
    return len(numbers) == word.count(".") + 1 == 4 and max(numbers) < 256  # noqa: PLR2004 -- IPv4
