"""Who may log in, as whom they may send, and who has tried too often (RFC 4954, RFC 6409)."""
