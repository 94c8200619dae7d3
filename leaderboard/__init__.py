"""Stores results, decides who runs what, and ranks methods; knows nothing of training."""
