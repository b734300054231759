"""Where output goes: files, streams, syslog, and the way there."""
