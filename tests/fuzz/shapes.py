"""Input that would hurt a careless reader: for each a size, and work to do that grows with it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.fuzz import signed
from tests.fuzz.octets import pieces
from tests.server.dialogue import Client, configured

from ulak.accounts.account import Account
from ulak.bounce.notice import Action, Fate, Office, Original
from ulak.bounce.report import write
from ulak.checks import arc, results
from ulak.checks.dmarc import author, record
from ulak.checks.scanner import rspamd
from ulak.checks.spf import check, survey
from ulak.diagnose.reply import returned
from ulak.dns import Zone, wire
from ulak.mail import message, srs, xtext
from ulak.mail.address import Address
from ulak.mail.encoded import decode
from ulak.mail.mailboxes import mailboxes
from ulak.policy.message import MessageJudge, MessageRules
from ulak.policy.submission import Submission, Submitted
from ulak.replies import catalog
from ulak.replies.blocklists import named
from ulak.replies.bounces import bounce, failures
from ulak.replies.document import to_html, to_markdown, to_text
from ulak.replies.explain import explain
from ulak.reports.failure.redaction import redacted
from ulak.reports.reading import read_file, read_mail
from ulak.rosters import lines as rosters
from ulak.server.proxy import HeaderReader
from ulak.smtp import commands, events, grammar, xclient
from ulak.smtp.body import BodyReader
from ulak.smtp.client import Babble, ClientCore, Encoder, ReplyReader, Step, Transaction, encode
from ulak.smtp.lines import LineReader
from ulak.smtp.sasl.steps import Mechanism
from ulak.smtp.sasl.table import MECHANISMS, Channel, Ways, make
from ulak.smtp.server import Limits, ServerCore
from ulak.web.api.letter import Letter, attachment, mailbox, subject

Work = Callable[[], object]
_LARGE = 10**9
_RULES = MessageRules(max_header=_LARGE, max_line=_LARGE, max_fields=_LARGE, max_hops=_LARGE)
_JUDGE = MessageJudge(_RULES)
_HOST = "mx.example.org"


def written(
    title: str = "", file: str = "a", to: str = "a@b.example", times: int = 1, text: str = ""
) -> Work:
    def write() -> None:
        boxes = [mailbox(to, "to") for _ in range(times)]
        files = [attachment(file, "text/csv", "QUJD")]
        made = Letter(boxes[0], boxes, subject=subject(title), text=text, attachments=files)
        made.octets(now=0.0, message_id="<1@mx.example.org>", boundary="=_b")

    return write


def octet_by_octet(data: bytes) -> list[bytes]:
    return pieces(data, (-1,))


# -- what a client sends --------------------------------------------------------------------------


def lines(parts: Iterable[bytes]) -> Work:
    def work() -> None:
        reader = LineReader(2048)
        for part in parts:
            reader.feed(part)
            while reader.next() is not None:
                pass

    return work


def waiting(parts: Iterable[bytes]) -> Work:
    """Feed what nobody looks at yet: the server is busy with what came before."""

    def work() -> None:
        reader = LineReader(2048)
        for part in parts:
            reader.feed(part)
            len(reader)
        reader.take()

    return work


def body(parts: Iterable[bytes]) -> Work:
    def work() -> None:
        reader = BodyReader()
        for part in parts:
            reader.feed(part)

    return work


def core(parts: Iterable[bytes], opening: bytes = b"") -> Work:
    """Let the server's core read a whole session, everything answered with yes."""
    yes = catalog.NOTHING_DONE.reply()

    def work() -> None:
        server = ServerCore(
            _HOST, Limits(message_size=_LARGE, errors=_LARGE, cheap_commands=_LARGE)
        )
        server.greet(catalog.READY.reply(hostname=_HOST))
        for part in (opening, *parts):
            server.feed(part)
            while (event := server.next_event()) is not None:
                if not isinstance(event, events.Chunk | events.Bdat):
                    server.answer(event, getattr(event, "reply", yes))
            server.output()

    return work


def session(parts: Iterable[bytes]) -> Work:
    """Let a whole server take a message in pieces, faster than it can work on them."""
    opening = b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<ada@example.org>\r\nDATA\r\n"

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            server = configured(Path(folder), {"size": "1000000"})

            async def talk(client: Client) -> None:
                await client.send(opening, *parts, b"\r\n.\r\nQUIT\r\n", hasty=True)

            server.play(talk)

    return work


def proxied(parts: Iterable[bytes]) -> Work:
    def work() -> None:
        reader = HeaderReader()
        for part in parts:
            if reader.feed(part) is not None:
                return

    return work


def scanned(answer: bytes) -> Work:
    return lambda: rspamd.read(answer, scanner="it")


def text(read: Callable[[str], object], of: str) -> Work:
    def work() -> None:
        with contextlib.suppress(ValueError):
            read(of)

    return work


def spf(record: str, explanation: str = "-", sender: str = "ada@example.org") -> Work:
    """Judge a client by a record, and survey it."""
    zone = Zone(
        {
            ("example.org", "TXT"): [record],
            ("why.example", "TXT"): [explanation],
            ("*.example", "A"): ["203.0.113.1"],
        }
    )

    async def judge() -> None:
        await check(zone, ip="192.0.2.1", helo="a.example", mail_from=sender)
        await survey(zone, domain="example.org")

    return lambda: asyncio.run(judge())


def headers(of: bytes) -> Work:
    def work() -> None:
        header, _ = message.split(of)
        for field in message.fields(header):
            decode(message.unfold(field.value))
        message.values(header, "Received")
        message.hops(header)
        message.subject(header)
        message.message_id(header)
        message.content_language(header)
        _JUDGE(of)

    return work


def results_of(of: bytes) -> Work:
    """Read a field as if it were another server's, take it away, and write what was read."""

    def work() -> None:
        read = results.read(of)
        results.strip(b"Authentication-Results:" + of + b"\r\n", "mx.ours.example")
        if read is not None:
            results.write(read.authserv_id, read.resinfos)

    return work


def chained(of: bytes) -> Work:
    """Judge the chain of a header, with no key to be had."""

    def work() -> None:
        reading = arc.Reading(of, now=1e9)
        reading.feed(b"text\r\n")
        with contextlib.suppress(StopIteration):
            reading.judge(Zone({})).send(None)

    return work


# -- what a server sends --------------------------------------------------------------------------


def replies(parts: Iterable[bytes]) -> Work:
    def work() -> None:
        reader = ReplyReader()
        for part in parts:
            reader.feed(part)
            while (reply := reader.next()) is not None:
                if isinstance(reply, Babble):
                    return

    return work


def client(parts: Iterable[bytes]) -> Work:
    """Hear a server out, and write down what was said."""

    def work() -> None:
        heard = ClientCore("client.example.net")
        transaction = Transaction("ada@example.org", ("grace@example.org",) * 3)
        for part in parts:
            match heard.feed(part):
                case Step.READY | Step.DONE:
                    heard.begin(transaction)
                case Step.BODY:
                    heard.body_sent()
            heard.output()
        heard.dialogue()

    return work


def explained(of: str) -> Work:
    def work() -> None:
        page = explain(of, "tr").to_document()
        to_text(page)
        to_markdown(page)
        to_html(page)

    return work


def answer(of: bytes) -> Work:
    return lambda: wire.read(of, "example.org", "A")


def records(count: int, one: bytes) -> bytes:
    header = b"\x12\x34\x81\x80\0\1" + min(count, 65_535).to_bytes(2, "big") + b"\0\0\0\0"
    return header + wire.question("example.org", "A", 1)[12:29] + one * count


def authors(of: bytes) -> Work:
    return lambda: mailboxes(of)


def judged_authors(of: bytes) -> Work:
    return lambda: author.read(of)


def dmarc_record(of: bytes) -> Work:
    return lambda: record.read(of)


def mended(of: bytes) -> Work:
    account = Account("ada@example.org")
    submitted = Submitted(account, "Tue, 03 Nov 2026 12:00:00 +0000", "<1@example.org>")
    submission = Submission("any", local=lambda _domain: True, judge=_JUDGE)
    return lambda: submission.mend(of, submitted)


def logging_in(name: str, said: bytes) -> Work:
    def work() -> None:
        channel = Channel(secure=True, certificate=True, binding=True)
        mechanism = make(name, Ways(frozenset(MECHANISMS)), channel, "nonce", {})
        assert isinstance(mechanism, Mechanism)
        mechanism.start(said)

    return work


# -- what goes out --------------------------------------------------------------------------------


def sending(parts: Iterable[bytes]) -> Work:
    def work() -> None:
        encoder = Encoder()
        for part in parts:
            encoder.feed(part)
        encoder.end()

    return work


def reported(of: bytes) -> Work:
    fate = Fate("a@example.net", "no-such-mailbox", of.decode("latin-1"), 1e9, remote=True)

    def work() -> None:
        original = Original("M1", "ada@example.org", 1e9, of, whole=True)
        write(Office(_HOST), original, [fate], Action.FAILED, identifier="R1", now=1e9)

    return work


def attached(of: bytes) -> Work:
    mail = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + of
    return lambda: read_mail(mail)


def filed(start: bytes, middle: bytes, end: bytes = b"") -> Work:
    return lambda: read_file(start + middle + end)


def bounced(of: bytes) -> Work:
    return lambda: bounce(of)


SHAPES: dict[str, Callable[[int], Work]] = {
    **signed.SHAPES,
    "a line without an end, octet by octet": lambda n: lines(octet_by_octet(b"x" * n)),
    "short lines, octet by octet": lambda n: lines(octet_by_octet(b"NOOP\r\n" * (n // 6))),
    "short lines in one piece": lambda n: lines([b"NOOP\r\n" * (n // 6)]),
    "empty lines in one piece": lambda n: lines([b"\r\n" * (n // 2)]),
    "CRs, octet by octet": lambda n: lines(octet_by_octet(b"\r" * n)),
    "CRs behind a line too long": lambda n: lines(octet_by_octet(b"x" * 3000 + b"\r" * n)),
    "octets that wait for a busy server": lambda n: waiting(octet_by_octet(b"x" * n)),
    "commands that wait for a busy server": lambda n: waiting([b"NOOP\r\n"] * (n // 6)),
    "a message, octet by octet": lambda n: body(octet_by_octet(b"text\r\n" * (n // 6))),
    "dots, octet by octet": lambda n: body(octet_by_octet(b".\r\n..\r\n" * (n // 7))),
    "CRs in a message": lambda n: body([b"\r" * n]),
    "line ends in a message": lambda n: body([b"\r\n" * (n // 2)]),
    "nearly ends of a message": lambda n: body([b"\r\n.\r" * (n // 4)]),
    "nearly ends of a message, octet by octet": lambda n: body(
        octet_by_octet(b"\r\n.\r" * (n // 4))
    ),
    "a session, octet by octet": lambda n: core(octet_by_octet(b"NOOP x\r\n" * (n // 8))),
    "a session in one piece": lambda n: core([b"NOOP x\r\n" * (n // 8)]),
    "many recipients": lambda n: core(
        [b"RCPT TO:<ada@example.org>\r\n" * (n // 27)], b"EHLO a\r\nMAIL FROM:<>\r\n"
    ),
    "chunks of one octet": lambda n: core(
        [b"BDAT 1\r\nx" * (n // 9)],
        b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<ada@example.org>\r\n",
    ),
    "a chunk, octet by octet": lambda n: core(
        octet_by_octet(b"BDAT %d LAST\r\n" % n + b"x" * n),
        b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<ada@example.org>\r\n",
    ),
    "errors": lambda n: core([b"XYZZY\r\n" * (n // 7)]),
    "a message to a session, octet by octet": lambda n: session(
        octet_by_octet(b"text\r\n" * (n // 24))
    ),
    "a PROXY header, octet by octet": lambda n: proxied(
        octet_by_octet(b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + min(n, 65_535).to_bytes(2) + b"\0" * n)
    ),
    "quotes": lambda n: text(grammar.parse_path, '<"' + '"' * n),
    "backslashes": lambda n: text(grammar.parse_path, '<"' + "\\" * n),
    "a quoted local-part": lambda n: text(grammar.parse_mailbox, '"' + "a" * n + '"@x'),
    "dots in a local-part": lambda n: text(grammar.parse_mailbox, "a." * (n // 2) + "@x"),
    "labels": lambda n: text(grammar.parse_domain, "a." * (n // 2)),
    "hyphens": lambda n: text(grammar.parse_domain, "-" * n),
    "a literal": lambda n: text(grammar.parse_domain, "[a" + "-a" * (n // 2) + ":x]"),
    "a source route": lambda n: text(grammar.parse_path, "<" + "@a," * (n // 3) + "@b:c@d>"),
    "hosts of a route without commas": lambda n: text(grammar.parse_path, "<@" + "a" * n),
    "literals in a route": lambda n: text(grammar.parse_path, "<" + "@[1.2.3.4]," * (n // 11)),
    "parameters": lambda n: text(
        grammar.parse_parameters, " ".join(f"P{i}=1" for i in range(n // 8))
    ),
    "spaces": lambda n: text(lambda t: commands.user("VRFY", t), " " * n),
    "an answer of rspamd": lambda n: scanned(
        b'{"score":1,"required_score":1,"action":"reject","symbols":{%s"z":0}}'
        % b"".join(b'"%d":{"score":1,"options":["x"]},' % i for i in range(n // 36))
    ),
    "an answer of rspamd in brackets": lambda n: scanned(b"[" * n),
    "fields from rspamd": lambda n: scanned(
        b'{"score":1,"required_score":1,"action":"reject","milter":{"add_headers":{"X-A":["%s"]}}}'
        % (b'","' * (n // 3))
    ),
    "members of a roster": lambda n: text(
        lambda t: rosters.read(t.encode()), "info:" + "a," * (n // 2)
    ),
    "quotes in a roster": lambda n: text(
        lambda t: rosters.read(t.encode()), '"a":' + '"b,",' * (n // 5)
    ),
    "hyphens in a roster": lambda n: text(lambda t: rosters.read(t.encode()), "a@b" + "-" * n),
    "a rewritten sender": lambda n: text(
        lambda t: srs.reverse(Address(t, "x"), (b"secret",), 1, 1), "SRS0" + "=" * n
    ),
    "xtext": lambda n: text(lambda t: xtext.decode(xtext.encode(t)), "+=" * (n // 2)),
    "no xtext": lambda n: text(xtext.decode, "+4" * (n // 2)),
    "fields": lambda n: headers(b"From: a\r\n" + b"X: y\r\n" * (n // 6)),
    "folds": lambda n: headers(b"From: a\r\n" + b" \t\r\n" * (n // 4)),
    "one long field": lambda n: headers(b"From: " + b"a" * n),
    "a name without a colon": lambda n: headers(b"F" * n),
    "spaces before a colon": lambda n: headers(b"From" + b" " * n),
    "colons": lambda n: headers(b"\r\n:" * (n // 3)),
    "comments in comments": lambda n: headers(b"From: " + b"(" * n),
    "angle brackets": lambda n: headers(b"Message-ID: " + b"<" * n),
    "message ids without an end": lambda n: headers(b"Message-ID: " + b"<a" * (n // 2)),
    "languages": lambda n: headers(b"Content-Language: " + b"tr-" * (n // 3)),
    "authors": lambda n: authors(b"a@b," * (n // 4)),
    "names of authors": lambda n: authors(b"a " * (n // 2) + b"<a@b>"),
    "comments on authors": lambda n: authors(b"(" * n),
    "closed comments on authors": lambda n: authors(b"(a\\)" * (n // 4) + b")" * (n // 4)),
    "quotes about authors": lambda n: authors(b'"' + b'\\"' * (n // 2)),
    "routes to authors": lambda n: authors(b"<" + b"@a," * (n // 3)),
    "groups of authors": lambda n: authors(b"a:" * (n // 2)),
    "folds between authors": lambda n: authors(b"\r\n " * (n // 3)),
    "From fields": lambda n: judged_authors(b"From: a@b.example\r\n" * (n // 19)),
    "broken From fields": lambda n: judged_authors(b"From: <a@b\r\n" * (n // 12)),
    "at signs of authors": lambda n: judged_authors(b"From: <" + b"@a" * (n // 2)),
    "tags of a DMARC record": lambda n: dmarc_record(b"v=DMARC1;" + b"x=y;" * (n // 4)),
    "a long tag of a DMARC record": lambda n: dmarc_record(b"v=DMARC1; p=" + b"x" * n),
    "spaces in a DMARC record": lambda n: dmarc_record(b"v=DMARC1" + b" " * n + b"x"),
    "destinations of a DMARC record": lambda n: dmarc_record(
        b"v=DMARC1; p=none; rua=" + b"mailto:a@b," * (n // 11)
    ),
    "sizes of a DMARC record": lambda n: dmarc_record(
        b"v=DMARC1; rua=mailto:a@b" + b"!1" * (n // 2)
    ),
    "a submitted header": lambda n: mended(b"X: y\r\nBcc: z\r\n" * (n // 14)),
    "submitted recipients": lambda n: mended(b"From: " + b"a@b,\r\n " * (n // 7) + b"\r\n"),
    "attributes of XCLIENT": lambda n: text(xclient.parse, "NAME=+41" + "+42" * (n // 3)),
    "a name in PLAIN": lambda n: logging_in("PLAIN", b"\0" * n),
    "a name in SCRAM": lambda n: logging_in("SCRAM-SHA-256", b"n,,n=" + b"=2C" * (n // 3)),
    "extensions of SCRAM": lambda n: logging_in(
        "SCRAM-SHA-256", b"n,,n=a,r=b" + b",x=y" * (n // 4)
    ),
    "pairs of OAUTHBEARER": lambda n: logging_in("OAUTHBEARER", b"n,,\1" + b"a=b\1" * (n // 4)),
    "a token in XOAUTH2": lambda n: logging_in(
        "XOAUTH2", b"user=a\1auth=Bearer " + b"=" * n + b"\1\1"
    ),
    "encoded words": lambda n: headers(b"Subject: " + b"=?utf-8?q?a?= " * (n // 14)),
    "beginnings of encoded words": lambda n: headers(b"Subject: " + b"=?utf-8?q?" * (n // 10)),
    "white space between words": lambda n: headers(b"Subject: " + b"?= " * (n // 3)),
    "white space behind a word": lambda n: headers(b"Subject: ?=" + b"\t" * n),
    "comments on results": lambda n: results_of(b" a; x=y " + b"(" * n),
    "closed comments on results": lambda n: results_of(b" a; x=y" + b" (a\\))" * (n // 6)),
    "quotes about results": lambda n: results_of(b" a" + b';a=b c.d=x\\"' * (n // 11)),
    "open quotes about results": lambda n: results_of(b" a; x=" + b'"\\"' * (n // 3)),
    "results": lambda n: results_of(b" a" + b";a=b" * (n // 4)),
    "properties of results": lambda n: results_of(b" a; x=y" + b" a.b=c" * (n // 6)),
    "what is no result": lambda n: results_of(b" a" + b"; a b" * (n // 5)),
    "folds in results": lambda n: results_of(b" a" + b"\r\n " * (n // 3)),
    "fields that could be ours": lambda n: results_of(
        b" x" + b"\r\nAuthentication-Results: (mx.ours.example" * (n // 42)
    ),
    "CRs in results": lambda n: results_of(b"\r" * n),
    "fields of ARC": lambda n: chained(b"ARC-Seal: i=1\r\n" * (n // 15)),
    "tags of a seal": lambda n: chained(b"ARC-Seal: i=1" + b"; a=" * (n // 4)),
    "names in a chain": lambda n: chained(
        b"ARC-Seal: i=1; cv=none; a=rsa-sha256; b=AA==; d=a.b; s=s\r\n"
        b"ARC-Authentication-Results: i=1; a\r\n"
        b"ARC-Message-Signature: i=1; a=rsa-sha256; b=AA==; bh=AA==; d=a.b; s=s; h=from"
        + b":from" * (min(n, 32_000) // 5)
        + b"\r\n"
        + b"From: a\r\n" * (n // 9)
    ),
    "comments before an instance": lambda n: chained(
        b"ARC-Authentication-Results: " + b"(" * n + b"\r\n"
    ),
    "a reply without an end, octet by octet": lambda n: replies(octet_by_octet(b"2" * n * 5)),
    "lines of a reply, octet by octet": lambda n: replies(octet_by_octet(b"250-x\r\n" * (n // 7))),
    "replies in one piece": lambda n: replies([b"250 ok\r\n" * (n // 8)]),
    "replies, octet by octet": lambda n: replies(octet_by_octet(b"250 ok\r\n" * (n // 8))),
    "long replies": lambda n: replies([b"250-x\r\n" * 90 + b"250 x\r\n"] * (n // 640)),
    "a server that talks octet by octet": lambda n: client(
        octet_by_octet(b"220 x\r\n" + (b"250-" + b"x" * 494 + b"\r\n") * (n // 500))
    ),
    "a server that says yes, octet by octet": lambda n: client(
        octet_by_octet(b"220 x\r\n250 x\r\n" + b"250 x\r\n250 x\r\n354 x\r\n250 x\r\n" * (n // 28))
    ),
    "a reply to explain": lambda n: explained("550 " + "no " * (n // 3)),
    "backquotes to explain": lambda n: explained("550 `" + "` `" * (n // 3)),
    "lines to explain": lambda n: explained("550-no\r\n" * (n // 8)),
    "codes to explain": lambda n: explained("550-5.1.1 " * (n // 10)),
    "names of lists": lambda n: lambda: named("spamhaus zen.spamhaus.org. s3150 " * (n // 33)),
    "beginnings of names of lists": lambda n: lambda: named("exploits block spam " * (n // 20)),
    "a report of many recipients": lambda n: (
        lambda: failures(
            b"Content-Type: message/delivery-status\n\n"
            + b"Final-Recipient: rfc822; a@b\nStatus: 5.1.1\n\n" * (n // 45)
        )
    ),
    "a report of one long field": lambda n: (
        lambda: failures(
            b"Content-Type: message/delivery-status\n\nStatus: 5.1.1\n" + b" x\n" * (n // 3)
        )
    ),
    "recipients of a report in words": lambda n: bounced(
        b"From: MAILER-DAEMON\n\nThis is the qmail-send program\n"
        + b"".join(b"<a%d@b.example>:\n550 no\n\n" % i for i in range(n // 28))
    ),
    "recipients without a reply": lambda n: bounced(
        b"Content-Type: multipart/report; boundary=a\n\n--a\n\n"
        + b"550 x\n\n" * (n // 70)
        + b"--a\nContent-Type: message/delivery-status\n\n"
        + b"".join(b"Final-Recipient: x;%d@b\nStatus: 5.1.1\n\n" % i for i in range(n // 60))
    ),
    "failed recipients in the header": lambda n: bounced(
        b"From: MAILER-DAEMON\nX-Failed-Recipients: " + b"a@b, " * (n // 5) + b"\n\nsorry"
    ),
    "boundaries in what a bounce returns": lambda n: (
        lambda: returned(b"--b\nContent-Type: message/rfc822\nX: " * (n // 37))
    ),
    "servers that a bounce names": lambda n: (
        lambda: returned(b"Reporting-MTA: dns; a.example\n" * (n // 30))
    ),
    "messages in a bounce": lambda n: bounced(b"Content-Type: message/rfc822\n\n" * (n // 30)),
    "multiparts in a bounce": lambda n: bounced(
        b"Content-Type: multipart/mixed; boundary=a\n\n"
        + b"--a\nContent-Type: multipart/mixed; boundary=a\n\n" * (n // 48)
    ),
    "parts of a bounce": lambda n: bounced(
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\nx\n" * (n // 7)
    ),
    "nearly delimiters of a bounce": lambda n: bounced(
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--ab\n" * (n // 5)
    ),
    "tags in a bounce": lambda n: bounced(
        b"From: MAILER-DAEMON\nContent-Type: text/html\n\n" + b"<style><" * (n // 8)
    ),
    "addresses in a bounce": lambda n: bounced(
        b"From: MAILER-DAEMON\n\nThis is the qmail-send program\n" + b"a@" * (n // 2)
    ),
    "line ends of a bounce": lambda n: bounced(b"From: x\r\r\n\r" * (n // 11)),
    "an event in a log": lambda n: explained('{"a":' * (n // 10) + "1" + "}" * (n // 10)),
    "a log line of many replies": lambda n: explained("x status=a (x: 550 " * (n // 19)),
    "quotes in a log line": lambda n: explained("LED='said: smtp; " * (n // 17)),
    "records": lambda n: answer(records(n // 16, b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4")),
    "pointers": lambda n: answer(records(n // 16, b"\xc0\x1c\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4")),
    "a message on its way, octet by octet": lambda n: sending(
        octet_by_octet(b".\r\nx\n\r" * (n // 6))
    ),
    "dots on their way": lambda n: lambda: encode(b".\r\n" * (n // 3)),
    "bare line ends on their way": lambda n: lambda: encode(b"\r\n\r\r\n\n" * (n // 6)),
    "a report about a long line": lambda n: reported(b"From: " + b"\xff" * n),
    "a report about many lines": lambda n: reported(b"X: y\r\n" * (n // 6) + b"\r\n"),
    "networks of SPF": lambda n: spf("v=spf1" + " ip4:10.0.0.0/24" * (n // 16) + " -all"),
    "networks of SPF in IPv6": lambda n: spf("v=spf1" + " ip6:2001:db8::/32" * (n // 18)),
    "terms of SPF that are none": lambda n: spf("v=spf1" + " oops:x/1=2" * (n // 11)),
    "spaces in SPF": lambda n: spf("v=spf1" + " " * n + "-all"),
    "a long domain in SPF": lambda n: spf("v=spf1 a:" + "a-" * (n // 2) + "!.example"),
    "labels in SPF": lambda n: spf("v=spf1 a:" + "a." * (n // 2) + "example -all"),
    "prefix lengths in SPF": lambda n: spf("v=spf1 a" + "/2" * (n // 2) + " -all"),
    "digits in SPF": lambda n: spf("v=spf1 a/" + "2" * n + " exists:%{d" + "9" * n + "}.example"),
    "macros in SPF": lambda n: spf("v=spf1 exists:" + "%{l1}" * (n // 5) + ".example -all"),
    "delimiters in SPF": lambda n: spf("v=spf1 exists:%{d" + ".-+,/_=" * (n // 7) + "}.a.example"),
    "modifiers in SPF": lambda n: spf("v=spf1" + " a=%{d}" * (n // 7) + " -all"),
    "an explanation of SPF": lambda n: spf("v=spf1 -all exp=why.example", "%{l1r}" * (n // 6)),
    "a sender's dots in SPF": lambda n: spf(
        "v=spf1 exists:%{l1}%{l2r}.example -all", "-", "." * n + "@example.org"
    ),
    "a report about boundaries": lambda n: reported(b"\r\n" + b"--=_R1_0\r\n" * (n // 10)),
    "elements of a report": lambda n: filed(b"<feedback>", b"<x/>" * (n // 4), b"</feedback>"),
    "records of a report": lambda n: filed(
        b"<feedback>",
        b"<record><row><source_ip>::1</source_ip><count>1</count></row></record>" * (n // 70),
    ),
    "attributes in a report": lambda n: filed(
        b"<feedback ", b" ".join(b'a%d=""' % i for i in range(n // 8)), b"/>"
    ),
    "elements in elements": lambda n: filed(b"<feedback>", b"<x>" * (n // 3)),
    "text in a report": lambda n: filed(b"<feedback>", b"&lt;" * (n // 4), b"</feedback>"),
    "policies of a TLS report": lambda n: filed(b'{"policies":[', b"{}," * (n // 3), b"{}]}"),
    "boundaries around a report": lambda n: attached(b"--a\r\n\r\n" * (n // 7)),
    "nearly boundaries": lambda n: attached(b"\r\n--" * (n // 4)),
    "parts in parts": lambda n: attached(
        b"--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" * (n // 52)
    ),
    "a header for a failure report": lambda n: (
        lambda: redacted(b"From: " + b"a@" * (n // 2) + b"\r\n", b"secret")
    ),
    "words of a letter's subject": lambda n: written(title="é " * (n // 3)),
    "blanks in a letter's subject": lambda n: written(title="a " * (n // 2) + " b"),
    "the name of a letter's file": lambda n: written(file="é" * (n // 2)),
    "who a letter is for": lambda n: written(to='"a"b" <a@b.example>', times=n // 20),
    "lines of a letter": lambda n: written(text="é\r\n.\n" * (n // 6)),
    "quotes in a header for a failure report": lambda n: (
        lambda: redacted(b'Received: "' + b'"a' * (n // 2) + b"\r\n", b"secret")
    ),
}
