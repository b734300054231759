"""Effects: fork, signal, wait and write, as the core asks for it."""
