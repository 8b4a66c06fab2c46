"""Any text as a reply, any mail as a report: explained on a page that shows and never obeys."""

from __future__ import annotations

import contextlib
import json
import re

from tests.fuzz.octets import Octets

from ulak.replies.bounces import failures
from ulak.replies.compare import compare
from ulak.replies.document import to_html, to_markdown, to_text
from ulak.replies.explain import explain, explain_parsed
from ulak.replies.sides import UnknownReplyError

_TAG = re.compile(r"<(/?[a-z0-9]*)")
_TAGS = frozenset(
    re.findall(r"\w*", "a body code dd dl dt h1 h2 h3 head html li main meta ol p style title ul")
)
_DECIDED = {"text", "provider", "enhanced", "code", "none"}


def one(data: bytes) -> None:
    given = Octets(data)
    language = given.choice(("en", "tr"))
    as_mail = given.flag()
    octets = given.rest()
    if as_mail:
        for failure in failures(octets):
            told = explain_parsed(failure.reply, failure.quoted, language, cause=failure.cause)
            json.dumps(told.to_json())
            to_html(told.to_document())
        return
    text = octets.decode("utf-8", "replace")
    told = explain(text, language)
    assert told.decided_by in _DECIDED
    assert (told.cause is None) == (told.decided_by == "none")
    json.dumps(told.to_json())
    page = told.to_document()
    to_text(page)
    to_markdown(page)
    html = to_html(page)
    assert {tag.strip("/") for tag in _TAG.findall(html)} <= _TAGS
    left, _, right = text.partition("\n\n")
    with contextlib.suppress(UnknownReplyError):
        compare(left, right, language).to_html()
