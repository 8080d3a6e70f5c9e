"""The decision as a pure function of (object, tier, usage): no I/O, no clock, no environment."""
