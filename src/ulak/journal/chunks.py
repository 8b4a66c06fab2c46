"""How entries lie in a journal file: in chunks, each with the ids that are found in it.

A chunk is one row of up to 256 entries as one JSON text. Rows of their own would cost Python twice
as much, and much more under load: SQLite gives the interpreter lock up at every row, and on a
busy event loop each of them waits to have it back (measured: 1,500 rows took 1.45 s beside a busy
thread, 6 chunks 0.04 s). The ids stand in a column of their own, so that a search reads a tenth
of the file and needs no index that would have to be kept at every write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ulak.journal.entry import Entry, Kind
from ulak.journal.trace import REFUSAL, REPORT_FOR

APPLICATION = 0x756C616B  # "ulak", SQLite's application_id
SCHEMA = f"""
PRAGMA application_id = {APPLICATION};
CREATE TABLE IF NOT EXISTS chunk (
  id INTEGER PRIMARY KEY,
  last REAL NOT NULL,     -- the latest time in it, in seconds since the epoch
  ids TEXT NOT NULL,      -- every id in it between line feeds
  entries TEXT NOT NULL   -- [[time, kind, cause, session, message, incident, facts, dialogue], …]
);
-- Strangers ask about these: what they ask must not cost a search. Files of before have no such
-- table, and no such ids.
CREATE TABLE IF NOT EXISTS refusal (
  id TEXT PRIMARY KEY,
  chunk INTEGER NOT NULL
) WITHOUT ROWID;
-- Which chunks hold an entry of a kind: what operators did is seldom among what mail does. Files
-- of before that nobody writes to any more have no such table.
CREATE TABLE IF NOT EXISTS kind (
  kind TEXT NOT NULL,
  chunk INTEGER NOT NULL,
  PRIMARY KEY (kind, chunk)
) WITHOUT ROWID;
"""
KINDS_OF_BEFORE = """
    INSERT OR IGNORE INTO kind (kind, chunk)
    SELECT each.value ->> 1, chunk.id FROM chunk, json_each(
        CASE WHEN json_valid(entries) THEN entries ELSE '[]' END
    ) AS each"""
_SIZE = 256
LONGEST = 16_000  # characters of one fact
_BREAK = "\n"
_KINDS = {kind.value: kind for kind in Kind}


class Chunk(NamedTuple):
    """One row: the columns after `id`, and what is in it as JSON lists.

    `refusals` are their ids (`""` for none), `kinds` those of its entries.
    """

    last: float
    ids: str
    entries: str
    refusals: str
    kinds: str


def chunks(entries: Sequence[Entry]) -> Iterator[tuple[int, Chunk | None]]:
    """Pack entries into chunks: how many entries each holds, and the chunk.

    An entry that cannot be written as it is (a fact that is no text, half a surrogate pair) is
    repaired; one that cannot even be repaired gives None.
    """
    for start in range(0, len(entries), _SIZE):
        part = entries[start : start + _SIZE]
        try:
            yield len(part), _pack(part)
        except (AttributeError, TypeError, ValueError, RecursionError):
            for entry in part:
                yield 1, _repaired(entry)


def _pack(part: Sequence[Entry]) -> Chunk:
    rows = [
        (e.time, e.kind, e.cause, e.session, e.message, e.incident, e.facts, e.dialogue)
        for e in part
    ]
    text = _encode(rows)
    ids = {e.session for e in part}
    ids.update([e.message for e in part])
    ids.update([e.incident for e in part])
    ids.update([e.facts[REPORT_FOR] for e in part if REPORT_FOR in e.facts])
    refusals = [e.facts[REFUSAL] for e in part if REFUSAL in e.facts]
    ids.update(refusals)
    ids.discard("")
    names = _BREAK + _BREAK.join(ids) + _BREAK
    names.encode()  # raises for what SQLite could not take
    refused = json.dumps(refusals) if refusals else ""
    kinds = json.dumps(sorted({e.kind for e in part}))
    return Chunk(float(max([e.time for e in part])), names, text, refused, kinds)


def _plain(value: object) -> object:
    """Give a dictionary for any other mapping (a reply's facts), for the JSON encoder."""
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


# ensure_ascii: half a surrogate pair is a legal Python string and no legal UTF-8.
_encode = json.JSONEncoder(
    separators=(",", ":"), check_circular=False, allow_nan=False, default=_plain
).encode


def _repaired(entry: Entry) -> Chunk | None:
    try:
        whole = Entry(
            float(entry.time) if abs(entry.time) < 1e12 else 0.0,  # noqa: PLR2004 -- also NaN
            _KINDS[entry.kind],
            _text(entry.cause),
            _text(entry.session),
            _text(entry.message),
            _text(entry.incident),
            facts={_text(k): _text(v) for k, v in entry.facts.items()},
            dialogue=tuple(_text(line) for line in entry.dialogue),
        )
        return _pack([whole])
    except Exception:  # noqa: BLE001 -- whatever it is, the journal goes on without it
        return None


def _text(value: object) -> str:
    return str(value)[:LONGEST].encode("utf-8", "replace").decode()


def entries_of(text: str) -> list[Entry]:
    """Unpack a chunk. ValueError where it is damaged."""
    try:
        return [
            Entry(
                float(time),
                _KINDS[kind],
                cause,
                session,
                message,
                incident,
                facts,
                tuple(dialogue),
            )
            for time, kind, cause, session, message, incident, facts, dialogue in json.loads(text)
            if kind in _KINDS  # a newer Ulak may have written others
        ]
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def needle(text: str, *, whole: bool) -> str:
    """Give what to look for in the column `ids` to find an id, or one that begins so."""
    return _BREAK + text + (_BREAK if whole else "")
