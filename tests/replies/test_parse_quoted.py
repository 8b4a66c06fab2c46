"""A reply is found where a log, a report or a sentence quotes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.replies.parse import parse

LOG = "Nov 27 05:00:00 mx1 "
TO = "postfix/smtp[71]: 3F0A1: to=<ada@example.net>, relay=mx.example.net[192.0.2.1]:25, delay=1, "
EXIM = "2026-11-27 05:00:00 1t1A2b-0000Qx-2C "
EXIM_TO = "ada@example.net R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.1]"
JSON = (
    '{"type":"Bounce","id":"550","recipient":"ada@example.net","response":{"code":550,'
    '"enhanced_code":{"class":5,"subject":1,"detail":1},"content":"No such user",'
    '"command":"RCPT TO:<ada@example.net>"},"peer_address":{"name":"mx.example.net"}}'
)


@pytest.mark.parametrize(
    ("line", "code", "enhanced", "words"),
    [
        # Postfix
        (LOG + TO + "dsn=5.1.1, status=bounced (host mx.example.net[192.0.2.1] said: 550 5.1.1 "
         "<ada@example.net>: gone (really) (in reply to RCPT TO command))",
         550, "5.1.1", "<ada@example.net>: gone (really)"),
        (LOG + TO + "dsn=4.0.0, status=deferred (host mx.example.net[192.0.2.1] refused to talk to "
         "me: 421 too busy)", 421, None, "too busy"),
        (LOG + TO + "dsn=4.4.1, status=deferred (connect to mx.example.net[192.0.2.1]:25: "
         "Connection timed out)", None, "4.4.1",
         "connect to mx.example.net[192.0.2.1]:25: Connection timed out"),
        (LOG + TO + "dsn=4.4.2, status=deferred (lost connection with mx.example.net[192.0.2.1] "
         "while sending RCPT TO)", None, "4.4.2",
         "lost connection with mx.example.net[192.0.2.1] while sending RCPT TO"),
        (LOG + TO + "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4)", 250, "2.0.0",
         "Ok: queued as 4"),
        (LOG + "postfix/smtpd[9]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 5.7.1 Relay "
         "access denied; from=<a@example.org> to=<b@example.net> proto=ESMTP helo=<x>",
         554, "5.7.1", "Relay access denied"),
        (LOG + "postfix/postscreen[9]: NOQUEUE: reject: RCPT from [192.0.2.1]:5391: 550 5.7.1 "
         "Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org; "
         "from=<a@example.org>, to=<b@example.net>", 550, "5.7.1",
         "Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org"),
        (LOG + "postfix/cleanup[9]: 4A: milter-reject: END-OF-MESSAGE from x[192.0.2.1]: 5.7.1 "
         "Spam message rejected; from=<a@example.org>", None, "5.7.1", "Spam message rejected"),
        (("host nyx.example[192.0.2.2] said: 501 Rcpt-To validation failed: RCPT TO not accepted: "
         "5.7.1 No relaying for 127.0.0.1 (in reply to RCPT TO command)"), 501, "5.7.1",
         "Rcpt-To validation failed: RCPT TO not accepted: 5.7.1 No relaying for 127.0.0.1"),
        ("421 4.1.1 <a@b.example>: unverified address: host mx[192.0.2.1] said: 450 4.7.1 later",
         421, "4.1.1", ("<a@b.example>: unverified address: host mx[192.0.2.1] said: 450 4.7.1 "
         "later")),
        # Exim
        (EXIM + f"** {EXIM_TO}: SMTP error from remote mail server after RCPT TO:<ada@example.net>:"
         " 550 5.1.1 Unknown user", 550, "5.1.1", "Unknown user"),
        (EXIM + "** ada@example.net R=r T=t: SMTP error from remote mail server after RCPT TO:"
         "<ada@example.net>: host mx.example.net [192.0.2.1]: 550-Verification failed\n550 gone",
         550, None, "Verification failed\ngone"),
        (EXIM + "** ada@example.net: Unrouteable address", None, None, "Unrouteable address"),
        (EXIM + f"== {EXIM_TO} defer (111): Connection refused", None, None, "Connection refused"),
        (EXIM + "H=(x) [192.0.2.1] F=<a@example.org> rejected RCPT <b@example.net>: relay not "
         "permitted", None, None, "relay not permitted"),
        (EXIM + "H=(x) [192.0.2.1] F=<a@example.org> rejected RCPT <b@example.net>: 550 5.7.1 no",
         550, "5.7.1", "no"),
        # sendmail
        (LOG + "sendmail[7]: xAR: to=<a@example.net>, relay=mx. [192.0.2.1], dsn=5.1.1, stat=User "
         "unknown", None, "5.1.1", "User unknown"),
        (LOG + "sendmail[7]: xAR: to=<a@example.net>, dsn=4.0.0, stat=Deferred: 451 4.7.1 Greylist",
         451, "4.7.1", "Greylist"),
        (LOG + "sm-mta[7]: x: to=<a@example.net>, dsn=4.0.0, stat=Deferred: Connection timed out "
         "with mx.", None, "4.0.0", "Deferred: Connection timed out with mx."),
        (LOG + "sm-mta[7]: x: to=<a@example.net>, dsn=5.1.1, reply=550 5.1.1 No, stat=User unknown",
         550, "5.1.1", "No"),
        (LOG + "sm-mta[7]: x: ruleset=check_rcpt, arg1=<a@example.net>, relay=[192.0.2.1], "
         "reject=550 5.7.1 <a@example.net>... Relaying denied", 550, "5.7.1",
         "<a@example.net>... Relaying denied"),
        # qmail
        (("delivery 1: failure: 192.0.2.1_does_not_like_recipient./Remote_host_said:_550_5.1.1_no_"
         "user_-_see_http://example.net/x/Giving_up_on_192.0.2.1./"), 550, "5.1.1",
         "no user - see http://example.net/x"),
        ("@40000000 delivery 12: failure: Sorry,_no_mailbox_here_by_that_name._(#5.1.1)/",
         None, "5.1.1", "Sorry, no mailbox here by that name. (#5.1.1)"),
        (("delivery 3: deferral: Connected_to_192.0.2.1_but_greeting_failed./Remote_host_said:_421_"
         "busy/"), 421, None, "busy"),
        # Exchange
        (("Reason: [{LED=550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found};{MSG=};"
         "{FQDN=mx.example.net};{IP=192.0.2.1};{LRT=11/27/2026 5:00:00 AM}]"), 550, "5.1.10",
         "RESOLVER.ADR.RecipientNotFound; Recipient not found"),
        ("[{LRT=};{LED=450 4.7.0 Proxy session setup failed};{FQDN=};{IP=}]", 450, "4.7.0",
         "Proxy session setup failed"),
        ("LED=550 5.1.10 gone", 550, "5.1.10", "gone"),
        ("Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; it's gone'", 550,
         "5.1.10", "RESOLVER.ADR.RecipientNotFound; it's gone"),
        ("Remote server returned '554 5.7.0 < #5.7.364 smtp;550 x>'", 554, "5.7.0",
         "< #5.7.364 smtp;550 x>"),
        ("#5.1.1 smtp;550 5.1.1 <a@example.net>... unknown", 550, "5.1.1",
         "<a@example.net>... unknown"),
        ("mx.example.net #<mx.example.net #5.1.1 smtp; 550 5.1.1 unknown> #SMTP#", 550, "5.1.1",
         "unknown"),
        ("#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##", 550, "5.1.1",
         "RESOLVER.ADR.RecipNotFound; not found ##"),
        # OpenSMTPD, Haraka, Stalwart, KumoMTA, PowerMTA
        (LOG + 'smtpd[5]: 1 mta delivery evpid=1 rcpt=<a@example.net> result="PermFail" stat="550 '
         '5.1.1 "a" is unknown"', 550, "5.1.1", '"a" is unknown'),
        (LOG + 'haraka: [NOTICE] [1.1] [outbound] bounce reason="550 5.1.1 gone"', 550, "5.1.1",
         "gone"),
        ('2026-11-27 INFO rejected reason = "Code: 550, Enhanced code: 5.1.1, Message: Gone"',
         550, "5.1.1", "Gone"),
        (("<a@example.net> (host 'mx' rejected command 'RCPT TO:<a@example.net>' with code 550 "
         "(5.1.1) 'No such user')"), 550, "5.1.1", "No such user"),
        (('INFO RCPT TO rejected (delivery.rcpt-to-rejected) to = "a@example.net", code = 550, '
         'details = ["5.1.1", "No such user"]'), 550, "5.1.1", "No such user"),
        (JSON, 550, "5.1.1", "No such user"),
        ('{"event":"bounce","reason":"550 5.1.1 no user","status":"5.1.1"}', 550, "5.1.1",
         "no user"),
        (("b,2026-11-27 05:00:00+0000,a@example.org,b@example.net,failed,5.1.1 (bad destination),"
         "smtp;550 5.1.1 User unknown,mx.example.net (192.0.2.1),bad-mailbox"), 550, "5.1.1",
         "User unknown"),
        ('b,2026-11-27 05:00:00+0000,b@example.net,failed,5.1.1,"smtp;550 5.1.1 gone, for good",mx',
         550, "5.1.1", "gone, for good"),
        # in sentences
        ("The response from the remote server was:\n550 5.1.1 no", 550, "5.1.1", "no"),
        ("The error that the other server returned was: 550 550 5.1.1 no (state 14).", 550,
         "5.1.1", "no"),
        ("<<< 550 5.1.1 <a@example.net>... User unknown", 550, "5.1.1",
         "<a@example.net>... User unknown"),
        ("192.0.2.1 does not like recipient.\nRemote host said: 550 no\nGiving up on 192.0.2.1.",
         550, None, "no"),
        (("5.1.0 - Unknown address error 550-'5.2.2 <a@example.net>... Mailbox Full' (delivery "
         "attempts: 0)"), 550, "5.2.2", "<a@example.net>... Mailbox Full"),
        (("5.1.2 - Bad destination host 'DNS Hard Error looking up example.net (MX): NXDomain' "
         "(delivery attempts: 0)"), None, "5.1.2",
         "Bad destination host 'DNS Hard Error looking up example.net (MX): NXDomain'"),
        ("5.4.7 - Delivery expired (message too old) 421-'4.2.1 later' (delivery attempts: 9)",
         None, "5.4.7", "Delivery expired (message too old) 421-'4.2.1 later'"),
        # spellings
        ("SMTP; 552-5.7.0 illegal attachment", 552, "5.7.0", "illegal attachment"),
        ("Smtp;550 gone", 550, None, "gone"),
        ("x-unix; unknown user", None, None, "unknown user"),
        ("X-Postfix; host mx[192.0.2.1] said: 550 5.1.1 no", 550, "5.1.1", "no"),
        ("521-5.7.1 One 521 5.7.1 Two", 521, "5.7.1", "One\nTwo"),
        ("550 cuda_nsu 5.1.1 no such user", 550, "5.1.1", "cuda_nsu 5.1.1 no such user"),
        ("220-mx.example.net 421 4.2.1 too many", 421, "4.2.1", "too many"),
        ("554 5.7.1 : refused", 554, "5.7.1", "refused"),
        ("554 5.7.1 ::1 is refused", 554, "5.7.1", "::1 is refused"),
        ("550 sorry (#5.7.1)", 550, "5.7.1", "sorry (#5.7.1)"),
        ("550 (5.1.1) gone", 550, "5.1.1", "gone"),
        ("550-'gone'", 550, None, "'gone'"),
        ("550-One\r550 Two", 550, None, "One\nTwo"),
        ("5.1.1 550 5.1.1 gone", 550, "5.1.1", "gone"),
        ("DNS Error: 80335577 DNS type 'mx' lookup of example.org responded with code NXDOMAIN",
         None, None,
         "DNS Error: 80335577 DNS type 'mx' lookup of example.org responded with code NXDOMAIN"),
        ("550 $B%f!<%6!<(B x $B$O(B", 550, None, "ユーザー x は"),
        ("550 \x1b$B%f!<%6!<\x1b(B gone", 550, None, "ユーザー gone"),
        ("550 $B no (B $B", 550, None, "$B no (B $B"),
        ("X-Unix; 255", None, None, "exit 255"),
        ("SMTP error from remote mail server after MAIL FROM:<a@example.org> SIZE=222: mx: 550 no",
         550, None, "no"),
        ("a@example.net Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 unknown", 550, "5.1.1",
         "unknown"),
        ("smtp; 220-mx.example.net 421 4.2.1 later", 421, "4.2.1", "later"),
        ("5.3.0 - Other mail system problem 550-'no such user' (delivery attempts: 0)", 550, None,
         "no such user"),
        # what is no code
        ("450 5.1.1.1 is an address", 450, None, "5.1.1.1 is an address"),
        ("no mail from 250.5.1.1: sorry", None, None, "no mail from 250.5.1.1: sorry"),
        ("no mail from [5.1.1.250]: sorry", None, None, "no mail from [5.1.1.250]: sorry"),
        ("connect to mx[5.1.1.4]:250: refused", None, None, "connect to mx[5.1.1.4]:250: refused"),
        ("550 Exim 4.9.1 says no", 550, None, "Exim 4.9.1 says no"),
        ("550 no mail of version 5.1.1.2 here", 550, None, "no mail of version 5.1.1.2 here"),
        ("the limit is: 500 messages", None, None, "the limit is: 500 messages"),
        ("550 550e8400-e29b-41d4 is unknown", 550, None, "550e8400-e29b-41d4 is unknown"),
    ],
)  # fmt: skip
def test_the_quoted_reply_is_found(
    line: str, code: int | None, enhanced: str | None, words: str
) -> None:
    found = parse(line)
    assert (found.code, found.enhanced, found.text) == (code, enhanced, words)


def test_what_stood_around_a_reply_is_kept() -> None:
    found = parse(LOG + TO + "dsn=5.1.1, status=bounced (host mx said: 550 no (in reply to RCPT))")
    assert found.enhanced == "5.1.1"  # what the quoting server made of it
    assert "relay=mx.example.net" in found.around
    assert "(in reply to RCPT)" in found.around
    assert parse("550 5.1.1 no").around == ""


REPLY = st.from_regex(r"\A[45][0-9][0-9] [45]\.[0-7]\.[0-9]{1,3} [a-z]{1,9}( [a-z]{1,9}){0,5}\Z")
QUOTES = st.sampled_from(
    ["{}", "smtp; {}", "SMTP;{}", "host mx.example[192.0.2.1] said: {} (in reply to DATA command)",
     "Remote Server returned '{}'", "[{{LED={}}};{{MSG=}}]", '"{}"', "'{}'", "<<< {}",
     LOG + "x: to=<a@b.example>, dsn=5.0.0, stat={}", "The response was: {}", "({})",
     LOG + TO + "dsn=5.0.0, status=bounced (host mx[192.0.2.1] said: {} (in reply to MAIL))"]
)  # fmt: skip


@given(REPLY, QUOTES)
def test_a_reply_is_the_same_however_it_is_quoted(reply: str, quotes: str) -> None:
    assert parse(quotes.format(reply)) == parse(reply)


OCTET = st.integers(0, 255)


@given(
    OCTET, OCTET, OCTET, OCTET, st.sampled_from(["{}", "[{}]", "({})", "<{}>", "x {}: no", "{}"])
)
def test_no_part_of_an_ip_address_is_a_code(a: int, b: int, c: int, d: int, where: str) -> None:
    address = where.format(f"{a}.{b}.{c}.{d}")
    for line in (
        address,
        f"no mail from {address} is taken",
        f"blocked: {address}",
        f"said {address}",
    ):
        found = parse(line)
        assert (found.code, found.enhanced) == (None, None), line
    found = parse(f"554 blocked: {address} is listed")
    assert (found.code, found.enhanced) == (554, None)
