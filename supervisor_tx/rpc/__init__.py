"""XML-RPC: a call in, an answer or a fault out."""
