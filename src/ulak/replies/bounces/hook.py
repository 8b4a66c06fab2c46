"""A mail with an event in JSON: how Amazon SES tells of bounces over SNS."""

from __future__ import annotations

import json
from typing import Any

from ulak.replies.bounces import mime
from ulak.replies.bounces.failure import Bounce, Failure, Returned
from ulak.replies.parse import parse

_DECODER = json.JSONDecoder(strict=False)  # SNS folds lines within strings
_MOST = 1_000


def read(message: mime.Message) -> Bounce | None:
    """Read the event; None where there is none, or it is no bounce."""
    part = next((part for part in message.parts if part.kind == "text/plain"), None)
    text = part.text().lstrip() if part is not None else ""
    if not text.startswith("{"):
        return None
    event = _object(text)
    if isinstance(event.get("Message"), str):
        event = _object(event["Message"])
    bounce = event.get("bounce")
    kind = event.get("notificationType") or event.get("eventType")
    if kind != "Bounce" or not isinstance(bounce, dict):
        return None
    mta, time = _text(bounce, "reportingMTA").rpartition(";")[2].strip(), _text(bounce, "timestamp")
    waits = bounce.get("bounceType") == "Transient"
    recipients = bounce.get("bouncedRecipients")
    return Bounce(
        tuple(
            _failure(recipient, mta, waits=waits)
            for recipient in (recipients if isinstance(recipients, list) else [])[:_MOST]
            if isinstance(recipient, dict)
        ),
        _returned(event.get("mail")),
        mta,
        time,
        "amazonses",
    )


def _failure(recipient: dict[str, Any], mta: str, *, waits: bool) -> Failure:
    quoted = _text(recipient, "diagnosticCode") or _text(recipient, "status")
    action = _text(recipient, "action") or ("delayed" if waits else "failed")
    return Failure(
        recipient=_text(recipient, "emailAddress"),
        action=action if action in ("failed", "delayed") else "failed",
        reply=parse(quoted),
        quoted=quoted,
        reporting_mta=mta,
        source="amazonses",
    )


def _returned(mail: object) -> Returned:
    headers = mail.get("commonHeaders") if isinstance(mail, dict) else None
    if not isinstance(headers, dict):
        return Returned()
    authors = headers.get("from")
    author = authors[0] if isinstance(authors, list) and authors else ""
    return Returned(
        message_id=_text(headers, "messageId"),
        subject=_text(headers, "subject"),
        sender=author if isinstance(author, str) else "",
        date=_text(headers, "date"),
    )


def _object(text: str) -> dict[str, Any]:
    try:
        found, _ = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return " ".join(value.split()) if isinstance(value, str) else ""
