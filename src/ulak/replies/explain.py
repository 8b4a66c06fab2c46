"""What a reply means, and what to do: the answer behind `ulak explain`.

What is not known is said: `decided_by` names on what the answer rests, and an answer that rests
on a basic code with many meanings has the family `unknown`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ulak.replies import blocklists, codes, texts
from ulak.replies.catalog import CATALOG, Action, Cause
from ulak.replies.classify import Classified, classify
from ulak.replies.document import Block, Document, Facts, Heading, Items, Links, Paragraph
from ulak.replies.parse import ParsedReply, parse
from ulak.replies.patterns import book

# Rows that say no more than their code.
_GENERIC = frozenset({"remote-accepted", "remote-deferred", "remote-refused"})
_ABOUT_LISTS = frozenset({"ip-blocklisted", "domain-blocklisted"})
_TRY_AGAIN = frozenset({Action.RETRY, Action.SLOW_DOWN})


class Fix(NamedTuple):
    """One step; `who` is `sender` or `operator`, `link` a page that the step speaks of."""

    who: str
    step: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known about a reply, in one language.

    `decided_by` is `text`, `provider`, `enhanced`, `code` or `none`; `rule` names what decided
    (`catalog:null-mx`, `enhanced:5.1.10`, `code:556`). `cause` is None only for `none`.
    `permanence` is `permanent`, `temporary`, `success` or `unclear`.
    """

    language: str
    input: str
    reply: ParsedReply
    cause: str | None
    family: str
    permanence: str
    decided_by: str
    rule: str | None
    provider: str | None
    facts: Mapping[str, str]
    title: str
    means: str
    seen_when: str
    fix: tuple[Fix, ...]
    sender_action: str
    links: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Give what `ulak explain --json` prints."""
        reply = self.reply
        return {
            "input": self.input,
            "reply": {"code": reply.code, "enhanced": reply.enhanced, "text": reply.text},
            "cause": self.cause,
            "family": self.family,
            "permanence": self.permanence,
            "decided_by": self.decided_by,
            "rule": self.rule,
            "provider": self.provider,
            "facts": dict(self.facts),
            "title": self.title,
            "means": self.means,
            "seen_when": self.seen_when,
            "fix": [{"who": f.who, "step": f.step, "link": f.link} for f in self.fix],
            "sender_action": self.sender_action,
            "links": list(self.links),
            # What would be asked now to see whether it is so; filled by the diagnosis.
            "checks": [],
        }

    def _decided(self) -> str:
        by_rule = self.decided_by == "text" and not (self.rule or "").startswith("catalog:")
        return "rule" if by_rule else self.decided_by

    def to_document(self) -> Document:
        """Give the page that a person reads."""
        labels = texts.page("labels", self.language)
        shown = " ".join(
            part
            for part in (str(self.reply.code or ""), self.reply.enhanced or "", self.reply.text)
            if part
        )
        blocks: list[Block] = [Heading(self.title, 1)]
        if shown:
            blocks.append(Paragraph(texts.safe(shown, 1000)))
        blocks += [Heading(labels["means"]), Paragraph(self.means)]
        blocks += [Heading(labels["seen_when"]), Paragraph(self.seen_when)]
        blocks.append(Heading(labels["fix"]))
        for who in ("sender", "operator"):
            steps = tuple(f.step for f in self.fix if f.who == who)
            if steps:
                blocks.append(Items(steps, labels[f"fix_{who}"], numbered=len(steps) > 1))
        if self.permanence != "unclear":
            action = texts.page("action", self.language)[self.sender_action]
            blocks += [Heading(labels["queue"]), Paragraph(action)]
        sure = texts.page("decided", self.language)[self._decided()]
        sure = sure.format(provider=provider_name(self.provider or ""))
        blocks += [Heading(labels["decided"]), Paragraph(sure)]
        rows = [(labels["cause"], self.cause or "-"), (labels["family"], self.family)]
        blocks.append(Facts((*rows, *((k, texts.safe(v)) for k, v in self.facts.items()))))
        if self.links:
            blocks.append(Heading(labels["next"]))
            blocks.append(Links(tuple((_title(url), url) for url in self.links)))
        return Document(self.language, tuple(blocks))


def provider_name(slug: str) -> str:
    """Give the name that people know a provider by."""
    known = book().providers.get(slug)
    return slug if known is None else known.name


def explain(text: str, lang: str = texts.DEFAULT) -> Explanation:
    """Explain a reply: one line or many, from any server, with or without code."""
    return explain_parsed(parse(text), text, lang)


def explain_parsed(
    reply: ParsedReply, text: str, lang: str = texts.DEFAULT, *, cause: str = ""
) -> Explanation:
    """Explain a reply that was taken apart already; `text` is where it was read.

    `cause` is what one of our own reports says itself (`X-Ulak-Cause`); it is believed when the
    catalog has it.
    """
    language = texts.language(lang)
    found = classify(reply.code, reply.enhanced, reply.text, text)
    if cause in CATALOG and cause != found.cause:
        found = Classified(cause, "text")
    if found.decided_by == "none":
        return _unknown(text, reply, found, language)
    return _explanation(text, reply, found, CATALOG[found.cause], language)


def permanence(code: int | None, row: Cause) -> str:
    """Say what a cause means for the sender under a code; the code wins where it says "not now".

    A 5yz for something that waiting mends (a full mailbox) is temporary to the sender.
    """
    severity = (row.code if code is None else code) // 100
    if severity in (2, 3):
        return "success"
    if severity == 4:  # noqa: PLR2004 -- 4yz
        return "temporary"
    return "temporary" if row.action in _TRY_AGAIN else "permanent"


def action(code: int | None, row: Cause) -> Action:
    """Say what the sender's queue does: with a 4yz it tries again, whatever the cause."""
    if permanence(code, row) == "temporary" and row.action not in (*_TRY_AGAIN, Action.NONE):
        return Action.RETRY
    return row.action


def _explanation(
    text: str, reply: ParsedReply, found: Classified, row: Cause, language: str
) -> Explanation:
    facts = dict(found.facts)
    if (of_zone := blocklists.page_of(facts.get("zone", ""))) is not None:
        facts["list"] = of_zone[0]
    known = blocklists.lists().get(facts["list"]) if "list" in facts else None
    zone_page = known.page if known is not None and known.page else None
    told = texts.cause(row.name, language).with_facts(facts)
    title, means, seen_when = told.title, told.means, told.seen_when
    sender, operator = told.fix_sender, told.fix_operator
    sections = row.section
    written = None
    if found.decided_by == "code" and row.name in _GENERIC and reply.code is not None:
        written = texts.code(reply.code, language)
    if written is not None:
        title, means, seen_when = written.name, written.means, written.seen_when
        sender, operator = written.fix_sender, written.fix_operator
        if reply.code in codes.CODES:
            sections = codes.CODES[reply.code].sections
    steps = tuple(_steps(row, sender, zone_page))
    if known is not None and row.family in _ABOUT_LISTS:
        subject = facts.get("domain" if row.family == "domain-blocklisted" else "ip", "")
        advice = blocklists.advise(
            slug=known.slug, zone=facts.get("zone", ""), subject=subject, text=text,
            language=language,
        )  # fmt: skip
        if advice is not None:
            means = " ".join((means, *advice.means))
            # The first step is for those who do not run the server themselves.
            own = (Fix("sender", step, link or None) for step, link in advice.steps)
            steps = (*steps[:1], *own)
    links = [url for _, url in codes.links(sections)]
    # What the reply itself names comes first.
    links = [url for url in (facts.get("link"), zone_page, found.link) if url] + links
    return Explanation(
        language=language,
        input=text,
        reply=reply,
        cause=row.name,
        family=row.family,
        permanence=found.permanence or permanence(reply.code, row),
        decided_by=found.decided_by,
        rule=_rule(reply, found),
        provider=found.provider or None,
        facts=facts,
        title=title,
        means=means,
        seen_when=seen_when,
        fix=(
            *_theirs(found, row, language),
            *steps,
            *(Fix("operator", s) for s in operator),
        ),
        sender_action=action(reply.code, row).value,
        links=tuple(dict.fromkeys(links)),
    )


def _steps(row: Cause, steps: tuple[str, ...], page: str | None) -> Iterator[Fix]:
    """Give the steps of a sender; the one that speaks of the list carries the list's page."""
    place = None
    if page is not None:
        written = texts.cause_template(row.name)["fix_sender"]
        naming = [n for n, step in enumerate(written) if "{zone}" in step]
        place = naming[0] if naming else len(steps) - 1
    for number, step in enumerate(steps):
        yield Fix("sender", step, page if number == place else None)


def _theirs(found: Classified, row: Cause, language: str) -> Iterator[Fix]:
    """Give the steps that only this provider's mail asks for, with its page at the first."""
    if not found.provider:
        return
    steps = texts.provider_steps(found.provider, row.name, row.family, language)
    page = found.link or book().providers[found.provider].page
    for number, step in enumerate(steps):
        yield Fix("sender", step, page if number == 0 and page else None)


def _unknown(text: str, reply: ParsedReply, found: Classified, language: str) -> Explanation:
    words = texts.page("unknown", language)
    return Explanation(
        language=language,
        input=text,
        reply=reply,
        cause=None,
        family="unknown",
        permanence="unclear",
        decided_by="none",
        rule=None,
        provider=found.provider or None,
        facts=found.facts,
        title=words["title"],
        means=words["means"],
        seen_when=words["seen_when"],
        fix=(Fix("sender", words["fix_sender"]), Fix("operator", words["fix_operator"])),
        sender_action=Action.NONE.value,
        links=(),
    )


def _rule(reply: ParsedReply, found: Classified) -> str:
    match found.decided_by:
        case "text" | "provider":
            return found.rule or f"catalog:{found.cause}"
        case "enhanced":
            return f"enhanced:{reply.enhanced}"
        case _:
            return f"code:{reply.code if reply.code is not None else reply.enhanced}"


def _title(url: str) -> str:
    """Give `RFC 5321 §3.1` for its address, and any other address as it is."""
    page, _, place = url.partition("#section-")
    number = page.rpartition("/rfc")[2]
    if not url.startswith("https://www.rfc-editor.org/rfc/rfc"):
        return url
    return f"RFC {number}" + (f" §{place}" if place else "")
