"""Wire shapes: msgspec Structs of the fields we read, and for each kind one function to core values.

JSON enters here. A fast typed decoder need only be right on valid input; any of its exceptions sends the
same bytes to the slow strict decoder, which finds the exact JSON pointer (``tiergate.wire.strict``).
"""

from tiergate.wire.malformed import Malformed, NotJson

__all__ = ["Malformed", "NotJson"]
