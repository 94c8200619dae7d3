"""Measure what the engine costs beside a loop of stock parts."""
