"""SMTP without sockets: bytes in, events out, replies back to bytes (RFC 5321)."""
