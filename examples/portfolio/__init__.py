"""A daily brief of nine holdings at real prices, from a provider that allows five calls at once."""
