"""How much CPU a whole admission costs, in units of what nginx needs for a static answer."""
