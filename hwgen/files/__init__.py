"""Files: read without believing them, written whole or not at all."""
