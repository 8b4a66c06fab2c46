"""Files in the source archives that `make vectors` fetches from PyPI."""

from __future__ import annotations

import tarfile
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / ".venv" / "vectors"


@cache
def read(project: str, path: str) -> bytes:
    """Give the octets of a file in the source archive of a project, by its path in there."""
    found = sorted(_FOLDER.glob(f"{project}-*.tar.gz"))
    if len(found) != 1:
        message = f"{_FOLDER} has no archive of {project}: run `make vectors`"
        raise FileNotFoundError(message)
    with tarfile.open(found[0]) as archive:
        file = archive.extractfile(f"{found[0].name.removesuffix('.tar.gz')}/{path}")
        assert file is not None
        return file.read()
