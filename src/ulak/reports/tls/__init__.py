"""One's own reports about TLS with the hosts of other domains (RFC 8460)."""
