"""A headless browser, driven over a pipe by the DevTools protocol that Chromium speaks."""

import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
           "--remote-debugging-pipe", "--host-resolver-rules=MAP * ~NOTFOUND", "about:blank")
SECONDS = 60

PROGRAM = next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """A browser with one page, whose events are kept.

    Members
    -------
    events : list of dict
        What the page did: requests, what it wrote to its console, exceptions.
    """

    def __init__(self, folder: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        self.events: list[dict] = []
        self._left, self._number, self._session = b"", 0, None

        def connect() -> None:  # the browser reads from 3 and writes to 4
            saved = [os.dup(theirs_in), os.dup(theirs_out)]
            for place, end in zip((3, 4), saved, strict=True):
                os.dup2(end, place)

        self._process = subprocess.Popen(
            [PROGRAM, f"--user-data-dir={folder / 'profile'}", *OPTIONS], close_fds=False,
            preexec_fn=connect, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        page = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=page,
                                  flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, **parameters: object) -> dict:
        """Call the browser and return its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def show(self, file: Path, colours: str) -> None:
        """Load a page, for a reader of ``light`` or ``dark`` colours."""
        self.events.clear()
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": colours}])
        self.call("Page.navigate", url=file.absolute().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def value(self, expression: str) -> object:
        """Return what an expression of JavaScript gives in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until an expression of JavaScript is true."""
        until = time.monotonic() + SECONDS
        while not self.value(expression):
            assert time.monotonic() < until, expression
            time.sleep(0.05)

    def faults(self, axe: Path) -> list[dict]:
        """Return what axe-core, whose script is given, finds serious or critical."""
        self.value(axe.read_text("utf-8") + "; 0")
        answer = self.call("Runtime.evaluate", awaitPromise=True, returnByValue=True, expression=(
            "axe.run({preload: false}).then(found => JSON.stringify(found.violations))"))
        return [{"id": each["id"], "at": [node["html"] for node in each["nodes"]]}
                for each in json.loads(answer["result"]["value"])
                if each["impact"] in ("serious", "critical")]

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for."""
        return [event["params"]["request"]["url"] for event in self.events
                if event.get("method") == "Network.requestWillBeSent"]

    def complaints(self) -> list[dict]:
        """Return what the page wrote to its console or log, and its exceptions."""
        return [event for event in self.events if event.get("method") in (
            "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")]

    def _read(self) -> dict:
        until = time.monotonic() + SECONDS
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._in], [], [], max(until - time.monotonic(), 0))
            data = os.read(self._in, 1 << 16) if ready else b""
            if not data:
                raise RuntimeError(f"{PROGRAM} says nothing")
            self._left += data
        text, self._left = self._left.split(b"\0", 1)
        return json.loads(text)
