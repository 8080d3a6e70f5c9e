"""``tiergate serve``: the admission endpoints, the caches behind them, and what is shown of them."""
