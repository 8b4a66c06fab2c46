"""The client's side of SMTP and LMTP, without sockets (RFC 5321, RFC 2033)."""

from ulak.smtp.client.core import ClientCore
from ulak.smtp.client.extensions import EXTENSIONS, Extension, Offer, Transaction
from ulak.smtp.client.login import Login
from ulak.smtp.client.message import Encoder, Mender, encode, mend
from ulak.smtp.client.reply import Babble, PeerReply, ReplyReader
from ulak.smtp.client.states import Answer, Failure, Stage, Step

__all__ = [
    "EXTENSIONS",
    "Answer",
    "Babble",
    "ClientCore",
    "Encoder",
    "Extension",
    "Failure",
    "Login",
    "Mender",
    "Offer",
    "PeerReply",
    "ReplyReader",
    "Stage",
    "Step",
    "Transaction",
    "encode",
    "mend",
]
