"""Everything that talks to the API server: one raw client, watch caches, Secrets, and the two reviews we ask it for."""
