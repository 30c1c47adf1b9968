"""Language models: one small protocol and its adapters, imported only when used."""
