"""Wire shapes: msgspec Structs of the fields we read, and for each kind one function to core values.

JSON enters here. A fast typed decoder reads first and need only be right on valid input (``decode``). Whatever it
refuses is parsed to a tree (``tree``) and read again by the strict decoder, which names every fault (``strict``).
"""

from tiergate.wire.malformed import Malformed, NotJson

__all__ = ["Malformed", "NotJson"]
