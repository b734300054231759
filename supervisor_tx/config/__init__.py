"""Configuration files: text in, frozen dataclasses out. Nothing here knows Twisted."""
