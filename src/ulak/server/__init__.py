"""The server: sockets around the SMTP core, and the decisions that one session asks for."""
