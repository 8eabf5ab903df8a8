"""Tables of README and docs, from the results that they show."""
