"""What a person expects to see in a network, written down in TOML, and held against a capture."""
