"""``tiergate adopt``: a cluster's own LimitRanges and ResourceQuotas as Tiers, and what would change with them."""
