"""The vocabulary: what an SMTP reply says, what caused it, and what to do (RFC 5321 §4.2, 3463)."""
