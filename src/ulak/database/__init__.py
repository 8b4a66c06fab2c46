"""What the rooms that keep something in a database share."""
