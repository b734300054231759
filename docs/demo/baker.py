"""Bakes a loaf every few seconds."""

import random
import sys
import time

number = int(sys.argv[1])
loaves = 0
while True:
    time.sleep(random.uniform(4, 9))
    loaves += 1
    print(f"baker {number}: loaf {loaves} is out of the oven", flush=True)
