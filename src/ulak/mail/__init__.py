"""The nouns of mail: addresses, envelopes, messages. Pure: no socket, clock, disk or chance."""
