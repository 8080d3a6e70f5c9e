"""How often one thing may be done to the API server."""

from typing import Final

SMALLEST_PRUNING: Final = 64
"""Keys before the first look for those that can be forgotten; later it is whenever their number has doubled."""


class Budget:
    """How often one key may be written: a burst, then a steady rate.

    A write that another client keeps undoing must not become a hot loop, and a repair must not wait long. A key that
    may write a whole burst again is forgotten, so keys that come and go leave nothing behind.
    """

    def __init__(self, *, burst: int, interval: float) -> None:
        """Allow `burst` writes at once and one more each `interval` seconds, for every key on its own."""
        self._burst = burst
        self._interval = interval
        self._full_at: dict[str, float] = {}
        self._prune_at = SMALLEST_PRUNING

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._full_at)

    def wait(self, key: str, *, now: float, keep: int = 0) -> float:
        """Return the seconds until the key may be written and leave so many writes of the burst; 0 allows it now."""
        return max(0.0, self._full_at.get(key, now) - now - (self._burst - 1 - keep) * self._interval)

    def spend(self, key: str, *, now: float) -> None:
        """Count one write."""
        self._full_at[key] = max(self._full_at.get(key, now), now) + self._interval
        if len(self._full_at) >= self._prune_at:
            self._full_at = {one: full_at for one, full_at in self._full_at.items() if full_at > now}
            self._prune_at = max(SMALLEST_PRUNING, 2 * len(self._full_at))

    def forget(self, key: str) -> None:
        """Drop a key that is gone."""
        self._full_at.pop(key, None)
