"""An answer that is held back: until its time comes, or until the place of its connection is wanted."""

from __future__ import annotations

import asyncio


class HeldAnswer:
    """The answer of one connection, of which one at a time is made."""

    def __init__(self) -> None:
        """Nothing is held back yet."""
        self._wanted: asyncio.Future[None] | None = None

    def __bool__(self) -> bool:
        """Say whether there is one that can be let go."""
        return self._wanted is not None and not self._wanted.done()

    async def wait(self, seconds: float) -> bool:
        """Hold it back for so many seconds; say whether it was let go before, and its connection has to end with it."""
        wanted = self._wanted = asyncio.get_running_loop().create_future()
        try:
            done, _ = await asyncio.wait((wanted,), timeout=max(seconds, 0.0))
        finally:
            self._wanted = None
        return bool(done)

    def let_go(self) -> None:
        """Have it sent now."""
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)
