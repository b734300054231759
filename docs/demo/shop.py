"""Greets, waits for TERM, and locks up before it ends."""

import os
import signal

signals = {signal.SIGTERM, signal.SIGHUP}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
print(f"shop: {os.environ['GREETING']}, we are open", flush=True)
while signal.sigwait(signals) != signal.SIGTERM:
    print("shop: we are still open", flush=True)
print("shop: sold out, locking up", flush=True)
