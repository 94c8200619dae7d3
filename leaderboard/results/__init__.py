"""What a result is: its fields, rules and files."""
