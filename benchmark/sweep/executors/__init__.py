"""Where the work of a sweep is done: one executor per file."""
