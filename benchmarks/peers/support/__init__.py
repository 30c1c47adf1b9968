"""One job in three libraries: a support agent whose refunds a person approves. See `examples/support`."""
