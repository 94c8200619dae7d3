"""The error that methods raise."""


class MethodError(ValueError):
    """A method that does not exist, or that cannot be built from what was given."""
