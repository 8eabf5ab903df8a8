"""The tools of others that hwgen calls, the cache of what they made, and files."""
