"""The web: what a reply means, whether it is true of me, and what the server does (part of it).

Three visitors: who looks up a reply, who was refused and follows the link in the reply, and the
operator. Pages are made here, whole, and need no script but for what changes under one's eyes.
"""
