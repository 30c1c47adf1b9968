"""The benchmarks of the LLMCompiler paper: the schedule alone, with an oracle, and whole runs."""
