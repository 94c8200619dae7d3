"""Keep results in MLflow, and decide who makes which."""
