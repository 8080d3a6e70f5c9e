"""Pages of docs/ that are written from the product, and tests that the others say all they promise."""
