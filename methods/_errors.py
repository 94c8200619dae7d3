"""The errors that methods raise."""


class MethodError(ValueError):
    """A method that does not exist, or that cannot be built from what was given."""


class NoMethod(MethodError):
    """A user's file that registers no method; it may register something else."""
