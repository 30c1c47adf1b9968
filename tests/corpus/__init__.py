"""Plans that show the rules of the language, one file per rule, and what runs them."""
