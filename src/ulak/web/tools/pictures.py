"""Pictures beside a diagnosis, where they say more than words. One function for each diagnosis."""

from __future__ import annotations

from ulak.diagnose.diagnosis import Diagnosis
from ulak.diagnose.reply import Confirmation
from ulak.web.pictures import Picture, dkim_paths, dmarc_walk, message_way, spf_tree


def pictures_of(result: Diagnosis | Confirmation, language: str) -> tuple[Picture, ...]:
    """Give the pictures of a diagnosis, in the order in which they are shown."""
    made = result.diagnosis if isinstance(result, Confirmation) else result
    draw = {"ip": of_ip, "domain": of_domain, "message": of_message, "reply": of_reply}.get(
        made.what
    )
    return () if draw is None else draw(made, language)


def of_ip(diagnosis: Diagnosis, language: str) -> tuple[Picture, ...]:
    """Draw what was found about an IP address."""
    del diagnosis, language
    return ()


def of_domain(diagnosis: Diagnosis, language: str) -> tuple[Picture, ...]:
    """Draw what was found about a domain: its SPF tree, the DMARC walk."""
    return _there(spf_tree(diagnosis, language), dmarc_walk(diagnosis, language))


def of_message(diagnosis: Diagnosis, language: str) -> tuple[Picture, ...]:
    """Draw what was found about a message: its way, the DMARC walk, the hash path of DKIM."""
    return _there(
        message_way(diagnosis, language),
        dmarc_walk(diagnosis, language),
        *dkim_paths(diagnosis, language),
    )


def of_reply(diagnosis: Diagnosis, language: str) -> tuple[Picture, ...]:
    """Draw what was found about a reply: the DMARC walk, where it was part of it."""
    return _there(dmarc_walk(diagnosis, language))


def _there(*pictures: Picture | None) -> tuple[Picture, ...]:
    return tuple(picture for picture in pictures if picture is not None)
