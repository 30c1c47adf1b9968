"""Ten questions about countries, and tools that answer in a second: `superscalar compare` with no key."""
