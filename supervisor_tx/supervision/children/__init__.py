"""A child process: from the order to start it to the news of its end."""
