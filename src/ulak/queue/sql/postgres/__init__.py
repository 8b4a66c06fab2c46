"""The schema of the PostgreSQL queue, in steps that nodes of two versions can both live with.

`pre_N.sql` only adds: it runs when the first node of version N comes, while nodes of the version
before go on working. `post_N.sql` takes away what only they needed: it runs when the last of them
is gone. A step without work has no file.
"""

from __future__ import annotations

from importlib.resources import files

VERSION = 1


def migration(step: str, version: int) -> str:
    """Give the statements of `pre` or `post` of a version; empty where there are none."""
    file = files(__name__).joinpath(f"{step}_{version}.sql")
    return file.read_text(encoding="utf-8") if file.is_file() else ""
