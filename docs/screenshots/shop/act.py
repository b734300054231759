"""Plays one of the programs of the shop: uses some CPU, and says what it does."""

import math
import random
import signal
import sys
import time

GREEN, YELLOW, RED, GREY, PLAIN = (f"\x1b[{n}m" for n in (32, 33, 31, 90, 0))

#: how much of a processor at most, and how often something is said
LOADS = {
    "gateway": (0.05, 0.6),
    "api": (0.22, 1.1),
    "mailer": (0.02, 4),
    "thumbnails": (0.5, 6),
    "postgres": (0.12, 9),
    "redis": (0.03, 20),
}

PATHS = ("/", "/basket", "/products/1729", "/products/8128", "/search?q=lamp", "/checkout")


def line(name: str) -> str:
    """Return something that such a program would say."""
    when = f"{GREY}{time.strftime('%H:%M:%S')}{PLAIN}"
    if name in ("gateway", "api"):
        status = random.choices((200, 304, 404, 502), (80, 12, 6, 2))[0]
        colour = {200: GREEN, 304: GREEN, 404: YELLOW, 502: RED}[status]
        took = random.expovariate(1 / 18)
        return f"{when} {colour}{status}{PLAIN} GET {random.choice(PATHS)} {took:.1f} ms"
    if name == "thumbnails":
        return f"{when} scaled {random.randrange(10**6):06}.jpg to 320x240"
    if name == "mailer":
        return f"{when} {GREEN}sent{PLAIN} order confirmation {random.randrange(10**5)}"
    if name == "postgres":
        return f"{when} LOG:  checkpoint complete: wrote {random.randrange(900)} buffers"
    return f"{when} {random.randrange(100)} changes in 60 seconds. Saving..."


def main(name: str) -> None:
    """Play until told to stop."""
    if name == "payments":
        print("connecting to payments.internal:8443")
        sys.exit(
            f"{RED}ConnectionRefusedError{PLAIN}: payments.internal:8443 refused the connection"
        )
    if name == "backup":
        print("backup complete: 4.2 GiB in 128 s")
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    load, pause = LOADS.get(name, (0.01, 10))
    phase = random.random() * 20
    memory = bytearray(int(load * 90 * 1024 * 1024))
    spoken = time.monotonic()
    while True:
        began = time.monotonic()
        busy = load * (0.55 + 0.45 * math.sin(began / 7 + phase)) * random.uniform(0.6, 1)
        while time.monotonic() - began < busy * 0.2:
            memory[random.randrange(len(memory))] = 1
        if began - spoken > pause * random.uniform(0.3, 1.4):
            spoken = began
            print(line(name), flush=True)
        time.sleep(0.2)


if __name__ == "__main__":
    main(sys.argv[1])
