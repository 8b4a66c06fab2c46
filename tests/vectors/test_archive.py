"""The archives with the public vectors are there, and have what the tests read in them."""

from __future__ import annotations

import pytest
from tests.vectors.archive import read


@pytest.mark.parametrize(
    ("project", "path"),
    [
        ("pyspf", "test/rfc7208-tests.yml"),
        ("dkimpy", "dkim/tests/data/rfc6376.signed.msg"),
        ("authheaders", "authheaders/test/test.message"),
    ],
)
def test_an_archive_has_its_vectors(project: str, path: str) -> None:
    assert len(read(project, path)) > 300


def test_a_missing_archive_says_how_to_get_it() -> None:
    with pytest.raises(FileNotFoundError, match=r"make vectors"):
        read("nobody", "x")
