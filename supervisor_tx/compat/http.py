"""What RPC methods return that are not done yet."""

from supervisor_tx.rpc.plugins import NOT_DONE_YET

__all__ = ["NOT_DONE_YET"]
