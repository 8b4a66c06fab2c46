"""The part of a report that a person reads: what happened, to whom, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import TextWrapper

from ulak.bounce.frame import Frame
from ulak.bounce.header import clean
from ulak.bounce.notice import Action, Explain, Office, Original, Trouble
from ulak.replies import catalog

_WIDTH = 72
_MOST = 20  # recipients that are shown with one cause; all are in the second part


def human(
    frame: Frame,
    office: Office,
    original: Original,
    troubles: Sequence[Trouble],
    action: Action,
    *,
    subject: str,
    whole: bool,
    explain: Explain,
) -> str:
    """Write the explanation, lines ending in LF. The answers of servers are not wrapped."""
    blocks = [
        _wrapped(frame.text("greeting", hostname=office.hostname)),
        _wrapped(_news(frame, troubles, action)),
        _about(frame, original, subject),
    ]
    for together in _by_cause(troubles):
        blocks.extend(_section(frame, together, explain))
    attached = frame.text("attached_whole" if whole else "attached_header")
    closing = frame.text("closing", postmaster=office.postmaster, id=original.id)
    blocks.append(_wrapped(f"{attached} {closing}"))
    return "\n\n".join(blocks) + "\n"


def _news(frame: Frame, troubles: Sequence[Trouble], action: Action) -> str:
    first = troubles[0]
    number = "one" if len(troubles) == 1 else "many"
    return frame.text(
        f"{action}_{number}",
        recipient=clean(first.recipient),
        count=len(troubles),
        until=frame.date(max(trouble.until for trouble in troubles)),
    )


def _about(frame: Frame, original: Original, subject: str) -> str:
    lines = [(frame.text("accepted_label"), frame.date(original.received))]
    if subject:
        lines.insert(0, (frame.text("subject_label"), subject))
    width = max(len(label) for label, _ in lines) + 1
    return "\n".join(f"    {label + ':':<{width}} {value}" for label, value in lines)


def _by_cause(troubles: Sequence[Trouble]) -> Iterator[list[Trouble]]:
    """Give recipients with one cause together, so that it is explained once."""
    groups: dict[tuple[str, int], list[Trouble]] = {}
    for trouble in troubles:
        groups.setdefault((trouble.cause, trouble.days), []).append(trouble)
    yield from groups.values()


def _section(frame: Frame, together: Sequence[Trouble], explain: Explain) -> Iterator[str]:
    facts = dict(_shared([trouble.facts for trouble in together]))
    words = explain(together[0].cause, frame.language, facts)
    yield _heading(words.title)
    if days := together[0].days:
        # The last cause says that the message waits and is tried again: not any more.
        words = explain(catalog.EXPIRED.name, frame.language, {"days": str(days)})
    for trouble in together[:_MOST]:
        said = f"    {_introduction(frame, trouble)}\n\n        {clean(trouble.reply)}"
        yield f"{clean(trouble.recipient)}\n{said}"
    if len(together) > _MOST:
        yield _wrapped(frame.text("more", count=len(together) - _MOST))
    yield f"{frame.text('means')}:\n{_wrapped(words.means, '    ')}"
    if words.fix_sender:
        steps = "\n".join(_wrapped(step, "  * ", "    ") for step in words.fix_sender)
        yield f"{frame.text('todo')}:\n{steps}"


def _introduction(frame: Frame, trouble: Trouble) -> str:
    host = clean(trouble.host)
    if trouble.remote and host:
        key = "given_up_remote" if trouble.days else "remote_said"
        return frame.text(key, host=host, days=trouble.days)
    return frame.text("given_up_own" if trouble.days else "we_found", days=trouble.days)


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
