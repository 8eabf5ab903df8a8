"""The unpacker of weights in the program memory."""
