"""The theory of label noise as experiments: one file each, with criteria that pass or fail."""
