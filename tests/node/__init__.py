"""A real node, kubelet and containerd, that runs our image; see `__main__`."""
