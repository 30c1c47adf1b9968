"""A support agent that answers tickets and makes refunds, over an SQLite database; a person approves the large ones."""
