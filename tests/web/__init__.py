"""Tests of the HTTP servers, in memory but for the sockets themselves."""
