"""The schema of the PostgreSQL queue, in steps that nodes of two versions can both live with.

`pre_N.sql` only adds: it runs when the first node of version N comes, while nodes of the version
before go on working. `post_N.sql` takes away what only they needed: it runs when none of them has
been seen for a day. A step without work has no file. Who writes one keeps to this:

- What is added has a default, or may be NULL: nodes of the version before know nothing of it. What
  is not written any more has a default from `pre` on, till `post` takes it away.
- Where a column takes the place of another, a trigger keeps both in step between `pre` and `post`.
- All of a step is one transaction, which holds up all mail while it has its locks: no table is
  written anew in it, no index made on one that may be large, no rows changed by the thousand.
- Statements name the columns that they write, so that one which is taken away is in no one's way.
"""

from __future__ import annotations

from importlib.resources import files

VERSION = 1


def migration(step: str, version: int) -> str:
    """Give the statements of `pre` or `post` of a version; empty where there are none."""
    file = files(__name__).joinpath(f"{step}_{version}.sql")
    return file.read_text(encoding="utf-8") if file.is_file() else ""
