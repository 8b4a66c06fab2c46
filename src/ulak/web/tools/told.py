"""What a reply means, as the pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from ulak.replies import blocklists, texts, turns
from ulak.replies.codes import CODES
from ulak.replies.explain import Explanation, provider_name
from ulak.replies.patterns import book
from ulak.replies.turns import Role
from ulak.web.tools.reading import Quoted
from ulak.web.words import has, say

TONES = MappingProxyType(
    {"permanent": "bad", "temporary": "warn", "success": "good", "unclear": "info"}
)
"""The colour of a permanence, as a class of the style sheet."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do or to read; `link` is the page for it, "" where none is to be followed."""

    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One reply explained, each text in the language of the page.

    `code` and `enhanced` are "" where the reply has none; `cause` is one that has a page.
    """

    told: Explanation
    code: str
    enhanced: str
    text: str
    tone: str
    permanence: str
    final: str
    who: str
    action: str
    decided: str
    family: str
    cause: str
    facts: tuple[tuple[str, str], ...]
    sender: tuple[Step, ...]
    operator: tuple[Step, ...]
    links: tuple[Step, ...]
    recipient: str = ""
    fate: str = ""


def told(quoted: Quoted, language: str) -> Told:
    """Explain a reply."""
    made = quoted.explained(language)
    reply = made.reply
    label = texts.page("decided", language)[_decided(made)]
    return Told(
        told=made,
        code="" if reply.code is None else str(reply.code),
        enhanced=reply.enhanced or "",
        text=harmless(reply.text),
        tone=TONES[made.permanence],
        permanence=say(language, f"tools.permanence.{made.permanence}"),
        final=texts.page("final", language)[made.permanence],
        who=texts.page("who", language)[_turn(made).value],
        action=texts.page("action", language)[made.sender_action]
        if made.permanence != "unclear"
        else "",
        decided=label.format(provider=provider_name(made.provider or "")),
        family=texts.page("families", language).get(made.family, made.family),
        cause=made.cause or "",
        facts=tuple(_facts(made, language)),
        sender=tuple(Step(f.step, f.link or "") for f in made.fix if f.who == "sender"),
        operator=tuple(Step(f.step, f.link or "") for f in made.fix if f.who == "operator"),
        links=tuple(Step(_title(url), url if _ours(url, made) else "") for url in made.links),
        recipient=harmless(quoted.recipient),
        fate=say(language, f"tools.fate.{quoted.action}")
        if has(language, f"tools.fate.{quoted.action}")
        else "",
    )


def _decided(made: Explanation) -> str:
    by_rule = made.decided_by == "text" and not (made.rule or "").startswith("catalog:")
    return "rule" if by_rule else made.decided_by


def _turn(made: Explanation) -> Role:
    """Say whose turn it is: of a code alone what is written of the code, else by the cause."""
    code = made.reply.code
    if made.decided_by == "code" and code in CODES:
        return CODES[code].turn
    if made.decided_by == "none":
        return Role.SENDER
    return turns.of_family(made.family)


def _facts(made: Explanation, language: str) -> list[tuple[str, str]]:
    rows = []
    for name, value in made.facts.items():
        if name == "link":  # which stands among the links
            continue
        shown = texts.safe(str(value))
        if name == "list":
            known = blocklists.lists().get(shown)
            shown = shown if known is None else known.name
        key = f"tools.fact.{name}"
        rows.append((say(language, key) if has(language, key) else name, shown))
    return rows


def harmless(text: str) -> str:
    """Give a stranger's text line by line, without anything that could turn it around."""
    return "\n".join(texts.safe(line, 2_000) for line in text.split("\n")[:60])


def _ours(url: str, made: Explanation) -> bool:
    """Whether a link may be followed from here: our tables have it, or one to the same host.

    What else stands in a reply may be anybody's, who hopes that this site lends it its name.
    """
    if not url.startswith("https://"):
        return False
    if url != made.facts.get("link"):
        return True
    return _host(url) in _known_hosts()


@cache
def _known_hosts() -> frozenset[str]:
    """Name the hosts that our own tables lead to."""
    pages = [provider.page for provider in book().providers.values()]
    pages += [rule.link for rule in book().rules]
    pages += [lister.page for lister in blocklists.lists().values()]
    return frozenset(_host(page) for page in pages if page)


def _host(url: str) -> str:
    return url.removeprefix("https://").partition("/")[0]


def _title(url: str) -> str:
    page, _, place = url.partition("#section-")
    number = page.rpartition("/rfc")[2]
    if not url.startswith("https://www.rfc-editor.org/rfc/rfc"):
        return texts.safe(url)
    return f"RFC {number}" + (f" §{place}" if place else "")
