"""What a reply makes of the text that it repairs."""
