"""The runner of both long-running commands: server settings, TLS, supervisor, the two front doors."""
