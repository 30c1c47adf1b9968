"""AgentDojo's tasks driven through the engine without a model. The command is `benchmarks/agentdojo.py`."""
