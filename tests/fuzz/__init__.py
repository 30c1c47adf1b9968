"""Random plans through every front end, the check, the printer and the scheduler: nothing breaks, hangs or gets out."""
