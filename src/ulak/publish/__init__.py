"""What a domain has to publish in DNS so that its mail arrives and is believed, and what it has."""
