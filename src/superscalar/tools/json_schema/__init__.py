"""Tools that are described by JSON Schema: how one is read, shown, checked by, and bounded. No Python types in here."""
