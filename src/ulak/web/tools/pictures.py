"""Pictures beside a diagnosis, where they say more than words. One function for each diagnosis."""

from __future__ import annotations

from markupsafe import Markup

from ulak.diagnose.diagnosis import Diagnosis
from ulak.diagnose.reply import Confirmation


def pictures_of(result: Diagnosis | Confirmation, language: str) -> tuple[Markup, ...]:
    """Give the pictures of a diagnosis, in the order in which they are shown."""
    made = result.diagnosis if isinstance(result, Confirmation) else result
    draw = {"ip": of_ip, "domain": of_domain, "message": of_message}.get(made.what)
    return () if draw is None else draw(made, language)


def of_ip(diagnosis: Diagnosis, language: str) -> tuple[Markup, ...]:
    """Draw what was found about an IP address."""
    del diagnosis, language
    return ()


def of_domain(diagnosis: Diagnosis, language: str) -> tuple[Markup, ...]:
    """Draw what was found about a domain: its SPF tree, the DMARC walk."""
    del diagnosis, language
    return ()


def of_message(diagnosis: Diagnosis, language: str) -> tuple[Markup, ...]:
    """Draw what was found about a message: the DMARC walk, the hash path of DKIM."""
    del diagnosis, language
    return ()
