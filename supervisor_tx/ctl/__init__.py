"""The client, ``supervisorctl``: the standard library only, and as little of that as it needs."""
