"""Plans and their parts as text and pictures."""
