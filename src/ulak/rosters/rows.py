"""What a database's rows say of an address, and where a query has its parameters. Pure.

No row: there is no such address. Each row has in its first column an address to which the mail
goes; NULL, an empty text or the address itself stands for a mailbox.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ulak.rosters.roster import Answer, Known, RosterError
from ulak.smtp.grammar import GrammarError, parse_mailbox

PARAMETERS = ("address", "local", "domain")
MOST = 10_000  # rows

# What is no parameter though it may look like one: texts, names, comments, casts.
_SQL = re.compile(
    r"""[eE]'(?:[^'\\]|''|\\.)*'
      | '(?:[^']|'')*'
      | "(?:[^"]|"")*"
      | --[^\n]*
      | /\*.*?\*/
      | \$(?P<tag>[^\W\d]\w*|)\$.*?\$(?P=tag)\$
      | ::
      | :(?P<name>address|local|domain)\b""",
    re.DOTALL | re.VERBOSE,
)


def bindings(address: str) -> dict[str, str]:
    """Give the values of the parameters."""
    local, _, domain = address.rpartition("@")
    return {"address": address, "local": local, "domain": domain}


def numbered(query: str) -> tuple[str, tuple[str, ...]]:
    """Write `:address` as `$1`, and so on; and which parameter each number is."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return match[0]
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _SQL.sub(number, query), tuple(names)


def answer(rows: Sequence[object], address: str, where: str) -> Answer:
    """Give what the first columns say; `where` names the database. Raises RosterError."""
    if not rows:
        return None
    if len(rows) > MOST:
        message = f"{where}: more than {MOST} rows for one address"
        raise RosterError(message)
    texts = ["" if row is None else str(row) for row in rows]
    members = [text for text in texts if text and text.lower() != address]
    try:
        return Known(tuple(str(parse_mailbox(text)) for text in dict.fromkeys(members)))
    except GrammarError as error:
        message = f"{where}: a row has what is no address"
        raise RosterError(message) from error
