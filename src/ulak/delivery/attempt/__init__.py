"""One attempt over SMTP or LMTP: hosts in turn, a connection, an outcome for everybody.

`carrier` keeps what attempts share, `trying` takes the hosts in turn, `opening` opens sessions, and
`fitting` says what of a message a server can take.
"""

from ulak.delivery.attempt.carrier import SmtpCarrier

__all__ = ["SmtpCarrier"]
