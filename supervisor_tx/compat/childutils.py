"""What children use, in :mod:`supervisor_tx.childutils`."""

from supervisor_tx.childutils import (
    EventListenerProtocol,
    ProcessCommunicationsProtocol,
    eventdata,
    get_asctime,
    get_headers,
    getRPCInterface,
    getRPCTransport,
    listener,
    pcomm,
)

__all__ = [
    "EventListenerProtocol",
    "ProcessCommunicationsProtocol",
    "eventdata",
    "getRPCInterface",
    "getRPCTransport",
    "get_asctime",
    "get_headers",
    "listener",
    "pcomm",
]
