"""What things cost and how well they go, each beside a bound or a peer in the same run."""
