"""Top levels: by which a host or a system reaches an accelerator."""
