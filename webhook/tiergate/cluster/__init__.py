"""The API server's side of the house: one raw client, watch caches, Secrets, and the two reviews we ask it for."""
