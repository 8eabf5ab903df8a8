"""The command line: each command's options, what it does, and what it prints."""
