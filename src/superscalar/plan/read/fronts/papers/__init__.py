"""What the syntaxes of the papers, `numbered` and `rewoo`, share."""
