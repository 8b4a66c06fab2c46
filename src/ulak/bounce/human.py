"""The part of a report that a person reads: what happened, to whom, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import TextWrapper

from ulak.bounce.evidence import evidence
from ulak.bounce.frame import Frame
from ulak.bounce.header import clean
from ulak.bounce.notice import Action, Explain, Fate, Office, Original
from ulak.bounce.status import giving_up

_WIDTH = 72
_SUCCESS = frozenset({Action.DELIVERED, Action.RELAYED, Action.EXPANDED})
_MOST = 20  # recipients that are shown with one cause; all are in the second part


def human(
    frame: Frame,
    office: Office,
    original: Original,
    fates: Sequence[Fate],
    action: Action,
    *,
    subject: str,
    whole: bool,
    explain: Explain,
) -> str:
    """Write the explanation, lines ending in LF. The answers of servers are not wrapped."""
    blocks = [
        _wrapped(frame.text("greeting", hostname=office.hostname)),
        _wrapped(_news(frame, fates, action)),
        _about(frame, original, subject),
    ]
    if action in _SUCCESS:
        blocks.extend(_well(frame, fates, action))
    else:
        for together in _by_cause(fates):
            blocks.extend(_section(frame, together, action, explain))
    attached = frame.text(f"attached_{_attached(original, whole=whole)}")
    closing = frame.text("closing", postmaster=office.postmaster, id=original.id)
    blocks.append(_wrapped(f"{attached} {closing}"))
    return "\n\n".join(blocks) + "\n"


def _attached(original: Original, *, whole: bool) -> str:
    if original.lost:
        return "none"
    return "whole" if whole else "header"


def _news(frame: Frame, fates: Sequence[Fate], action: Action) -> str:
    first = fates[0]
    number = "one" if len(fates) == 1 else "many"
    late = action is Action.DELAYED and first.deadline
    return frame.text(
        f"late_{number}" if late else f"{action}_{number}",
        recipient=clean(first.recipient),
        count=len(fates),
        until=frame.date(max(fate.until for fate in fates)),
        deadline=frame.date(first.deadline),
    )


def _well(frame: Frame, fates: Sequence[Fate], action: Action) -> Iterator[str]:
    """Tell of recipients with whom all went well: their names, and who has the message now."""
    relayed = action is Action.RELAYED
    if relayed:
        for fate in fates[:_MOST]:
            yield _answer(frame, fate, action)
    elif len(fates) > 1 or fates[0].through:
        yield "\n".join(f"    {_named(frame, fate, '      ')}" for fate in fates[:_MOST])
    if len(fates) > _MOST:
        yield _wrapped(frame.text("more", count=len(fates) - _MOST))
    if relayed:
        last = all(fate.last for fate in fates)
        yield _wrapped(frame.text("relayed_last" if last else "relayed_more"))


def _about(frame: Frame, original: Original, subject: str) -> str:
    lines = [(frame.text("accepted_label"), frame.date(original.received))]
    if subject:
        lines.insert(0, (frame.text("subject_label"), subject))
    width = max(len(label) for label, _ in lines) + 1
    return "\n".join(f"    {label + ':':<{width}} {value}" for label, value in lines)


def _by_cause(fates: Sequence[Fate]) -> Iterator[list[Fate]]:
    """Give recipients with one cause together, so that it is explained once."""
    groups: dict[tuple[str, int, float], list[Fate]] = {}
    for fate in fates:
        groups.setdefault((fate.cause, fate.days, fate.deadline), []).append(fate)
    yield from groups.values()


def _section(
    frame: Frame, together: Sequence[Fate], action: Action, explain: Explain
) -> Iterator[str]:
    first = together[0]
    facts = dict(_shared([fate.facts for fate in together]))
    if first.deadline:
        facts["until"] = frame.date(first.deadline)
    words = explain(first.cause, frame.language, facts)
    yield _heading(words.title)
    if given_up := giving_up(first, action):
        # The last cause says that the message waits and is tried again: not any more.
        known = {"days": str(first.days), "until": frame.date(first.deadline)}
        words = explain(given_up.name, frame.language, known)
    for fate in together[:_MOST]:
        yield _answer(frame, fate, action)
    if len(together) > _MOST:
        yield _wrapped(frame.text("more", count=len(together) - _MOST))
    beside = list(evidence(frame, first, facts, action))
    if beside:
        lines = "\n".join(_wrapped(sentence, "  * ", "    ") for sentence in beside)
        yield f"{frame.text('evidence')}:\n{lines}"
    yield f"{frame.text('means')}:\n{_wrapped(words.means, '    ')}"
    if words.fix_sender:
        steps = "\n".join(_wrapped(step, "  * ", "    ") for step in words.fix_sender)
        yield f"{frame.text('todo')}:\n{steps}"


def _answer(frame: Frame, fate: Fate, action: Action) -> str:
    introduction = _wrapped(_introduction(frame, fate, action), "    ")
    return f"{_named(frame, fate, '    ')}\n{introduction}\n\n        {clean(fate.reply)}"


def _named(frame: Frame, fate: Fate, indent: str) -> str:
    """Name a recipient, and the alias that its sender knows it by."""
    name = clean(fate.recipient)
    if not fate.through:
        return name
    return f"{name}\n{_wrapped(frame.text('through', alias=clean(fate.through)), indent)}"


def _introduction(frame: Frame, fate: Fate, action: Action) -> str:
    host = clean(fate.host)
    who = "remote" if fate.remote and host else "own"
    key = f"said_{who}"
    if giving_up(fate, action):
        key = f"given_up_{who}" if fate.days else f"overdue_{who}"
    return frame.text(key, host=host, days=fate.days, deadline=frame.date(fate.deadline))


def _shared(all_facts: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """Give the facts that are the same for all: only they may stand in a text about all."""
    for key, value in all_facts[0].items():
        if all(facts.get(key) == value for facts in all_facts):
            yield key, value


def _heading(title: str) -> str:
    return f"{title}\n{'-' * min(len(title), _WIDTH)}"


def _wrapped(text: str, first: str = "", later: str | None = None) -> str:
    wrapper = TextWrapper(
        _WIDTH,
        initial_indent=first,
        subsequent_indent=first if later is None else later,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapper.fill(text)
