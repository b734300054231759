"""
Takes the screenshots of the documentation anew.

    python docs/screenshots/take.py

It runs a daemon with the programs of an imaginary shop in /tmp/shop, looks at its pages for a while
with a headless Chromium, so that there is something to be seen in the graphs, and writes a picture
of each, light and dark, beside itself. It needs chromium, chromedriver, selenium and pillow.
"""

from __future__ import annotations

import base64
import importlib
import io
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver

HERE = Path(__file__).parent
SHOP = Path("/tmp/shop")
PORT = 9180

#: Seconds to look on before the pictures are taken.
WARM_UP = float(os.environ.get("WARM_UP", "130"))

#: Name of the picture, page, and what is to be done on it first.
PICTURES = (
    ("status", "", "1280x760", ""),
    ("status-small", "", "375x760", ""),
    ("process", "processes/web:api_1", "1280x760", ""),
    ("process-small", "processes/payments?log=stderr", "375x760", ""),
    ("log", "log", "1280x640", ""),
    ("config", "config", "1280x560", "change"),
    ("config-errors", "config", "1280x480", "break"),
    ("error", "processes/nobody", "1280x420", ""),
)


@contextmanager
def daemon() -> Iterator[None]:
    """Run the shop."""
    shutil.rmtree(SHOP, ignore_errors=True)
    shutil.copytree(HERE / "shop", SHOP)
    running = subprocess.Popen(
        [sys.executable, "-m", "supervisor_tx", "-c", str(SHOP / "supervisord.conf")],
        env={**os.environ, "PORT": str(PORT), "PYTHONPATH": str(HERE.parent.parent)},
    )
    try:
        yield
    finally:
        running.terminate()
        running.wait()
        shutil.rmtree(SHOP, ignore_errors=True)


@contextmanager
def browser() -> Iterator[Any]:
    """Run a browser that knows the password."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    found = shutil.which("chromedriver")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(found))
    try:
        driver.get(address("", "ann:ann@"))
        yield driver
    finally:
        driver.quit()


def address(page: str, who: str = "") -> str:
    """Return the whole address of a page."""
    return f"http://{who}127.0.0.1:{PORT}/{page}"


def edit(what: str) -> None:
    """Change the configuration of the shop, or break it."""
    path = SHOP / "supervisord.conf"
    text = (HERE / "shop" / "supervisord.conf").read_text()
    if what == "change":
        text = text.replace("numprocs=4", "numprocs=6").replace("startretries=60", "startretries=9")
        text = text.replace("%(here)s/elasticsearch", "/usr/bin/opensearch")
        text = text.replace("act.py redis", "act.py redis --maxmemory 512mb")
    elif what == "break":
        text = text.replace("numprocs=4", "numprocs=many").replace("signal=INT", "signal=SIGINTR")
    path.write_text(text)


def take(driver: Any, name: str, page: str, size: str, theme: str) -> None:
    """Take one picture."""
    width, height = map(int, size.split("x"))
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )
    features = [{"name": "prefers-color-scheme", "value": theme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    driver.get(address(page))
    time.sleep(3)
    data = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
    write(base64.b64decode(data), HERE / f"{name}-{theme}.png")


def write(data: bytes, path: Path) -> None:
    """Write a picture with as few colours as it needs, which makes it small."""
    Image: Any = importlib.import_module("PIL.Image")
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    few = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def main() -> None:
    """Take all of them."""
    with daemon():
        wait_for_daemon()
        with browser() as driver:
            time.sleep(WARM_UP)
            for name, page, size, what in PICTURES:
                edit(what)
                for theme in ("light", "dark"):
                    take(driver, name, page, size, theme)


def wait_for_daemon() -> None:
    """Return when it answers."""
    for _ in range(100):
        try:
            urllib.request.urlopen(address("ok.html"), timeout=1)
        except urllib.error.HTTPError:
            return  # it asks for a password
        except OSError:
            time.sleep(0.1)


if __name__ == "__main__":
    main()
