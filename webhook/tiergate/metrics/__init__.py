"""What is counted (a Protocol), and its form for Prometheus."""
