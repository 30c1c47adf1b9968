"""What to write instead of a mistake: code that is made of the plan at hand, and that checks."""
