"""Many runs on any executor."""
