"""What we ourselves know of the clients that bring mail: greylisting, and their reputation."""
