"""Bounces as mail servers write them, each with what it says. All of them are our own."""

from __future__ import annotations

from dataclasses import dataclass

RETURNED = """Received: from mail.example.org by mx.example.org; Thu, 26 Nov 2026 09:00:00 +0000
Message-ID: <one@example.org>
Date: Thu, 26 Nov 2026 08:59:58 +0000
From: Ada <ada@example.org>
To: grace@example.net
Subject: The engine

It works. Write to nobody@example.com.
"""


@dataclass(frozen=True)
class Sample:
    """A mail, whose it is, and for each recipient its code, enhanced code and action."""

    name: str
    source: str
    mail: str
    told: dict[str, tuple[int | None, str | None, str]]


def plain(text: str, sender: str = "MAILER-DAEMON@mx.example.org", extra: str = "") -> str:
    subject = "Undelivered Mail Returned to Sender"
    return f"From: Mailer <{sender}>\nTo: ada@example.org\nSubject: {subject}\n{extra}\n{text}"


def report(human: str, status: str, *, returned: str = RETURNED, more: str = "") -> str:
    return (
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.org\nTo: ada@example.org\n"
        "Subject: Undeliverable: The engine\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"\n\n'
        f"--=_b\nContent-Type: text/plain; charset=utf-8\n\n{human}\n--=_b\n"
        f"Content-Type: message/delivery-status\n{more}\n{status}\n--=_b\n"
        f"Content-Type: message/rfc822\n\n{returned}\n--=_b--\n"
    )


FAILED = "failed"
GRACE = "grace@example.net"
MTA = "Reporting-MTA: dns; mx.example.org\nArrival-Date: Thu, 26 Nov 2026 09:00:00 +0000\n\n"
FINAL = f"Final-Recipient: rfc822; {GRACE}\n"

SAMPLES = (
    Sample("a report", "dsn", report("It failed.", MTA + FINAL + "Action: failed\nStatus: 5.1.1\n"
        "Remote-MTA: dns; mx.example.net\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such\n user here\n"),
        {GRACE: (550, "5.1.1", FAILED)}),
    Sample("Exchange's fields", "dsn", report("It failed.", "Reporting-MTA: dns;ex.example.org\n\n"
        "Original-Recipient: rfc822;grace@example.net\nFinal-Recipient: rfc822;grace@example.net\n"
        "Action: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp;#5.1.1 smtp;550 5.1.1 RESOLVER.ADR.RecipNotFound; not found\n"
        "X-Display-Name: Grace\n"), {GRACE: (550, "5.1.1", FAILED)}),
    Sample("several recipients without an empty line", "dsn", report("It failed.", MTA
        + FINAL + "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 a\n"
        "Final-Recipient: rfc822; <hedy@example.net>\nAction: Failed (for good)\nStatus: 5.2.2\n"),
        {GRACE: (550, "5.1.1", FAILED), "hedy@example.net": (None, "5.2.2", FAILED)}),
    Sample("a delay", "dsn", report("It waits.", MTA + FINAL + "Action: delayed\nStatus: 4.4.1\n"
        "Will-Retry-Until: Sat, 28 Nov 2026 09:00:00 +0000\n"), {GRACE: (None, "4.4.1",
        "delayed")}),
    Sample("no action", "dsn", report("?", MTA + FINAL + "Status: 4.2.2\n"),
        {GRACE: (None, "4.2.2", "delayed")}),
    Sample("a contradiction", "dsn", report("?", MTA + FINAL + "Action: failed\nStatus: 2.0.0\n"
        "Diagnostic-Code: smtp; 550 gone\n"), {GRACE: (550, None, FAILED)}),
    Sample("the reply is only told to people", "dsn", report(
        "This is the mail system at host mx.example.org.\n\n<grace@example.net>: host "
        "mx.example.net[192.0.2.1] said: 554 5.7.1\n    No thanks (in reply to RCPT TO command)\n",
        MTA + FINAL + "Action: failed\nStatus: 5.7.1\n"), {GRACE: (554, "5.7.1", FAILED)}),
    Sample("a broken part for programs", "postfix", report(
        "I'm sorry to have to inform you that your message could not\nbe delivered to one or more "
        "recipients.\n\n<grace@example.net>: host mx.example.net[192.0.2.1] said: 550 5.1.1 Gone\n"
        "    (in reply to RCPT TO command)\n", "(could not be written)\n"),
        {GRACE: (550, "5.1.1", FAILED)}),
    Sample("fields among the words for people", "dsn", plain("An error occurred while trying to "
        "deliver the mail to the following recipients:\ngrace@example.net\n\nTechnical report:\n"
        "Reporting-MTA: dns; mx.example.org\n\nAction: failed\n" + FINAL
        + "Diagnostic-Code: smtp; 550 5.1.1 Gone\n\n"), {GRACE: (550, "5.1.1", FAILED)}),
    Sample("qmail", "qmail", plain("Hi. This is the qmail-send program at mx.example.org.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        "<grace@example.net>:\n192.0.2.1 does not like recipient.\n"
        "Remote host said: 550 5.1.1 no such user\nGiving up on 192.0.2.1.\n\n"
        "<hedy@example.net>:\nSorry, I couldn't find any host named example.net. (#5.1.2)\n\n"
        f"--- Below this line is a copy of the message.\n\n{RETURNED}"),
        {GRACE: (550, "5.1.1", FAILED), "hedy@example.net": (None, "5.1.2", FAILED)}),
    Sample("Exim", "exim", plain("This message was created automatically by mail delivery "
        "software.\n\n"
        "A message that you sent could not be delivered to one or more of its\n"
        "recipients. This is a permanent error. The following address(es) failed:\n\n"
        "  grace@example.net\n    (generated from g@example.org)\n"
        "    SMTP error from remote mail server after RCPT TO:<grace@example.net>:\n"
        "    host mx.example.net [192.0.2.1]: 550-5.1.1 no such\n    550 5.1.1 user\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\n" + RETURNED,
        extra="X-Failed-Recipients: grace@example.net\nAuto-Submitted: auto-replied\n"),
        {GRACE: (550, "5.1.1", FAILED)}),
    Sample("Exim waits", "exim", plain("This message was created automatically by mail delivery "
        "software.\nA message that you sent has not been delivered to one or more of its\n"
        "recipients after more than 24 hours on the queue on mx.example.org.\n\nThe address to "
        "which the message has not yet been delivered is:\n\n  grace@example.net\n\n"
        "No action is required on your part. Delivery attempts will continue for\nsome time.\n"),
        {GRACE: (None, None, "delayed")}),
    Sample("Postfix", "postfix", plain("This is the mail system at host mx.example.org.\n\n"
        "I'm sorry to have to inform you that your message could not\nbe delivered to one or more "
        "recipients. It's attached below.\n\nFor further assistance, please send mail to "
        "postmaster.\n\n                   The mail system\n\n<grace@example.net>: connect to "
        "mx.example.net[192.0.2.1]:25: Connection timed out\n\n"
        "<hedy@example.net> (expanded from <h@example.org>): host mx.example.net[192.0.2.1]\n"
        "    said: 552 5.2.2 full (in reply to RCPT TO command)\n"),
        {GRACE: (None, None, FAILED), "hedy@example.net": (552, "5.2.2", FAILED)}),
    Sample("sendmail", "sendmail", plain("The original message was received at Thu, 26 Nov 2026\n"
        "from [192.0.2.9]\n\n   ----- The following addresses had permanent fatal errors -----\n"
        "<grace@example.net>\n    (reason: 550 5.1.1 <grace@example.net>... User unknown)\n"
        "    (expanded from: <g@example.org>)\n\n   ----- Transcript of session follows -----\n"
        "... while talking to mx.example.net.:\n>>> RCPT To:<grace@example.net>\n"
        "<<< 550 5.1.1 <grace@example.net>... User unknown\n\n"
        "   ----- Original message follows -----\n\n" + RETURNED), {GRACE: (550, "5.1.1", FAILED)}),
    Sample("sendmail of old", "sendmail", plain("   ----- Transcript of session follows -----\n"
        "While talking to mx.example.net:\n>>> RCPT To:<grace@example.net>\n<<< 550 no such user\n"
        "550 <grace@example.net>... User unknown\n\n   ----- Unsent message follows -----\n"
        + RETURNED), {GRACE: (550, None, FAILED)}),
    Sample("Exchange 2003", "exchange", plain("Your message did not reach some or all of the "
        "intended "
        "recipients.\n\n      Subject:\tThe engine\n      Sent:\t11/26/2026 9:00 AM\n\n"
        "The following recipient(s) could not be reached:\n\n"
        "      grace@example.net on 11/26/2026 9:01 AM\n            The e-mail account does not "
        "exist at the organization this message was sent to.\n            <mx.example.net #5.1.1 "
        "smtp;550 5.1.1 no such user>\n"), {GRACE: (550, "5.1.1", FAILED)}),
    Sample("Exchange", "exchange", plain("Delivery has failed to these recipients or groups:\n\n"
        "Grace (grace@example.net)\nThe email address you entered couldn't be found.\n\n"
        "Diagnostic information for administrators:\n\nGenerating server: ex.example.org\n\n"
        "grace@example.net\nmx.example.net\nRemote Server returned '550 5.1.10 "
        "RESOLVER.ADR.RecipientNotFound; not found'\n\nOriginal message headers:\n\n" + RETURNED),
        {GRACE: (550, "5.1.10", FAILED)}),
    Sample("Exchange in German", "exchange", plain("Fehler bei der Nachrichtenzustellung an "
        "folgende "
        "Empfänger oder Verteilerlisten:\n\ngrace@example.net\nDie E-Mail-Adresse wurde nicht "
        "gefunden.\n\nDiagnoseinformationen für Administratoren:\n\nGenerierender Server: ex\n\n"
        "grace@example.net\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n"),
        {GRACE: (550, "5.1.1", FAILED)}),
    Sample("Exchange in Turkish", "exchange", plain("Yöneticiler için tanılama bilgileri:\n\n"
        "Oluşturan sunucu: ex.example.org\n\ngrace@example.net\n"
        "#550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized ##\n"), {GRACE: (550, "5.7.1",
        FAILED)}),
    Sample("Domino", "domino", plain("Your message\n\n  Subject: The engine\n\nwas not delivered "
        "to:\n\n"
        "  grace@example.net\n\nbecause:\n\n  User grace (grace@example.net) not listed in Domino "
        "Directory\n", sender="Postmaster@example.net"), {GRACE: (None, None, FAILED)}),
    Sample("Gmail of old", "gmail", plain("Delivery to the following recipient failed "
        "permanently:\n\n"
        "     grace@example.net\n\nTechnical details of permanent failure: \nGoogle tried to "
        "deliver "
        "your message, but it was rejected by the server for the recipient domain example.net by "
        "mx.example.net. [192.0.2.1].\n\nThe error that the other server returned was:\n"
        "550 5.1.1 <grace@example.net>: no such user\n\n\n----- Original message -----\n\n"
        + RETURNED), {GRACE: (550, "5.1.1", FAILED)}),
    Sample("Gmail", "gmail", plain("\n** Address not found **\n\nYour message wasn't delivered to "
        "grace@example.net because the address couldn't be found.\n\n\nThe response from the "
        "remote "
        "server was:\n\n550 5.1.1 <grace@example.net> unknown\n"), {GRACE: (550, "5.1.1", FAILED)}),
    Sample("Gmail in HTML alone", "gmail", plain(
        "<html><head><style>a{}</style></head><body><h1>Address not found</h1><p>Your message "
        "wasn't delivered to <b>grace@example.net</b> because the address couldn&#39;t be found."
        "</p><p>The response from the remote server was:</p><p>550 5.1.1 no such user</p></body>",
        extra="Content-Type: text/html; charset=utf-8\n"), {GRACE: (550, "5.1.1", FAILED)}),
    Sample("Gmail waits", "gmail", plain("Delivery to the following recipient has been delayed:\n\n"
        "     grace@example.net\n\nMessage will be retried for 2 more day(s)\n\nTechnical "
        "details of "
        "temporary failure:\nThe recipient server did not accept our requests to connect.\n"),
        {GRACE: (None, None, "delayed")}),
    Sample("Yahoo", "yahoo", plain("Sorry, we were unable to deliver your message to the following "
        "address.\n\n<grace@example.net>:\nRemote host said:\n550 5.1.1 no such user\n[RCPT_TO]\n\n"
        "--- Below this line is a copy of the message.\n\n" + RETURNED), {GRACE: (550, "5.1.1",
        FAILED)}),
    Sample("GMX", "gmx", plain("This message was created automatically by mail delivery "
        "software.\n\n"
        "A message that you sent could not be delivered to one or more of\nits recipients. This "
        "is a "
        'permanent error.\nThe following address failed:\n\n"grace@example.net":\nSMTP error from '
        "remote server after RCPT command:\nhost: mx.example.net\n5.1.1 no such user\n\n"
        "--- The header of the original message is following. ---\n\n" + RETURNED),
        {GRACE: (None, "5.1.1", FAILED)}),
    Sample("Zoho", "zoho", plain("This message was created automatically by mail delivery "
        "software.\n"
        "A message that you sent could not be delivered to one or more of its recipients.\n\n"
        "grace@example.net Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 no such user\n"),
        {GRACE: (550, "5.1.1", FAILED)}),
    Sample("Courier", "courier", plain("This is a delivery status notification from "
        "mx.example.org,\n"
        "running the Courier mail server, version 0.65.\n\nThe original message was received on "
        "Thu\n"
        "\n---\n\n                           UNDELIVERABLE MAIL\n\nYour message to the following "
        "recipients cannot be delivered:\n\n<grace@example.net>:\n    mx.example.net [192.0.2.1]:\n"
        ">>> RCPT TO:<grace@example.net>\n<<< 550 5.1.1 no such user\n"), {GRACE: (550, "5.1.1",
        FAILED)}),
    Sample("OpenSMTPD", "opensmtpd", plain("    Hi!\n\n    This is the MAILER-DAEMON, please DO "
        "NOT REPLY "
        "to this email.\n\n    An error has occurred while attempting to deliver a message for\n "
        "   "
        "the following list of recipients:\n\ngrace@example.net: 550 5.1.1 no such user\n\n    "
        "Below is "
        "a copy of the original message:\n\n" + RETURNED), {GRACE: (550, "5.1.1", FAILED)}),
    Sample("IMail", "imail", plain("Unknown user: grace@example.net\n\n\nOriginal message "
        "follows.\n\n"
        + RETURNED), {GRACE: (None, None, FAILED)}),
    Sample("MailEnable", "mailenable", plain("Message could not be delivered to some recipients.\n"
        "The following recipient(s) could not be reached:\n\n"
        "\tRecipient: [SMTP:grace@example.net]\n\tReason: 550 5.1.1 no such user\n"),
        {GRACE: (550, "5.1.1", FAILED)}),
    Sample("DragonFly", "dragonfly", plain("This is the DragonFly Mail Agent v0.13 at "
        "mx.example.org.\n\n"
        "There was an error delivering your mail to <grace@example.net>.\n\nmx.example.net "
        "[192.0.2.1] "
        "did not like our RCPT TO:\n550 5.1.1 no such user\n\nMessage headers follow.\n\n" +
        RETURNED),
        {GRACE: (550, "5.1.1", FAILED)}),
    Sample("Amazon SES over SNS", "amazonses",
        "From: no-reply@sns.example.com\nSubject: Notification\n\n"
        '{"Type":"Notification","Message":"{\\"notificationType\\":\\"Bounce\\",\\"bounce\\":'
        '{\\"bounceType\\":\\"Permanent\\",\\"reportingMTA\\":\\"dns; mx.example.com\\",'
        '\\"bouncedRecipients\\":[{\\"emailAddress\\":\\"grace@example.net\\",\\"action\\":\\"failed\\",'
        '\\"diagnosticCode\\":\\"smtp; 550 5.1.1 gone\\"}]}}"}\n--\nIf you wish to stop\n',
        {GRACE: (550, "5.1.1", FAILED)}),
    Sample("MDaemon", "mdaemon", plain(
        "The attached message had PERMANENT fatal delivery errors!\n\n"
        "YOUR MESSAGE WAS NOT DELIVERED!\n\nThe following addresses did NOT receive a copy of your "
        "message:\n\n> grace@example.net\n\n--- Session Transcript ---\n"
        " Thu: <<< 550 5.1.1 no such user\n"), {GRACE: (550, "5.1.1", FAILED)}),
    Sample("Dovecot's filter", "dovecot",
        "From: Mailer <postmaster@example.net>\nSubject: Rejected\n"
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n"
        "Content-Type: text/plain\n\nYour message to <grace@example.net> was automatically "
        "rejected:\nQuota exceeded\n--b\n"
        "Content-Type: message/disposition-notification\n\nFinal-Recipient: "
        "rfc822; grace@example.net\nDisposition: automatic-action/MDN-sent-automatically; deleted\n"
        "--b--\n", {GRACE: (None, None, FAILED)}),
    Sample("a program behind an address", "dsn", report("The following address(es) failed:\n\n"
        "  grace@example.net\n", MTA + "Final-Recipient: rfc822; |/usr/bin/filter\nAction: failed\n"
        "Status: 5.0.0\n"), {GRACE: (None, "5.0.0", FAILED)}),
)  # fmt: skip
