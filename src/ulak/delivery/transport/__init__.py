"""How safely mail has to travel: what domains ask for, and what is done about it.

`policy` has the values, `tlsa` finds what DNS says of a host (DANE, RFC 7672), `sts` keeps what
domains say over HTTPS (MTA-STS, RFC 8461), `deciding` makes demands on a session of both and of
what the operator says, and `handshake` shakes hands where a TLSA record has to fit.
"""
