"""A real Kubernetes control plane on this machine, and a kubelet and proxy for the pods of our own chart."""
