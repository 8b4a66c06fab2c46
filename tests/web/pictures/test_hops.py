"""The way of a message is drawn from its Received fields, whoever wrote them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.diagnose.internet import MX, genuine
from tests.diagnose.test_diagnosis import examine
from tests.web.pictures.test_pictures import held, hostile, languages, shown

from ulak.diagnose.diagnosis import Diagnosis, to_dict
from ulak.diagnose.message import Envelope
from ulak.language import LANGUAGES
from ulak.mail.received import Hop
from ulak.web.pictures import message_way

START = 1_778_000_000.0
HOPS = (
    Hop("laptop", "192.0.2.7", "mx.example.org", "ESMTPSA", START),
    Hop("mx.example.org", "192.0.2.1", "in.example.net", "ESMTP", START + 400),
    Hop("in.example.net", "192.0.2.9", "", "LMTP", START + 380),
    Hop("x", "", "store.example.net", "", None),
)


def diagnosis(hops: tuple[Hop, ...] = HOPS) -> Diagnosis:
    return Diagnosis("message", "a.eml", (), (), hops=hops)


@pytest.mark.parametrize("language", LANGUAGES)
def test_hops_stand_below_each_other_with_their_waits(language: str) -> None:
    picture = message_way(diagnosis(), language)
    assert picture is not None
    texts = shown(held(picture, language))
    assert texts.index("mx.example.org") < texts.index("in.example.net")
    assert "?" in texts


def test_waits_wrong_clocks_and_encryption_are_said() -> None:
    picture = message_way(diagnosis(), "en")
    assert picture is not None
    texts = shown(held(picture))
    assert "6 min 40 s later" in texts
    assert "20 s earlier: one of the two clocks is wrong" in " ".join(texts)
    assert [t for t in texts if "encrypted" in t] == ["ESMTPSA · encrypted"]
    assert "time: 6 min 40 s" in picture


def test_a_checked_message_brings_its_way() -> None:
    found = examine(genuine(), Envelope())
    assert [hop.ip for hop in found.hops] == [MX]
    assert to_dict(found, "en")["hops"][0]["receiver"] == found.hops[0].receiver
    assert message_way(found, "en") is not None
    assert message_way(diagnosis(()), "en") is None


time = st.none() | st.floats(-1e12, 1e12)


@settings(deadline=None)
@given(st.lists(st.builds(Hop, hostile, hostile, hostile, hostile, time), max_size=9), languages)
def test_no_hops_break_the_picture(hops: list[Hop], language: str) -> None:
    picture = message_way(diagnosis(tuple(hops)), language)
    assert (picture is None) == (not hops)
    if picture is not None:
        held(picture, language)
