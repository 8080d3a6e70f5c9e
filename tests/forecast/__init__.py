"""The verdict on random workloads, compared with what the real controllers make of them."""
