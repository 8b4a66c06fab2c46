"""Logging in: SASL as a server and as a client, without sockets (RFC 4422, RFC 4954)."""
