"""The Task Fetching Unit: a pure state machine, limits that runs share, and their asyncio shell."""
