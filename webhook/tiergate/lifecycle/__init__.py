"""What happens to an installation from outside: its CRDs are raised, its work is proved, it is taken down in order."""
