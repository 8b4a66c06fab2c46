"""What follows from findings: the most severe word counts, and nothing passes in silence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.checks.reason import because, unpacked
from ulak.checks.scanner import Added, Finding, Result, Symbol
from ulak.policy.content import Action, Rules, Scores, Verdict, cleaned, judge

RULES = Rules()


def of_rspamd(
    result: Result = Result.CLEAN,
    score: float | None = 1.0,
    required: float | None = 15.0,
    *,
    message: str = "",
    symbols: tuple[Symbol, ...] = (),
    add: tuple[Added, ...] = (),
    remove: tuple[str, ...] = (),
) -> Finding:
    return Finding(
        "rspamd",
        "rspamd",
        result,
        score,
        required,
        "said",
        symbols,
        message,
        add=add,
        remove=remove,
        reasons=(because("scanner.no-virus", scanner="rspamd"),),
    )


def of_clamd(result: Result, signature: str = "") -> Finding:
    return Finding("clamd", "clamd", result, signature=signature)


FAILED = Finding("rspamd", "rspamd", Result.FAILED)


def verdict(*findings: Finding, rules: Rules = RULES) -> Verdict:
    return judge([(finding, rules) for finding in findings], size=1000)


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (of_rspamd(Result.SPAM, 20.0), "550 5.7.1 The message was judged to be spam: its content "),
        (of_rspamd(Result.SPAM, 15.0, message="Gtube"), "550 5.7.1 The message was judged to be s"),
        (of_clamd(Result.VIRUS, "Eicar"), "550 5.7.1 The message has something harmful in it, whi"),
        (of_rspamd(Result.LATER), "451 4.7.1 The message is put off, try again later: the spam f"),
        (
            FAILED,
            "451 4.7.1 The message could not be scanned for spam and viruses, try again later",
        ),
    ],
)
def test_by_default_spam_and_viruses_are_refused_and_what_is_not_known_is_put_off(
    finding: Finding, line: str
) -> None:
    reply = verdict(finding).reply
    assert reply is not None
    assert str(reply).startswith(line)


def test_what_the_filter_would_say_is_said_and_the_score_is_not() -> None:
    reply = verdict(of_rspamd(Result.SPAM, 15.5, message="Gtube pattern")).reply
    assert str(reply) == "550 5.7.1 The message was judged to be spam: Gtube pattern"
    assert "15" not in str(verdict(of_rspamd(Result.SPAM, 15.5)).reply)


def test_of_a_virus_the_stranger_learns_the_name_alone() -> None:
    reply = verdict(of_clamd(Result.VIRUS, "Eicar-1")).reply
    assert reply is not None
    assert reply.facts == {"signature": "Eicar-1"}
    assert "clamd" not in str(reply)


def test_what_is_clean_or_only_to_be_greylisted_is_taken() -> None:
    for result in (Result.CLEAN, Result.GREYLIST):
        found = verdict(of_rspamd(result), of_clamd(Result.CLEAN))
        assert found.reply is None
        assert found.action is Action.NONE
        assert found.quarantine == ""
        assert b"X-Spam-Status: No, score=1.00 required=15.00 tests=[]\r\n" in found.top
        assert b"X-Virus-Status: Clean\r\n" in found.top
        assert b"X-Spam-Flag" not in found.top


def test_what_is_suspect_is_marked_by_the_names_that_filters_know() -> None:
    symbols = (Symbol("RULE_ONE", 7.5, ("x",)), Symbol("RULE_TWO", -0.25))
    found = verdict(of_rspamd(Result.SUSPECT, 7.25, symbols=symbols))
    assert found.action is Action.MARK
    assert found.top.split(b"\r\n") == [
        b"X-Spam-Status: Yes, score=7.25 required=15.00 tests=[RULE_ONE=7.50,",
        b"\tRULE_TWO=-0.25]",
        b"X-Spam-Score: 7.25",
        b"X-Spam-Level: *******",
        b"X-Spam-Flag: YES",
        b"",
    ]


def test_many_symbols_are_folded_and_bounded() -> None:
    symbols = tuple(Symbol("R_" + "X" * 70 + str(i), 1.0) for i in range(100))
    found = verdict(of_rspamd(Result.SUSPECT, 1000.0, symbols=symbols))
    assert max(map(len, found.top.split(b"\r\n"))) < 100
    assert found.top.count(b"R_X") == 40
    assert b"X-Spam-Level: " + b"*" * 50 + b"\r\n" in found.top


def test_the_most_severe_word_counts_and_a_known_virus_more_than_a_scanner_that_is_down() -> None:
    virus, spam = of_clamd(Result.VIRUS, "Eicar"), of_rspamd(Result.SPAM, 20.0)
    for findings in ((virus, FAILED), (FAILED, virus)):
        reply = verdict(*findings).reply
        assert reply is not None
        assert reply.cause == "virus-found"
    reply = verdict(FAILED, of_clamd(Result.CLEAN)).reply
    assert reply is not None
    assert reply.cause == "scan-failed"
    assert verdict(spam, of_clamd(Result.CLEAN)).action is Action.REFUSE
    assert len(verdict(spam, virus, FAILED).findings) == 3


@pytest.mark.parametrize(
    ("finding", "rules", "cause"),
    [
        (of_rspamd(Result.SPAM, 20.0), Rules(spam=Action.QUARANTINE), "spam-found"),
        (of_rspamd(Result.SUSPECT), Rules(suspect=Action.QUARANTINE), "spam-found"),
        (of_rspamd(Result.QUARANTINE), Rules(), "spam-found"),
        (of_clamd(Result.VIRUS, "E"), Rules(virus=Action.QUARANTINE), "virus-found"),
        (FAILED, Rules(failed=Action.QUARANTINE), "scan-failed"),
        (of_clamd(Result.TOO_LARGE), Rules(too_large=Action.QUARANTINE), "too-large-to-scan"),
    ],
)
def test_what_is_put_apart_has_its_cause(finding: Finding, rules: Rules, cause: str) -> None:
    found = verdict(finding, rules=rules)
    assert found.reply is None
    assert found.quarantine == cause
    assert found.top


@pytest.mark.parametrize(
    ("finding", "rules", "line"),
    [
        (of_rspamd(Result.SPAM, 20.0), Rules(spam=Action.DEFER), "451 4.7.1 content-deferred"),
        (of_clamd(Result.VIRUS, "E"), Rules(virus=Action.DEFER), "451 4.7.1 content-deferred"),
        (of_rspamd(Result.GREYLIST), Rules(greylist=Action.DEFER), "451 4.7.1 put-off-by-scanner"),
        (of_rspamd(Result.LATER), Rules(later=Action.REFUSE), "550 5.7.1 spam-found"),
        (of_rspamd(Result.SUSPECT), Rules(suspect=Action.REFUSE), "550 5.7.1 spam-found"),
        (of_clamd(Result.TOO_LARGE), Rules(too_large=Action.REFUSE), "552 5.3.4 too-large-to-scan"),
    ],
)
def test_every_action_can_follow_and_has_its_cause(
    finding: Finding, rules: Rules, line: str
) -> None:
    reply = verdict(finding, rules=rules).reply
    assert reply is not None
    assert f"{str(reply)[:9]} {reply.cause}" == line


def test_what_was_not_scanned_says_so_where_it_is_taken() -> None:
    accepting = Rules(failed=Action.NONE)
    found = verdict(FAILED, of_clamd(Result.TOO_LARGE), rules=accepting)
    assert found.reply is None
    assert b"X-Spam-Status: Unknown, rspamd=failed\r\n" in found.top
    assert b"X-Virus-Status: Unknown (too-large)\r\n" in found.top


SCORES = Rules(scores=Scores(mark=5.0, quarantine=8.0, refuse=12.0))


@pytest.mark.parametrize(
    ("score", "action"),
    [
        (4.99, Action.NONE),
        (5.0, Action.MARK),
        (7.99, Action.MARK),
        (8.0, Action.QUARANTINE),
        (12.0, Action.REFUSE),
    ],
)
@pytest.mark.parametrize("result", [Result.CLEAN, Result.GREYLIST, Result.SUSPECT])
def test_given_scores_decide_in_place_of_what_is_recommended(
    score: float, action: Action, result: Result
) -> None:
    found = verdict(of_rspamd(result, score), rules=SCORES)
    assert found.action is action
    keys = [reason.key for reason in found.findings[0].reasons]
    assert ("scanner.threshold" in keys) is (action is not Action.NONE)


def test_a_rule_that_rejects_without_the_score_for_it_is_obeyed_all_the_same() -> None:
    assert verdict(of_rspamd(Result.SPAM, 3.0, 15.0), rules=SCORES).action is Action.REFUSE
    assert verdict(of_rspamd(Result.SPAM, 20.0, 15.0), rules=SCORES).action is Action.REFUSE
    lenient = Rules(scores=Scores(mark=50.0))
    assert verdict(of_rspamd(Result.SPAM, 20.0, 15.0), rules=lenient).action is Action.NONE
    assert verdict(of_rspamd(Result.LATER), rules=SCORES).action is Action.DEFER
    assert verdict(FAILED, rules=SCORES).action is Action.DEFER
    assert verdict(of_clamd(Result.VIRUS, "E"), rules=SCORES).action is Action.REFUSE


def test_fields_of_rspamd_are_added_and_what_is_forged_goes() -> None:
    found = verdict(of_rspamd(add=(Added("X-Spamd-Bar", "+++ ğ"),), remove=("x-old",)))
    assert b"X-Spamd-Bar: +++ ?\r\n" in found.top
    header = (
        b"Received: x\r\nX-Spam-Status: No, score=-99\r\nx-spamd-bar: ----\r\n"
        b"X-Virus-Status: Clean\r\n\tindeed\r\nX-Old: 1\r\nX-Spam: no\r\nX-Other: X-Spam-Flag\r\n"
    )
    assert cleaned(header, found.gone) == (b"Received: x\r\nX-Spam: no\r\nX-Other: X-Spam-Flag\r\n")


def test_a_field_that_is_written_here_is_not_written_twice() -> None:
    add = (Added("x-spam-status", "Yes"), Added("X-Spam-Level", "+"), Added("X-Spamd-Bar", "/"))
    found = verdict(of_rspamd(add=add))
    assert found.top.lower().count(b"x-spam-status") == 1
    assert b"X-Spam-Level: +" not in found.top
    assert b"X-Spamd-Bar: /\r\n" in found.top


def test_a_header_without_such_fields_is_left_as_it_is() -> None:
    header = b"From: a\r\nX-Mailer: x\r\n"
    assert cleaned(header, frozenset()) is header


def test_each_scanner_has_its_entry_with_every_reason() -> None:
    symbols = (Symbol("R", 1.0),)
    found = verdict(of_rspamd(Result.SUSPECT, symbols=symbols), of_clamd(Result.VIRUS, "E"))
    first, second = found.entries(5.0, "session", "message")
    assert (first.session, first.message) == ("session", "message")
    assert first.facts["check"] == "rspamd"
    assert first.facts["result"] == "suspect"
    assert first.facts["score"] == "1.00"
    assert unpacked(first.facts["reasons"])
    assert second.facts["signature"] == "E"


findings = st.builds(
    Finding,
    st.sampled_from(["a", "b"]),
    st.sampled_from(["rspamd", "clamd"]),
    st.sampled_from(Result),
    st.none() | st.floats(-1e6, 1e6),
    st.none() | st.floats(-1e6, 1e6),
    signature=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=20),
)


@given(st.lists(findings, min_size=1, max_size=4))
def test_nothing_that_was_not_scanned_is_taken_unless_the_rules_say_so(
    found: list[Finding],
) -> None:
    made = verdict(*found)
    if any(finding.result is Result.FAILED for finding in found):
        assert made.reply is not None
    if made.reply is None:
        assert made.top.endswith(b"\r\n")
        assert made.top.isascii()
        assert all(b":" in line or line[:1] == b"\t" for line in made.top.split(b"\r\n")[:-1])
    else:
        assert made.reply.code in (550, 451)
