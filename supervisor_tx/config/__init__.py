"""Configuration files: text in, values out. Nothing here knows Twisted."""
