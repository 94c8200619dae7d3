"""Search hyper-parameters on one budget, and retrain the winners."""
