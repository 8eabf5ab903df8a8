"""An LSTM: all times of a sequence in one step."""
