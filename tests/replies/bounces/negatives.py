"""Mail that is no report of a failure, however much it speaks of one. All of it is our own."""

from __future__ import annotations

from tests.replies.bounces.samples import SAMPLES

QUOTED = "\n".join("> " + line for line in SAMPLES[9].mail.split("\n"))
QMAIL = SAMPLES[9].mail.partition("\n\n")[2]


def mail(header: str, body: str) -> str:
    return f"{header}\n\n{body}\n"


PERSON = "From: Grace <grace@example.net>\nTo: ada@example.org\nMessage-ID: <two@example.net>"
NEGATIVES = {
    "a letter": mail(f"{PERSON}\nSubject: Tea", "At five? 550 people come, 5.1.1 of them early."),
    "nothing": "",
    "a header alone": "Subject: x",
    "a quoted bounce": mail(f"{PERSON}\nSubject: Re: failure notice", f"What is this?\n\n{QUOTED}"),
    "a pasted bounce": mail(f"{PERSON}\nSubject: What is this", f"It came today:\n\n{QMAIL}"),
    "a bounce on a list": mail(
        f"{PERSON}\nList-Id: <mail.example.org>\nSubject: Undeliverable mail and what to do",
        f"Our server says:\n\n{QMAIL}",
    ),
    "an answer to a bounce on a list": mail(
        f"{PERSON}\nIn-Reply-To: <x@example.org>\nSubject: Delivery Status Notification (Failure)",
        f"I see the same.\n\n{QMAIL}",
    ),
    "a postmaster who writes": mail(
        "From: Postmaster <postmaster@example.net>\nTo: ada@example.org\nSubject: Your question",
        "Dear Ada,\n\nwrite to grace@example.net. Her mailbox was full: 552 5.2.2.\n",
    ),
    "a newsletter": mail(
        "From: News <news@example.com>\nList-Unsubscribe: <mailto:u@example.com>\nReturn-Path: <>\n"
        "Subject: How to read a bounce",
        "550 5.1.1 means that there is no such mailbox.\nsales@example.com",
    ),
    "a vacation": mail(
        "From: Grace <grace@example.net>\nReturn-Path: <>\nAuto-Submitted: auto-replied\n"
        "Subject: Out of office: The engine",
        "I am away until Monday. In urgent cases: hedy@example.net",
    ),
    "a vacation that quotes": mail(
        "From: Grace <grace@example.net>\nReturn-Path: <>\nAuto-Submitted: auto-replied\n"
        "Subject: Away: failure notice",
        f"I am away.\n\n{QUOTED}",
    ),
    "a ticket": mail(
        "From: Support <support@example.com>\nAuto-Submitted: auto-replied\nReturn-Path: <>\n"
        "Subject: [#42] We have your request",
        "We will answer soon. Your request to help@example.com was:\n\n> my mail bounces with 550",
    ),
    "a receipt": mail(
        "From: Grace <grace@example.net>\nReturn-Path: <>\nSubject: Read: The "
        "engine\nContent-Type: "
        "multipart/report; report-type=disposition-notification; boundary=b",
        "--b\nContent-Type: text/plain\n\nYour message was read.\n--b\n"
        "Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; "
        "grace@example.net\nDisposition: manual-action/MDN-sent-manually; displayed\n--b--",
    ),
    "a complaint": mail(
        "From: fbl@example.com\nSubject: complaint\nContent-Type: multipart/report; "
        "report-type=feedback-report; boundary=b",
        "--b\nContent-Type: text/plain\n\nThis is an email abuse report.\n--b\n"
        "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n"
        f"Original-Rcpt-To: grace@example.net\n--b\nContent-Type: message/rfc822\n\n{QMAIL}\n--b--",
    ),
    "a report of DMARC": mail(
        "From: noreply-dmarc@example.com\nSubject: Report Domain: example.org Submitter: "
        "example.com"
        "\nContent-Type: multipart/mixed; boundary=b",
        "--b\nContent-Type: text/plain\n\nThis is an aggregate report.\n--b\n"
        "Content-Type: application/gzip\nContent-Transfer-Encoding: base64\n\nH4sIAAAA\n--b--",
    ),
    "log lines by cron": mail(
        "From: root@mx.example.org (Cron Daemon)\nTo: root@example.org\nSubject: Cron <root@mx> "
        "log",
        "postfix/smtp: to=<grace@example.net>, status=bounced (host mx said: 550 5.1.1 no)",
    ),
    "a summary for a postmaster": mail(
        "From: postmaster@mx.example.org\nTo: postmaster@example.org\nSubject: Mail statistics",
        "message bounce detail\n  grace@example.net (total: 1)\n     550 5.1.1 no such user",
    ),
    "an invitation": mail(
        f"{PERSON}\nSubject: Delivery\nContent-Type: text/html",
        "<p>Our delivery has failed to these recipients or groups: the hungry.</p>",
    ),
}
