"""A headless Chromium that is spoken to through a pipe (DevTools protocol): opens pages, notes what they ask for."""

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-pipe",
)


def program():
    """Return the path of a Chromium, None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One page; `requests` are the addresses that it asked for, `complaints` what it wrote to the console."""

    def __init__(self, to, back):
        self.to, self.back, self.number, self.session = to, back, itertools.count(1), None
        self.requests, self.complaints, self.events = [], [], set()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        """Send a command and return its result; events that come meanwhile are noted."""
        mine = next(self.number)
        message = {"id": mine, "method": method, "params": params}
        message |= {"sessionId": self.session} if self.session else {}
        self.to.write(json.dumps(message).encode() + b"\0")
        self.to.flush()
        while (got := self._next()).get("id") != mine:
            self._note(got)
        assert "error" not in got, (method, got)
        return got["result"]

    def open(self, address):
        """Open an address and wait until it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        while "Page.loadEventFired" not in self.events:
            self._note(self._next())
        self.run("document.fonts.ready.then(() => true)")

    def run(self, script):
        """Return the value of a piece of JavaScript."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        return found["result"]["value"]

    def show(self, width, height, scheme="light", media="screen"):
        """Set the size of the window, the colour scheme and the medium."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1.5, mobile=False)
        scheme = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=scheme)

    def screenshot(self):
        """Return what the window shows as a PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def pdf(self):
        """Return the page as it is printed."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def _next(self):
        text = bytearray()
        while (byte := self.back.read(1)) != b"\0":
            assert byte, "Chromium went away"
            text += byte
        return json.loads(text)

    def _note(self, message):
        method, params = message.get("method"), message.get("params", {})
        self.events.add(method)
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(params["args"]))


@contextlib.contextmanager
def page(folder):
    """Give a page of a new Chromium whose profile is in `folder`."""
    (read_there, write_here), (read_here, write_there) = os.pipe(), os.pipe()

    def pipes():
        os.dup2(read_there, 103)
        os.dup2(write_there, 104)
        os.dup2(103, 3)
        os.dup2(104, 4)

    command = [program(), *FLAGS, f"--user-data-dir={folder}"]
    process = subprocess.Popen(
        command, preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(read_there)
    os.close(write_there)
    try:
        with open(write_here, "wb") as to, open(read_here, "rb") as back:
            yield Page(to, back)
    finally:
        process.terminate()
        process.wait(20)
