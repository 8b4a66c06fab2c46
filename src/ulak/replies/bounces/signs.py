"""By which words a mail server's report for people is known.

Each is a whole phrase that such a program writes about itself, in small letters, with one space
between words; nobody writes it by chance at the top of a mail of his own.
"""

from __future__ import annotations

# Whose words, and the words. The surer names come first.
SIGNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("gmail", (
        "delivery to the following recipient failed permanently",
        "delivery to the following recipients failed permanently",
        "delivery to the following recipient has been delayed",
        "technical details of permanent failure",
        "technical details of temporary failure",
        "your message wasn't delivered to", "your message wasn’t delivered to",
        "there was a temporary problem delivering your message to",
        "there was a problem delivering your message to",
        "we're writing to let you know that the group you tried to contact",
        "the error that the other server returned was",
        "your email to group",
    )),
    ("yahoo", ("sorry, we were unable to deliver your message to the following address",)),
    ("qmail", (
        "this is the qmail-send program",
        "i'm afraid i wasn't able to deliver your message",
        "i wasn't able to deliver your message to the following addresses",
        "i tried to deliver a bounce message to this address",
        "your mail message to the following address(es) could not be delivered",
        "--- below this line is a copy of the message",
    )),
    ("zoho", ("error_code :",)),
    ("gmx", (
        "smtp error from remote server after", "smtp error from remote server for",
        "this is a permanent error. the following address failed:",
    )),
    ("mailru", ("mailer-daemon@corp.mail.ru",)),
    ("exim", (
        "a message that you sent contained one or more recipient addresses that were incorrectly",
        "failed addresses follow:",
        "this message was created automatically by mail delivery software",
        "could not be delivered to one or more of its recipients",
        "could not be delivered to all of its recipients",
        "has not been delivered to one or more of its recipients",
    )),
    ("postfix", (
        "i'm sorry to have to inform you that your message could not be delivered",
        "i'm sorry to have to inform you that the message returned below could not be delivered",
        "this is the mail system at host", "this is the postfix program at host",
        "your message could not be delivered to one or more recipients",
        "#### this is a warning only",
        "for further assistance, please send mail to postmaster",
    )),
    ("sendmail", (
        "the following addresses had permanent fatal errors",
        "the following addresses had permanent delivery errors",
        "the following addresses had transient non-fatal errors",
        "the following addresses had delivery problems",
        "the following addresses have delivery problems",
        "transcript of session follows", "transcript of session is unavailable",
        "warning: message still undelivered after",
    )),
    ("mailenable", ("message could not be delivered to some recipients",)),
    ("exchange", (
        "your message did not reach some or all of the intended recipients",
        "did not reach the following recipient(s)",
        "diagnostic information for administrators",
        "delivery has failed to these recipients",
        "couldn't be delivered to the following recipients",
        "the following recipient(s) could not be reached",
        "the following recipient(s) cannot be reached",
        "the following organization rejected your message",
        "diagnoseinformationen für administratoren",
        "ihre nachricht hat einige oder alle empfänger nicht erreicht",
        "fehler bei der nachrichtenzustellung an folgende empfänger",
        "informations de diagnostic pour les administrateurs",
        "votre message n'a pas atteint", "votre message n’a pas atteint",
        "échec de la remise pour ces destinataires",
        "información de diagnóstico para los administradores",
        "información de diagnóstico para administradores",
        "no se pudo entregar a estos destinatarios",
        "el mensaje no llegó a algunos o a todos los destinatarios",
        "informazioni di diagnostica per gli amministratori",
        "impossibile recapitare il messaggio ai seguenti destinatari",
        "il messaggio non ha raggiunto alcuni o tutti i destinatari",
        "informações de diagnóstico para administradores",
        "a entrega para estes destinatários",
        "diagnostische gegevens voor beheerders",
        "yöneticiler için tanılama bilgileri",
        "iletiniz hedeflenen alıcıların bazılarına ya da hiçbirine ulaşmadı",
        "диагностические сведения для администраторов",
        "管理者向けの診断情報", "管理員的診斷資訊", "管理员的诊断信息", "관리자를 위한 진단 정보",
    )),
    ("domino", (
        "------- failure reasons", "not listed in domino directory",
        "not listed in public name & address book",
        "was not delivered to:", "domino ディレクトリ",
    )),
    ("courier", (
        "running the courier mail server",
        "your message to the following recipients cannot be delivered",
    )),
    ("opensmtpd", (
        "this is the mailer-daemon, please do not reply to this email",
        "this is the mailer-daemon, please do not reply to this e-mail",
    )),
    ("dragonfly", ("this is the dragonfly mail agent",)),
    ("james", ("error: invalid user address", "error message below:")),
    ("imail", (
        "invalid final delivery userid:", "delivery failed 20 attempts:", "undeliverable to",
        "unknown user:", "unknown host:", "user mailbox exceeds allowed size:",
    )),
    ("messagingserver", (
        "this report relates to a message you sent with the following header fields",
        "your message cannot be delivered to the following recipients",
    )),
    ("mailmarshal", ("was automatically rejected by", "the following recipients were affected")),
    ("barracuda", ("was blocked by our spam firewall",)),
    ("amazonses", (
        "an error occurred while trying to deliver the mail to the following recipients",
    )),
    ("other", (
        "each of the following recipients was rejected by a remote mail server",
        "the user(s) account is", "message from interscan", "sent <<< rcpt to:",
        "did not reach the following recipient", "user's mailbox is full:",
        "could not be delivered to:", "message could not be delivered to mobile",
        "the following mail could not be delivered",
        "this is an automatically generated message", "was undeliverable",
        "this is an automatically generated delivery status notification",
        "this is an automatically generated delivery failure report",
        "unable to deliver message to the following address(es)",
        "unable to deliver message to the following recipients",
        "this message was undeliverable due to the following reason",
        "your message was not delivered for the following reason",
        "your message was not delivered to the following recipients",
        "your message could not be delivered", "your message cannot be delivered",
        "your mail could not be delivered", "your mail cannot be delivered",
        "the following message could not be delivered",
        "could not be delivered to the following recipient",
        "the following recipients returned permanent errors",
        "we had trouble delivering your message",
        "was unable to deliver your message", "were unable to deliver your message",
        "unable to deliver mail to the following recipient",
        "the mail system could not deliver mail to",
        "delivery to the following recipients was aborted",
        "delevery to the following recipients was aborted",
        "delivery to the following recipients failed",
        "a message that you sent could not be delivered",
        "the message that you sent was undeliverable to the following",
        "the user(s) account is temporarily over quota",
        "the following message to",
        "could not be delivered due to following reason",
        "could not be delivered because",
        "the original message was received at",
        "mail delivery failed", "message delivery failed", "delivery failed",
        "returned mail", "undeliverable mail", "undelivered mail",
        "エラーのため", "送信できませんでした", "配信できませんでした", "配信に失敗しました",
    )),
)  # fmt: skip

# What says that it will be tried again.
DELAYED = (
    "this is a warning only", "this is a warning message only", "warning message only",
    "has been delayed", "has not been delivered to one or more of its recipients after",
    "will be retried for", "will continue to be made", "will continue to try",
    "no action is required on your part", "you do not need to resend",
    "still undelivered after", "we'll retry for", "gmail will retry", "gmail will keep trying",
    "there was a temporary problem delivering",
)  # fmt: skip
FAILED = (
    "permanent error", "failed permanently", "permanent failure", "permanent fatal errors",
    "no longer be retried", "given up", "could not be delivered",
)  # fmt: skip

# A line that begins so ends the report: what follows is the message that is returned. The first
# ones count behind a rule of hyphens or the like.
RULED_ENDS = (
    "below this line", "this is a copy", "original message", "message header", "unsent message",
    "the header of the original", "returned message", "attached is a copy", "header",
    "non-delivered message", "message text follows", "failed message", "end of message",
    "the attached file contains", "undelivered message",
)  # fmt: skip
ENDS = (
    "message headers follow", "message header follows", "original message follows",
    "original message headers", "the original message headers", "original message header",
    "original message:", "below is a copy of the original", "below the next line is a copy",
    "a copy of the original message", "received: ", "received:from", "return-path: ",
    "dkim-signature: ", "x-received: ", "ursprüngliche nachrichtenkopfzeilen",
    "en-têtes de message d'origine", "encabezados de mensajes originales",
    "kopfzeilen der ursprünglichen nachricht", "here is a copy of the first part of the message",
    "the first 50 lines of the original",
)  # fmt: skip
RULES = ("--", "==", "|-", "**", "__", "—")
