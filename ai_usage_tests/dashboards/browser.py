"""A headless Chromium of this machine, without a network, for the pages' tests. The tests skip if there is none."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
ALL_DRAWN = """async () => {
  for (const view of aiUsage.page.views) { view.isSeen = true; view.show(); }
  await new Promise((done) => setTimeout(done, 30));
  await aiUsage.settled();
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser that is installed on this machine."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip(f"no browser: install Chromium (one of {', '.join(NAMES)} on the PATH) to test the pages in it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Opened:
    """A page in a window, and the errors in it so far."""

    page: Page
    troubles: list[str] = field(default_factory=list)

    def show(self, file: Path, fragment: str = "") -> "Opened":
        self.page.goto("about:blank")
        self.page.goto(file.resolve().as_uri() + fragment)
        self.page.wait_for_selector("html[data-ready]", state="attached", timeout=30_000)
        return self

    def draw_all(self) -> "Opened":
        """Draws every card, also those below the window."""
        self.page.evaluate(ALL_DRAWN)
        return self

    def numbers(self, card: str, chosen: dict[str, list[str]]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate(
            "([card, chosen]) => aiUsage.numbers(card, chosen)", [card, chosen]
        )
        return found

    def overflow(self) -> int:
        """The number of pixels by which the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def violations(self, rule: str | None = None) -> list[str]:
        """The violations of WCAG 2.1 A and AA, or of one rule, that axe-core finds."""
        rules = {"runOnly": {"type": "rule", "values": [rule]}} if rule else RULES
        violations = Axe().run(self.page, options=rules).response["violations"]
        return [
            f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in violations for node in rule["nodes"]
        ]

    def card(self, name: str) -> Any:
        return self.page.locator(f"#card-{name}")


@contextmanager
def window(browser: Browser, *, width: int = 1440, height: int = 900, is_dark: bool = False) -> Iterator[Opened]:
    """An offline window. Each request for another file is recorded as an error."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if is_dark else "light",
        offline=True,
        accept_downloads=True,
    )
    opened = Opened(context.new_page())

    def asked(url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:", "about:")):
            opened.troubles.append(f"asked for {url}")

    opened.page.on("request", lambda request: asked(request.url))
    opened.page.on("pageerror", lambda error: opened.troubles.append(str(error)))
    opened.page.on(
        "console",
        lambda message: opened.troubles.append(message.text) if message.type in {"error", "warning"} else None,
    )
    try:
        yield opened
    finally:
        context.close()
