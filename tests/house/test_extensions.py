"""The page of extensions, the settings and the two tables of extensions say the same."""

from __future__ import annotations

import re
from typing import NamedTuple

from tests.house.repository import ROOT

from ulak.config import settings
from ulak.smtp.client.extensions import EXTENSIONS as SENT
from ulak.smtp.extensions import TABLE
from ulak.smtp.offers import Offers, Standing
from ulak.smtp.sasl.table import Channel, Ways

WAYS = Ways(frozenset({"PLAIN"}))
RECEIVED = {row.keyword: row for row in TABLE}
_ROW = re.compile(r"^\| ([A-Z0-9-]+) \| (\d+) \|(.*)\|(.*)\|(.*)\|$", re.MULTILINE)
_RFC = re.compile(r"RFC (\d+) ")


class Line(NamedTuple):
    rfc: str
    brings: set[str]
    received: str
    sent: str


PAGE = {
    keyword: Line(rfc, set(re.findall(r"`([^`]+)`", brings)), received.strip(), sent.strip())
    for keyword, rfc, brings, received, sent in _ROW.findall(
        (ROOT / "docs" / "extensions.md").read_text("utf-8")
    )
}


def rfc(section: str) -> str:
    found = _RFC.match(section)
    assert found is not None, section
    return found[1]


def test_the_page_has_every_extension_in_the_order_of_the_answer_to_ehlo() -> None:
    assert list(PAGE) == list(RECEIVED)
    assert set(SENT) <= set(PAGE)


def test_the_page_tells_what_is_sent() -> None:
    assert {key for key, line in PAGE.items() if line.sent.startswith("yes")} == set(SENT)


def test_the_page_and_both_tables_name_the_same_rfc() -> None:
    for keyword, line in PAGE.items():
        assert rfc(RECEIVED[keyword].section) == line.rfc
        if keyword in SENT:
            assert rfc(SENT[keyword].section) == line.rfc


def test_the_page_tells_what_an_extension_brings() -> None:
    for keyword, line in PAGE.items():
        row = RECEIVED[keyword]
        assert {*row.mail, *row.rcpt, *row.commands} == line.brings, keyword


def test_what_can_be_withheld_is_what_a_listener_looks_at() -> None:
    everything = Offers("submission", longest_hold=60, ways=WAYS, tls=True, expn=True)
    matter_of_course = {"ENHANCEDSTATUSCODES", "HELP"}
    gone = set()
    for row in TABLE:
        bare = Offers(
            "submission",
            frozenset({row.keyword}),
            longest_hold=60,
            ways=WAYS,
            tls=True,
            expn=True,
        )
        for channel in (Channel(), Channel(secure=True)):
            with_it = Standing(everything, 1000, channel, trusted=True)
            without = Standing(bare, 1000, channel, trusted=True)
            if row.offer(with_it, 0.0) and not row.offer(without, 0.0):
                gone.add(row.keyword)
    assert gone - matter_of_course == set(settings.EXTENSIONS)
