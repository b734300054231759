"""Works for some seconds, then fails."""

import random
import sys
import time

print("moody: here I am", flush=True)
time.sleep(random.uniform(3, 8))
print("moody: I have had enough", flush=True)
sys.exit(1)
