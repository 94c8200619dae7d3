"""What every method gets alike: settings, seeds, keys and splits."""
