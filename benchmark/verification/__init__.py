"""Verify stored results, and import those of others."""
