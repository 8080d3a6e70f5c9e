"""``tiergate serve``: the admission doors, the caches behind them, and what is shown of them."""
