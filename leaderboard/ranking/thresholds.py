"""What counts as decided, and what as practically equal: without NumPy, since the command line says it at start."""

ALPHA = 0.05
"""Level of every family of tests."""
MARGIN = 0.5
"""Points within which two methods are practically equal."""
