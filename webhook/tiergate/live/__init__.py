"""What the commands for people read of a cluster: with rights to read, once, and nothing that they do not need."""
