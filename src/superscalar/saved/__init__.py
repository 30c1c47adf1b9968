"""Saved plans: text files that a person reviewed, with what they were reviewed with, and who approved them."""
