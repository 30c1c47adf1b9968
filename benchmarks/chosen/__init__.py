"""What the benchmark of chosen examples is about: tools of an office, plans, and questions, all written by hand."""
