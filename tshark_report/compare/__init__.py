"""Two captures of the same thing, one where it works and one where it does not: what differs, and where they part."""
