"""Questions of one member to all others of its cluster, and their answers."""
