"""The web in a process of its own: uvicorn held to limits, and the site put together."""
