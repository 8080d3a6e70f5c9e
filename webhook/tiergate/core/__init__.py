"""The decision as a pure function of a request and of facts: no I/O, no clock, no environment."""
