"""What is counted (a Protocol) and how Prometheus sees it."""
