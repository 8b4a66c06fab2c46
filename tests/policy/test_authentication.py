"""What findings come to: the true cause of a refusal, a folder of its own, or only a mark."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ulak.checks import arc, dkim, dmarc, helo, iprev, spf
from ulak.checks.dmarc.record import read
from ulak.checks.reason import because, unpacked
from ulak.policy.authentication import Findings, Mode, Rules, Verdict, entries, field, judge

IP = "192.0.2.9"
# The resolver names who of ours said what: in the journal, and never to who was refused.
OURS = "192.0.2.53 says servfail"
TROUBLE = because("dns.failed", name="n.example", kind="TXT", problem=f"servfail ({OURS})")
LOUD = {"arc": Mode.ENFORCE, "spf": Mode.ENFORCE, "dkim": Mode.ENFORCE, "iprev": Mode.ENFORCE}
STRICT = {**LOUD, "helo": Mode.ENFORCE}


def chain(
    result: str,
    *sealers: str,
    results: str = "dmarc=pass header.from=a.example",
    unsure: bool = False,
) -> arc.Finding:
    sets = tuple(
        arc.ArcSet(number, "pass", sealer, "s", f"x.example; {results}")
        for number, sealer in enumerate(sealers or ("fwd.example",), 1)
    )
    oldest = 0 if result == "pass" else None
    return arc.Finding(arc.Result(result), len(sets), sets, oldest, unsure, (TROUBLE,))


def origin(result: str) -> spf.Finding:
    return spf.Finding(
        spf.Result(result), "mailfrom", "a.example", IP, "h.example", "x@a.example",
        reasons=(TROUBLE,),
    )  # fmt: skip


def signed(result: str, domain: str = "a.example") -> dkim.Finding:
    return dkim.Finding(dkim.Result(result), domain, "s", reasons=(TROUBLE,))


def judged(result: str, record: str = "", policy: str = "none", **more: Any) -> dmarc.Finding:
    return dmarc.Finding(
        dmarc.Result(result),
        "a.example",
        (TROUBLE,),
        record=record,
        record_domain="a.example" if record else "",
        policy=dmarc.Policy(policy),
        published=read(record.encode()) if record else None,
        **more,
    )


def named(result: str) -> iprev.Finding:
    return iprev.Finding(iprev.Result(result), IP, reasons=(TROUBLE,))


def greeted(result: str) -> helo.Finding:
    return helo.Finding(helo.Result(result), "h", IP, reasons=(because("helo.unknown", helo="h"),))


def verdict(found: Findings, **rules: Any) -> Verdict:
    return judge(found, Rules("mx.example.org", **rules))


def reply(found: Findings, **rules: Any) -> str:
    given = verdict(found, **rules)
    return "" if given.reply is None else f"{given.reply.code} {given.reply.enhanced}"


TRUSTED = {"trusted": frozenset({"fwd.example"})}
REJECT, QUARANTINE = "v=DMARC1; p=reject", "v=DMARC1; p=quarantine"
ASKED = judged("fail", REJECT, "reject")


@pytest.mark.parametrize(
    ("found", "rules", "wanted"),
    [
        (Findings(spf=origin("fail")), {"spf": Mode.ENFORCE}, "550 5.7.23"),
        (Findings(spf=origin("softfail")), {"spf": Mode.ENFORCE}, ""),
        (Findings(spf=origin("permerror")), {"spf": Mode.ENFORCE}, ""),
        (Findings(spf=origin("temperror")), {"spf": Mode.ENFORCE}, "451 4.7.24"),
        (Findings(spf=origin("fail"), dmarc=judged("pass")), {"spf": Mode.ENFORCE}, ""),
        (Findings(spf=origin("temperror"), dmarc=judged("pass")), {"spf": Mode.ENFORCE}, ""),
        (
            Findings(spf=origin("fail"), dmarc=judged("temperror")),
            {"spf": Mode.ENFORCE, "dmarc": Mode.MARK},
            "451 4.7.1",
        ),
        (Findings(dkim=()), {"dkim": Mode.ENFORCE}, "550 5.7.20"),
        (Findings(dkim=(signed("fail"),)), {"dkim": Mode.ENFORCE}, "550 5.7.20"),
        (Findings(dkim=(signed("fail"), signed("policy"))), {"dkim": Mode.ENFORCE}, "550 5.7.21"),
        (Findings(dkim=(signed("temperror"),)), {"dkim": Mode.ENFORCE}, "451 4.7.5"),
        (Findings(dkim=(signed("fail"), signed("pass"))), {"dkim": Mode.ENFORCE}, ""),
        (Findings(dkim=(signed("temperror"), signed("pass"))), {"dkim": Mode.ENFORCE}, ""),
        (
            Findings(dkim=(signed("pass", "list.example"),), authors=("a.example",)),
            {"dkim": Mode.ENFORCE, "author_signs": True},
            "550 5.7.22",
        ),
        (
            Findings(
                dkim=(signed("pass", "list.example"), signed("temperror")), authors=("a.example",)
            ),
            {"dkim": Mode.ENFORCE, "author_signs": True},
            "451 4.7.5",
        ),
        (
            Findings(dkim=(signed("pass", "a.example"),), authors=("news.a.example",)),
            {"dkim": Mode.ENFORCE, "author_signs": True},
            "",
        ),
        (Findings(iprev=named("fail")), {"iprev": Mode.ENFORCE}, "550 5.7.25"),
        (Findings(iprev=named("permerror")), {"iprev": Mode.ENFORCE}, "550 5.7.25"),
        (Findings(iprev=named("temperror")), {"iprev": Mode.ENFORCE}, "451 4.7.25"),
        (Findings(iprev=named("pass")), {"iprev": Mode.ENFORCE}, ""),
        (Findings(helo=greeted("fail")), {"helo": Mode.ENFORCE}, "550 5.7.1"),
        (Findings(helo=greeted("temperror")), {"helo": Mode.ENFORCE}, "451 4.7.1"),
        (Findings(helo=greeted("neutral")), {"helo": Mode.ENFORCE}, ""),
        (Findings(arc=chain("fail")), {"arc": Mode.ENFORCE}, "550 5.7.29"),
        (Findings(spf=origin("none"), dkim=()), {"one_pass": True}, "550 5.7.26"),
        (Findings(spf=origin("pass"), dkim=()), {"one_pass": True}, ""),
        (Findings(spf=origin("fail"), dkim=(signed("pass"),)), {"one_pass": True}, ""),
        (Findings(spf=origin("temperror"), dkim=()), {"one_pass": True}, "451 4.7.24"),
        (
            Findings(spf=origin("none"), dkim=(signed("temperror"),)),
            {"one_pass": True},
            "451 4.7.5",
        ),
        (Findings(spf=origin("fail"), dkim=()), STRICT, "550 5.7.26"),
        (Findings(dmarc=ASKED), {}, "550 5.7.1"),
        (Findings(dmarc=judged("fail", QUARANTINE, "quarantine")), {}, ""),
        (Findings(dmarc=judged("fail", "v=DMARC1; p=none")), {}, ""),
        (Findings(dmarc=judged("pass", REJECT, "reject")), {}, ""),
        (Findings(dmarc=judged("permerror")), {}, ""),
        (Findings(dmarc=judged("temperror")), {}, "451 4.7.1"),
        (Findings(dmarc=judged("temperror", REJECT, "reject")), {}, "451 4.7.1"),
        (Findings(dmarc=judged("temperror", "v=DMARC1; p=none")), {}, ""),
        (Findings(dmarc=judged("temperror", "v=DMARC1; p=none; np=reject")), {}, "451 4.7.1"),
        (Findings(dmarc=judged("temperror", QUARANTINE + "; t=y", testing=True)), {}, ""),
        (Findings(dmarc=ASKED, arc=chain("pass")), TRUSTED, ""),
        (Findings(dmarc=ASKED, arc=chain("pass")), {}, "550 5.7.1"),
        (
            Findings(dmarc=ASKED, arc=chain("pass", results="dmarc=fail header.from=a.example")),
            TRUSTED,
            "550 5.7.1",
        ),
        (Findings(dmarc=ASKED, arc=chain("pass", "FWD.example")), TRUSTED, ""),
        (Findings(arc=chain("fail", unsure=True)), {"arc": Mode.ENFORCE}, ""),
        (
            Findings(dmarc=ASKED, arc=chain("pass", "fwd.example", "evil.example")),
            TRUSTED,
            "550 5.7.1",
        ),
        (
            Findings(dmarc=ASKED, arc=chain("fail")),
            TRUSTED,
            "550 5.7.1",
        ),
        (
            Findings(dmarc=ASKED, arc=chain("fail", unsure=True)),
            TRUSTED,
            "451 4.7.1",
        ),
        (Findings(dmarc=ASKED, arc=chain("fail", unsure=True)), {}, "550 5.7.1"),
    ],
)  # fmt: skip
def test_a_finding_is_answered_as_the_rules_have_it(
    found: Findings, rules: dict[str, Any], wanted: str
) -> None:
    assert reply(found, **rules) == wanted


BAD = Findings(
    spf=origin("fail"),
    dkim=(signed("fail"),),
    dmarc=ASKED,
    arc=chain("fail"),
    iprev=named("fail"),
    helo=greeted("fail"),
    authors=("a.example",),
)
UNKNOWN = Findings(
    spf=origin("temperror"),
    dkim=(signed("temperror"),),
    dmarc=judged("temperror"),
    iprev=named("temperror"),
    helo=greeted("temperror"),
)
QUIET = {"dmarc": Mode.MARK}


@pytest.mark.parametrize("found", [BAD, UNKNOWN])
def test_what_is_only_marked_never_refuses_and_never_puts_off(found: Findings) -> None:
    assert verdict(found, **QUIET) == Verdict()


def test_several_causes_are_told_together_and_trouble_hides_none_that_is_certain() -> None:
    given = verdict(BAD, **STRICT).reply
    assert given is not None
    assert str(given) == (
        "550 5.7.26 The message failed several checks of who sent it: HELO, reverse DNS, SPF, DKIM,"
        " ARC, DMARC"
    )
    certain = replace(UNKNOWN, iprev=named("fail"))
    assert reply(certain, **STRICT) == "550 5.7.25"


def test_what_is_put_apart_has_its_cause_and_a_refusal_goes_before() -> None:
    apart = judged("fail", QUARANTINE, "quarantine")
    assert verdict(Findings(dmarc=apart)) == Verdict(None, "dmarc-quarantine", "quarantine")
    refused = verdict(Findings(dmarc=apart, spf=origin("fail")), spf=Mode.ENFORCE)
    assert refused.quarantine == ""
    assert refused.reply is not None
    assert refused.reply.cause == "spf-fail"


def test_dns_trouble_is_named_in_the_reply() -> None:
    given = verdict(Findings(spf=origin("temperror")), spf=Mode.ENFORCE).reply
    assert given is not None
    assert str(given) == (
        "451 4.7.24 SPF of a.example could not be evaluated: "
        "DNS could not say what n.example has (TXT): servfail"
    )


@pytest.mark.parametrize(
    ("found", "rules"),
    [
        (Findings(spf=origin("temperror")), {"spf": Mode.ENFORCE}),
        (Findings(dkim=(signed("temperror"),)), {"dkim": Mode.ENFORCE}),
        (Findings(dkim=(signed("policy"),)), {"dkim": Mode.ENFORCE}),
        (Findings(iprev=named("temperror")), {"iprev": Mode.ENFORCE}),
        (Findings(helo=replace(greeted("temperror"), reasons=(TROUBLE,))), {"helo": Mode.ENFORCE}),
        (Findings(helo=replace(greeted("fail"), reasons=(TROUBLE,))), {"helo": Mode.ENFORCE}),
        (Findings(dmarc=judged("temperror")), {}),
        (Findings(spf=origin("fail"), dmarc=judged("temperror")), {"spf": Mode.ENFORCE}),
        (Findings(spf=origin("temperror")), {"one_pass": True}),
        (Findings(spf=origin("none"), dkim=(signed("temperror"),)), {"one_pass": True}),
        (Findings(dmarc=ASKED, arc=chain("none", unsure=True)), TRUSTED),
    ],
)
def test_no_reply_names_a_name_server_of_ours(found: Findings, rules: dict[str, Any]) -> None:
    said = verdict(found, **rules).reply
    assert said is not None
    assert "could not say what n.example has (TXT): servfail" in str(said)
    assert OURS not in str(said)
    assert OURS not in " ".join(map(str, said.facts.values()))


def test_a_check_that_is_off_is_told_to_nobody() -> None:
    quiet = Rules("mx.example.org", spf=Mode.OFF, helo=Mode.OFF)
    told = [entry.facts["check"] for entry in entries(BAD, quiet, time=1, session="s", message="m")]
    assert told == ["iprev", "dkim", "arc", "dmarc"]
    assert b"spf=" not in field(BAD, quiet, utf8=False)


def test_the_journal_gets_every_step() -> None:
    rules = Rules("mx.example.org")
    found = {e.facts["check"]: e for e in entries(BAD, rules, time=1, session="s", message="m")}
    assert list(found) == ["helo", "iprev", "spf", "dkim", "arc", "dmarc"]
    assert unpacked(found["spf"].facts["reasons"]) == (TROUBLE,)
    assert found["dmarc"].facts["policy"] == "reject"
    assert found["dkim"].facts["selector"] == "s"
    assert {(e.time, e.session, e.message) for e in found.values()} == {(1, "s", "m")}


def test_the_header_says_what_was_found() -> None:
    rules = Rules("mx.example.org", received_spf=True)
    written = field(BAD, rules, utf8=False).decode()
    assert written.startswith("Authentication-Results: mx.example.org;\r\n")
    for word in ("iprev=fail", "spf=fail", "dkim=fail", "arc=fail", "dmarc=fail"):
        assert word in written
    assert "\r\nReceived-SPF: fail" in written
    assert b"Received-SPF" not in field(BAD, Rules("mx.example.org"), utf8=False)
