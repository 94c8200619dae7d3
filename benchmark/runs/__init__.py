"""One run: from a setting to a Result."""
