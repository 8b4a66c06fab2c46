"""Aggregate reports of DMARC in XML: those of RFC 9990, and those of RFC 7489 Appendix C.

The two differ by a namespace and by some elements; both are read alike, and what a careless author
has left out is missing only where nothing can be told without it. Element names are compared
without their namespace, extensions (RFC 9990 §5) are passed over.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from ulak.reports.aggregate import Aggregate, Note, Published, Row
from ulak.reports.fields import number, one_line
from ulak.reports.observation import Sender, Signature
from ulak.reports.reading.elements import walk
from ulak.reports.reading.trouble import Trouble, UnreadableError

ROWS = 25_000
_OF_A_ROW = 100  # signatures, as RFC 9990 §3.1.3 says, and notes
_ERRORS = 20
_RECORD = ("feedback", "record")
_META = ("feedback", "report_metadata")
_POLICY = ("feedback", "policy_published")
_LISTS = {
    (*_RECORD, "auth_results", "dkim"): "dkim",
    (*_RECORD, "auth_results", "spf"): "spf",
    (*_RECORD, "row", "policy_evaluated", "reason"): "reason",
}
_LONGEST = max(len(path) for path in _LISTS)

Table = dict[str, str]


@dataclass(slots=True)
class _Sink:
    """What a report has said so far."""

    meta: Table = field(default_factory=dict)
    policy: Table = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    record: Table = field(default_factory=dict)
    lists: dict[str, list[Table]] = field(default_factory=dict)

    def begin(self, path: tuple[str, ...]) -> None:
        if path == _RECORD:
            self.record, self.lists = {}, {"dkim": [], "spf": [], "reason": []}
        elif path in _LISTS:
            tables = self.lists[_LISTS[path]]
            if len(tables) <= _OF_A_ROW:
                tables.append({})

    def end(self, path: tuple[str, ...], text: str) -> None:
        above, name = path[:-1], path[-1]
        if path == _RECORD:
            if len(self.rows) >= ROWS:
                raise UnreadableError(Trouble.TOO_MANY, str(ROWS))
            self.rows.append(_row(self.record, self.lists))
        elif above[:2] == _RECORD:
            self._of_record(above, name, text)
        elif above[:2] == _META:
            if name != "error":
                self.meta.setdefault(name, text)
            elif len(self.errors) < _ERRORS:
                self.errors.append(one_line(text))
        elif above == _POLICY:
            self.policy.setdefault(name, text)

    def _of_record(self, above: tuple[str, ...], name: str, text: str) -> None:
        kind = _LISTS.get(above)
        if kind is None:
            self.record.setdefault(name, text)
        elif len(self.lists[kind]) <= _OF_A_ROW:
            self.lists[kind][-1].setdefault(name, text)


def read(octets: bytes) -> Aggregate:
    """Read a report. Raises UnreadableError."""
    sink = _Sink()
    walk(octets, "feedback", sink)
    meta, policy = sink.meta, sink.policy
    if not sink.rows:
        raise UnreadableError(Trouble.MISSING, "record")
    return Aggregate(
        organization=_needed(meta, "org_name"),
        email=one_line(meta.get("email", "")),
        report_id=_needed(meta, "report_id"),
        begin=_number(meta, "begin"),
        end=_number(meta, "end"),
        published=Published(
            domain=_needed(policy, "domain").lower().rstrip("."),
            p=_word(policy, "p"),
            sp=_word(policy, "sp"),
            np=_word(policy, "np"),
            adkim=_word(policy, "adkim"),
            aspf=_word(policy, "aspf"),
            fo=_word(policy, "fo"),
            testing=_word(policy, "testing"),
            discovery=_word(policy, "discovery_method"),
            percent=_word(policy, "pct"),
        ),
        rows=tuple(sink.rows),
        contact=one_line(meta.get("extra_contact_info", "")),
        errors=tuple(sink.errors),
        generator=one_line(meta.get("generator", "")),
    )


def _row(record: Table, lists: dict[str, list[Table]]) -> Row:
    sender = record.get("envelope_from")
    return Row(
        ip=_ip(record),
        count=_number(record, "count"),
        disposition=_word(record, "disposition"),
        dkim=_word(record, "dkim"),
        spf=_word(record, "spf"),
        from_domain=one_line(record.get("header_from", "")).lower(),
        envelope_from=None if sender is None else one_line(sender).lower(),
        envelope_to=one_line(record.get("envelope_to", "")).lower(),
        notes=tuple(
            Note(_word(each, "type"), one_line(each.get("comment", "")))
            for each in lists["reason"][:_OF_A_ROW]
        ),
        signatures=tuple(
            Signature(
                one_line(each.get("domain", "")).lower(),
                one_line(each.get("selector", "")),
                _word(each, "result"),
                one_line(each.get("human_result", "")),
            )
            for each in lists["dkim"][:_OF_A_ROW]
        ),
        senders=tuple(
            Sender(
                one_line(each.get("domain", "")).lower(),
                _word(each, "result"),
                one_line(each.get("human_result", "")),
            )
            for each in lists["spf"][:_OF_A_ROW]
        ),
    )


def _ip(record: Table) -> str:
    text = record.get("source_ip", "")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise UnreadableError(Trouble.WRONG_VALUE, "source_ip") from None


def _word(table: Table, name: str) -> str:
    return one_line(table.get(name, "").lower(), 40)


def _needed(table: Table, name: str) -> str:
    text = one_line(table.get(name, ""))
    if not text:
        raise UnreadableError(Trouble.MISSING, name)
    return text


def _number(table: Table, name: str) -> int:
    if name not in table:
        raise UnreadableError(Trouble.MISSING, name)
    found = number(table[name])
    if found is None:
        raise UnreadableError(Trouble.WRONG_VALUE, name)
    return found
