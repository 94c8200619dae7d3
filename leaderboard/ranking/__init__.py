"""Compare and order results."""
