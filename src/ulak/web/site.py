"""What the web knows of the server it stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ulak.language import LANGUAGES


@dataclass(frozen=True, slots=True)
class Site:
    """One web site.

    `hostname` is the server's name. `base` is the address that others reach the site at, without
    a slash at its end (`https://mx.example.org`), or `""` where nobody has said it: links are
    then relative, and pages name no canonical address. `hosts` are the names that a request may
    ask for (`Host`, without port, in lower case); empty: any. `languages` are offered, English
    first. `sections` are the pieces that navigation leads to. `still`: the pages are written as
    files, and nobody will answer a form.
    """

    hostname: str = "localhost"
    base: str = ""
    hosts: frozenset[str] = frozenset()
    languages: tuple[str, ...] = LANGUAGES
    sections: tuple[str, ...] = ()
    still: bool = False


Incident = Callable[[BaseException], str]
"""Notes an error inside, and gives its id."""
