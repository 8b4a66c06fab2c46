"""The story of a message, a session or an incident: what happened, why, and what to do. Pure.

A fact may hold anything that a peer said. In a sentence it is cut short and made harmless
(`ulak.replies.texts.put`); as a fact and in a dialogue it is given as it was, for whoever shows it
to take care of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from ulak.checks.reason import unpacked
from ulak.journal.carried import MEMBER
from ulak.journal.entry import Entry, Kind
from ulak.journal.secured import TRIED, secured
from ulak.journal.standing import FINISHED, Stand, Standing, cut_short, named_in, standings
from ulak.journal.trace import REPORT_FOR, Trace, What
from ulak.journal.words import say, words
from ulak.replies import catalog, texts

_TROUBLE = frozenset({Kind.REFUSED, Kind.CHECKED, Kind.DEFERRED, Kind.FAILED, Kind.INCIDENT})
_THROUGH = ("through", "caught", "returned")  # names that led to others
_IN_A_SENTENCE = 110  # characters of a reply
_TURNS = frozenset({"again", "instead"})  # why an attempt was made from its source
_VIA = frozenset({"by-command", "by-console", "by-api"})
_MOST_NAMED = 20  # recipients whose standing is told one by one
_FURTHEST = 253_402_300_799.0  # the last second of the year 9999


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry, told. `title` and `means` explain its cause where something went wrong."""

    entry: Entry
    sentence: str
    title: str = ""
    means: str = ""
    again: bool = False  # the same cause was explained before
    reasons: tuple[str, ...] = ()  # the steps of a check


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do, and for whom: `sender`, `operator`, or `""` for whoever asked."""

    who: str
    step: str


@dataclass(frozen=True, slots=True)
class Story:
    """All that the journal has on an id, in sentences of a language, and where it ends."""

    what: What
    id: str
    language: str
    zone: tzinfo
    happenings: tuple[Happening, ...]
    standings: tuple[Standing, ...]
    ending: tuple[str, ...]
    steps: tuple[Step, ...]


def tell(found: Trace, language: str = texts.DEFAULT, zone: tzinfo = UTC) -> Story:
    """Tell what a trace shows; times that stand in sentences are those of the zone."""
    teller = _Teller(found, texts.language(language), zone)
    happenings = tuple(teller.happening(entry) for entry in found.entries)
    return Story(
        found.what,
        found.id,
        teller.language,
        zone,
        happenings,
        teller.standings,
        teller.ending(),
        teller.steps(),
    )


def to_dict(story: Story) -> dict[str, Any]:
    """Give the story as what `json.dumps` takes, with stable keys; times are ISO 8601 in UTC."""
    return {
        "what": str(story.what),
        "id": story.id,
        "language": story.language,
        "entries": [_entry(happening) for happening in story.happenings],
        "recipients": [
            {
                "recipient": standing.recipient,
                "stands": str(standing.stand),
                "cause": standing.cause or None,
                "due": _iso(standing.facts.get("due", "")),
                "report": standing.report or None,
            }
            for standing in story.standings
        ],
        "ending": list(story.ending),
        "steps": [{"who": step.who or None, "step": step.step} for step in story.steps],
    }


def _entry(happening: Happening) -> dict[str, Any]:
    entry = happening.entry
    return {
        "time": _iso(entry.time),
        "kind": str(entry.kind),
        "sentence": happening.sentence,
        "cause": entry.cause or None,
        "title": happening.title or None,
        "means": happening.means or None,
        "reasons": list(happening.reasons),
        "session": entry.session or None,
        "message": entry.message or None,
        "incident": entry.incident or None,
        "facts": dict(entry.facts),
        "dialogue": list(entry.dialogue),
    }


def moment(time: float | str, zone: tzinfo = UTC) -> datetime | None:
    """Give seconds since the epoch, as a number or as a fact, as a time; None for nonsense."""
    try:
        seconds = float(time)
    except ValueError:
        return None
    if not 0.0 <= seconds <= _FURTHEST:
        return None
    return datetime.fromtimestamp(seconds, zone)


def _iso(time: float | str) -> str | None:
    when = moment(time)
    return None if when is None else when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Teller:
    """Tells one story; what was explained once is not explained again."""

    def __init__(self, found: Trace, language: str, zone: tzinfo) -> None:
        self.language = language
        self._found = found
        self._zone = zone
        self._happened = words(language)["happened"]
        self._denied = words(language)["denied"]
        self._explained: set[str] = set()
        self._own = [e for e in found.entries if e.message == found.id]
        is_message = found.what is What.MESSAGE
        self.standings = tuple(standings(self._own)) if is_message else ()

    def _say(self, table: str, name: str, **facts: str) -> str:
        return say(self.language, table, name, facts)

    # -- what happened ------------------------------------------------------------------------

    def happening(self, entry: Entry) -> Happening:
        facts = self._facts(entry)
        sentence = say(self.language, "happened", self._name(entry), facts)
        if facts.get("source"):
            named = f"from-{facts['turn']}" if facts.get("turn") in _TURNS else "from"
            sentence += " " + say(self.language, "said", named, facts)
            why = f"turn-{facts.get('turn_why', '')}"
            if why in words(self.language)["said"]:
                sentence += " " + say(self.language, "said", why, facts)
        if entry.kind in TRIED:
            sentence += secured(self.language, facts)
            if entry.kind is Kind.DEFERRED and "due" in facts:
                sentence += self._next(facts)
        elif entry.kind is Kind.ACCEPTED:
            if "due" in facts:
                sentence += " " + self._say("said", "held", due=facts["due"])
            for name in _THROUGH:
                if facts.get(name):
                    named = ", ".join(facts[name].split(" "))
                    sentence += " " + self._say("said", name, named=named)
            if facts.get("quarantine"):
                sentence += " " + self._say("said", "quarantine", cause=facts["quarantine"])
            if facts.get("unchecked"):
                sentence += " " + self._say("said", "unchecked")
            if facts.get("signed"):
                sentence += " " + self._say("said", "signed", signed=facts["signed"])
        elif entry.kind is Kind.OPERATED and facts.get("who"):
            via = f"by-{facts.get('from', '')}"
            named = via if via in _VIA else "by"
            sentence += " " + say(self.language, "said", named, facts)
        elif facts.get("denied") in self._denied:
            sentence += " " + self._say("denied", facts["denied"])
        if facts.get("srs"):
            name = "srs-kept" if facts["srs"] == "too-long" else "srs"
            sentence += " " + self._say("said", name, srs=facts["srs"])
        if facts.get(MEMBER):
            sentence += " " + self._say("said", "at-member", member=facts[MEMBER])
        if facts.get("output") and facts["output"] not in facts.get("reply", ""):
            sentence += " " + self._say("said", "said-by-handler", output=facts["output"])
        if self._found.what is What.MESSAGE and entry.message not in {"", self._found.id}:
            head = self._say("happened", "of-report", message=entry.message)
            sentence = f"{head} {sentence}"
        steps = _steps(entry.facts.get("reasons", ""), self.language)
        if steps and facts["why"] in sentence:
            steps = ()
        text = _described(entry.cause, self.language, entry.facts)
        if text is None or entry.kind not in _TROUBLE:
            return Happening(entry, sentence, reasons=steps)
        again = entry.cause in self._explained
        self._explained.add(entry.cause)
        return Happening(entry, sentence, text.title, text.means, again, steps)

    def _next(self, facts: Mapping[str, str]) -> str:
        """Tell when the next attempt is due, and why then."""
        told = " " + self._say("said", "next", due=facts["due"])
        if facts.get("site_until"):
            told += " " + say(self.language, "said", "wait-site", facts)
        elif facts.get("rule"):
            told += " " + self._say("said", "by-rule", rule=facts["rule"])
        return told

    def _name(self, entry: Entry) -> str:
        """Name the text that tells of an entry."""
        facts = entry.facts
        match entry.kind:
            case Kind.REFUSED if entry.cause == catalog.TLS_FAILED.name:
                return "tls-failed"
            case Kind.REFUSED if facts.get("mechanism"):
                return "refused-login"
            case Kind.REFUSED if entry.message:
                return "refused-message"
            case Kind.REFUSED if facts.get("recipient") or facts.get("address"):
                return "refused-recipient"
            case Kind.REFUSED:
                return "refused-client"
            case Kind.FAILED if facts.get("late"):
                return "failed-late"
            case Kind.ACCEPTED if facts.get(REPORT_FOR):
                return "accepted-report"
            case Kind.REPORTED if f"reported-{facts.get('action')}" in self._happened:
                return f"reported-{facts['action']}"
            case Kind.DELIVERED if entry.cause == catalog.EXPANDED.name:
                return "delivered-to-members"
            case Kind.DELIVERED if facts.get("where") and facts.get("recipient"):
                return "delivered-here"
            case Kind.SITE if f"site-{facts.get('turn')}" in self._happened:
                return f"site-{facts['turn']}"
            case Kind.OPERATED if f"operated-{facts.get('verb')}" in self._happened:
                return f"operated-{facts['verb']}"
            case Kind.CHECKED if f"checked-{facts.get('check')}" in self._happened:
                return f"checked-{facts['check']}"
            case Kind.CHECKED if f"checked-{facts.get('result')}" in self._happened:
                return f"checked-{facts['result']}"
            case Kind.INCIDENT if "type" not in facts:
                return "incident-answered"
            case _:
                return str(entry.kind)

    def _facts(self, entry: Entry) -> dict[str, str]:
        """Give the facts as the texts name them, with those that are made of others."""
        facts = {name.replace("-", "_"): str(value) for name, value in entry.facts.items()}
        if "sender" in facts and not facts["sender"]:
            facts["sender"] = self._say("said", "null-sender")
        if named := ", ".join(named_in(entry.facts)):
            more = cut_short(entry.facts)
            told = self._say("said", "and-more", named=named, count=str(more)) if more else named
            facts["recipients"] = told
        if facts.get("address"):  # as replies name it
            facts.setdefault("recipient", facts["address"])
        reply = facts.get("reply", "")
        if reply:
            short = reply if len(reply) <= _IN_A_SENTENCE else reply[:_IN_A_SENTENCE] + "…"
            name = "answer" if facts.get("remote") else "own-answer"
            facts["answer"] = self._say("said", name, host=facts.get("host", "")[:60], reply=short)
        if steps := _steps(facts.pop("reasons", ""), self.language):
            facts["why"] = " ".join(steps).removesuffix(".")
        for name in ("due", "site_until"):
            time = self._clock(facts.pop(name, ""))
            if time:
                facts[name] = time
        return facts

    def _clock(self, time: str) -> str:
        when = moment(time, self._zone)
        return "" if when is None else f"{when:%Y-%m-%d %H:%M:%S}"

    # -- where it stands ----------------------------------------------------------------------

    def ending(self) -> tuple[str, ...]:
        match self._found.what:
            case What.MESSAGE:
                return self._message_ending()
            case What.SESSION:
                return self._session_ending()
            case What.INCIDENT:
                return (self._say("stands", "incident"),)

    def _message_ending(self) -> tuple[str, ...]:
        if not self.standings:
            refused = any(e.kind is Kind.REFUSED for e in self._own)
            return (self._say("stands", "refused" if refused else "unknown"),)
        more = any(cut_short(e.facts) for e in self._own)
        if not more and all(s.stand is Stand.DELIVERED for s in self.standings):
            return (self._say("stands", "everybody"),)
        # Those who wait for something to be done come first where there are too many to name.
        told = sorted(self.standings, key=lambda s: s.stand is Stand.DELIVERED)[:_MOST_NAMED]
        sentences = [
            self._say(
                "stands",
                _stands(standing),
                recipient=standing.recipient,
                due=self._clock(standing.facts.get("due", "")),
                report=standing.report,
                id=self._found.id,
            )
            for standing in self.standings
            if standing in told
        ]
        if more or len(told) < len(self.standings):
            sentences.append(self._say("stands", "more"))
        return tuple(sentences)

    def _session_ending(self) -> tuple[str, ...]:
        own = [e for e in self._found.entries if e.session == self._found.id]
        counts = {
            "accepted": str(sum(e.kind is Kind.ACCEPTED for e in own)),
            "refused": str(sum(e.kind is Kind.REFUSED for e in own)),
        }
        closed = next((e for e in own if e.kind is Kind.CLOSED), None)
        if closed is None:
            counted = self._say("stands", "session", **counts)
            return counted, self._say("stands", "session-open")
        # The session has counted what was too much to be noted one by one.
        counts |= {name: closed.facts[name] for name in counts if closed.facts.get(name)}
        return (self._say("stands", "session", **counts),)

    # -- what to do ---------------------------------------------------------------------------

    def steps(self) -> tuple[Step, ...]:
        steps: dict[Step, None] = {}
        for cause, facts in self._causes():
            text = _described(cause, self.language, facts)
            if text is None:
                continue
            steps.update(dict.fromkeys(Step("sender", step) for step in text.fix_sender))
            if not facts.get("remote"):  # another server's operator does not read this
                steps.update(dict.fromkeys(Step("operator", step) for step in text.fix_operator))
        open_ones = [s for s in self.standings if s.stand not in FINISHED]
        if open_ones:
            steps[Step("", self._say("do", "retry", id=self._found.id))] = None
        if self._found.what is What.INCIDENT:
            steps[Step("", self._say("do", "incident"))] = None
        return tuple(steps)

    def _causes(self) -> Sequence[tuple[str, Mapping[str, str]]]:
        """Give the causes that still matter, each once, with the facts of their last time."""
        last: dict[str, Mapping[str, str]] = {}
        if self._found.what is What.MESSAGE and self.standings:
            for standing in self.standings:
                if standing.stand in {Stand.DEFERRED, Stand.FAILED}:
                    for cause in (standing.facts.get("last-cause", ""), standing.cause):
                        last[cause] = standing.facts
        else:
            about = self._own if self._found.what is What.MESSAGE else self._found.entries
            for entry in about:
                if entry.kind in {Kind.REFUSED, Kind.FAILED, Kind.DEFERRED} and entry.cause:
                    last[entry.cause] = entry.facts
        return list(last.items())


def _stands(standing: Standing) -> str:
    """Name the text that tells where a recipient stands."""
    if standing.stand is Stand.FAILED and (why := standing.facts.get("unreported")):
        if why == catalog.NO_SUCH_MAILBOX.name:
            return "failed-nobody-to-tell"
        return "failed-unasked" if why == "not-asked-for" else "failed-unreported"
    if standing.stand is Stand.DELIVERED and standing.cause == catalog.EXPANDED.name:
        return "expanded"
    if standing.stand is Stand.WAITING and standing.facts.get("due"):
        return catalog.HELD_FOR_RELEASE.name
    return str(standing.stand)


def _steps(packed: str, language: str) -> tuple[str, ...]:
    """Give the steps of a check in a language; none where the fact is no list of reasons."""
    if not packed:
        return ()
    try:
        return tuple(reason.text(language) for reason in unpacked(packed))
    except ValueError:
        return ()


def _described(cause: str, language: str, facts: Mapping[str, str]) -> texts.CauseText | None:
    """Give the texts of a cause; None for one that this version does not know (any more)."""
    if not cause:
        return None
    if facts.get("last-cause"):
        facts = {"last": facts.get("reply", ""), **facts}
    try:
        return texts.cause(cause, language).with_facts(facts)
    except KeyError:
        return None
