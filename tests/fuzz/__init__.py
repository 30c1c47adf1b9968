"""Random plans through every front end, the checker, the printer and the scheduler: nothing breaks, hangs or gets out."""
