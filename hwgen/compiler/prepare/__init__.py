"""What is done to a network before it becomes steps."""
