"""Reports of DMARC and TLS: collected, sent, and read (RFC 9990, RFC 9991, RFC 8460)."""
