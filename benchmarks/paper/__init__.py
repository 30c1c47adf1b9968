"""The benchmarks of the LLMCompiler paper: the schedule alone, with an oracle that plans, and whole runs with a model."""
