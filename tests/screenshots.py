"""Makes the pictures anew: `python -m tests.screenshots` from the root of the checkout.

Of the page, and of what Slack shows. They show the sample articles, which are invented.
"""

import tempfile
from pathlib import Path
from typing import Any

from api.client import Dateline
from api.slack.blocks import answer_messages, footer_blocks
from api.slack.mrkdwn import markdown
from api.slack.passages import passages_view
from tests.blockkit import message_html, view_html
from tests.browsing import FLAGS, Reader, Server, chromium, take_in_samples

FOLDER = Path("api/web/screenshots")
SLACK = Path("api/slack/screenshots")
ANSWERED = "How many coalition members were killed at Camp Taji?"
CONFLICTING = "Who was blamed for the Taji attack?"
NOT_HELD = "How do I bake sourdough bread?"
DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "device_scale_factor": 2}


def main() -> None:
    """Write every picture."""
    from playwright.sync_api import sync_playwright

    FOLDER.mkdir(exist_ok=True)
    SLACK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as driver:
        take_in_samples(Path(data))
        with Server(Path(data)) as server:
            browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
            _take(browser, server.url)
            with Dateline(server.url) as dateline:
                _take_slack(browser, dateline)
            browser.close()


# Any: playwright has no types where it is not installed.
def _take(browser: Any, url: str) -> None:
    desk = Reader(browser, url, **DESK)
    _home(desk)
    _asked(desk, "conflict", CONFLICTING)
    _asked(desk, "answer", ANSWERED)
    _opened(desk, "citation")
    _asked(desk, "no-answer", NOT_HELD)
    _opened(_begun(Reader(browser, url, color_scheme="dark", **DESK)), "dark")
    phone = _begun(Reader(browser, url, **PHONE))
    phone.tab.screenshot(path=FOLDER / "phone.png")
    _opened(phone, "phone-citation")


def _home(reader: Reader) -> None:
    tab: Any = reader.open()
    tab.locator(".example").first.wait_for()
    tab.screenshot(path=FOLDER / "home.png")


def _begun(reader: Reader) -> Reader:
    reader.open()
    reader.ask(CONFLICTING)
    return reader


def _asked(reader: Reader, name: str, question: str) -> None:
    reader.open()
    reader.ask(question)
    reader.tab.screenshot(path=FOLDER / f"{name}.png")


def _opened(reader: Reader, name: str) -> None:
    reader.tab.locator(".message .cite").first.click()
    reader.tab.locator("#panel mark").wait_for()
    reader.tab.mouse.move(0, 0)
    reader.tab.wait_for_timeout(300)
    reader.tab.screenshot(path=FOLDER / f"{name}.png")


def _take_slack(browser: Any, dateline: Dateline) -> None:
    tab: Any = browser.new_page(viewport={"width": 800, "height": 800}, device_scale_factor=1.25)

    def shown(name: str, page: str) -> None:
        tab.set_content(page)
        tab.locator("main").screenshot(path=SLACK / f"{name}.png")

    answered = dateline.ask(ANSWERED)
    streamed = markdown(answered.answer)
    shown("answer", message_html(footer_blocks(answered), asked=ANSWERED, streamed=streamed))
    [conflict] = answer_messages(dateline.ask(CONFLICTING))
    shown("conflict", message_html(conflict, asked=CONFLICTING))
    [none] = answer_messages(dateline.ask(NOT_HELD))
    shown("no-answer", message_html(none, asked=NOT_HELD))
    passages = {
        passage.passage_id: passage
        for citation in answered.citations
        for passage in dateline.passages(citation.article_id)
    }
    cited = [(one, passages.get(one.passage_id)) for one in answered.citations[:2]]
    shown("passages", view_html(passages_view(cited)))


if __name__ == "__main__":
    main()
