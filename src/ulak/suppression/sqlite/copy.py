"""What a server has told and heard of the list that a cluster has together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import apsw

from ulak.suppression.copying import Change, Heard, News, Untold
from ulak.suppression.sqlite import PUT, open_file
from ulak.suppression.suppressed import Suppressed

_OLDEST = (
    "SELECT u.n, u.address, u.whose, s.address IS NOT NULL, s.cause, s.reply, s.message, s.since, "
    "s.until FROM untold u LEFT JOIN suppressed s ON s.address = u.address AND s.whose = u.whose "
    "ORDER BY u.n LIMIT ?"
)
_IS_UNTOLD = "SELECT 1 FROM untold WHERE address = ? AND whose = ?"
_REST = (
    "DELETE FROM suppressed WHERE NOT EXISTS (SELECT 1 FROM untold u "
    "WHERE u.address = suppressed.address AND u.whose = suppressed.whose)"
)


class SqliteCopy:
    """Follows `suppression.copying.Copy`, in the file of `SqliteSuppressions`."""

    def __init__(self, path: Path) -> None:
        self._file = open_file(path)

    def heard(self) -> Heard | None:
        """Give how far the list was heard; None for who has not joined yet."""

        def heard(connection: apsw.Connection) -> Heard | None:
            row = connection.execute("SELECT seq, name FROM heard").fetchone()
            return None if row is None else Heard(*row)

        return self._file.look(heard, None)

    def join(self) -> None:
        """Note that nothing was heard, and that all that stands here is untold."""

        def join(connection: apsw.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO heard VALUES (1, 0, '')")
            last = "SELECT coalesce(max(n), 0) FROM untold"
            connection.execute(
                f"INSERT OR IGNORE INTO untold SELECT address, whose, ({last}) + "
                "row_number() OVER (ORDER BY since) FROM suppressed"
            )

        self._file.change(join)

    def leave(self) -> None:
        """Note that there are no others any more."""

        def leave(connection: apsw.Connection) -> None:
            connection.execute("DELETE FROM heard")
            connection.execute("DELETE FROM untold")

        if self.heard() is not None:
            self._file.change(leave)

    def begin_again(self) -> None:
        """Forget what stands here and is not untold: all of it will be heard."""

        def begin(connection: apsw.Connection) -> None:
            connection.execute(_REST)
            connection.execute("UPDATE heard SET seq = 0")

        self._file.change(begin)

    def untold(self, limit: int) -> list[Untold]:
        """Give changes made here that were not told yet, the oldest first."""

        def untold(connection: apsw.Connection) -> list[Untold]:
            return [
                Untold(n, Change(who, whose, Suppressed(who, whose, *more) if there else None))
                for n, who, whose, there, *more in connection.execute(_OLDEST, (limit,))
            ]

        return self._file.look(untold, [])

    def told(self, untold: Sequence[Untold]) -> None:
        """Note that they were told, but for what has been changed again since."""
        question = "DELETE FROM untold WHERE address = ? AND whose = ? AND n = ?"

        def told(connection: apsw.Connection) -> None:
            keys = [(one.change.address, one.change.whose, one.number) for one in untold]
            connection.executemany(question, keys)

        self._file.change(told)

    def take(self, news: News) -> None:
        """Take over what was heard; what is untold here stays as it is."""
        gone = "DELETE FROM suppressed WHERE address = ? AND whose = ?"

        def take(connection: apsw.Connection) -> None:
            for change in news.changes:
                key, now = (change.address, change.whose), change.now
                if connection.execute(_IS_UNTOLD, key).fetchone() is not None:
                    continue
                if now is None:
                    connection.execute(gone, key)
                else:
                    row = (*key, now.cause, now.reply, now.message, now.since, now.until)
                    connection.execute(PUT, row)
            heard = (news.heard.seq, news.heard.name)
            connection.execute("UPDATE heard SET seq = ?, name = ?", heard)

        self._file.change(take)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
