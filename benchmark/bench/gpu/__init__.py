"""Ask a GPU all that only a GPU can say, in one run that keeps to a budget of seconds."""
