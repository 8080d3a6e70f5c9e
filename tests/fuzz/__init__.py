"""Fuzzing of the decoders and the handlers: bytes nobody would send, and reviews somebody might."""
