"""The runner of both long-running commands: server settings, TLS, supervisor, the ASGI application of both ports."""
