"""The page at `/`, in a real browser against a real server on this machine."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.auth import Keys
from rag.catalog import Catalog
from rag.settings import Settings
from tests.browsing import FLAGS, Reader, Server, chromium, take_in_samples

BLAMED = "Who was blamed for the Taji attack?"
KILLED = "How many coalition members were killed at Camp Taji?"
BREAD = "How do I bake sourdough bread?"
NASTY = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
KESTREL = {
    "id": "kestrel",
    "title": f"Kestrel tunnel {NASTY}",
    "text": f"🚇🎉 News from Ostrava.\n\nMayor Ilse Brandt opened the Kestrel tunnel. {NASTY}",
    "source": "Tunnel Times",
    "author": "Ada 🦊 Quist",
    "published_at": "2019-05-06",
}
OPENED = "Who opened the Kestrel tunnel?"
QUOTED = "Mayor Ilse Brandt opened the Kestrel tunnel."


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data_dir=tmp_path_factory.mktemp("data")))) as opened:
        yield opened


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over the sample articles and one that is hostile."""
    folder = tmp_path_factory.mktemp("web")
    take_in_samples(folder)
    with Server(folder) as running:
        with running.client() as http:
            hostile = http.post("/v1/documents", json=KESTREL)
            assert (hostile.status_code, hostile.json().get("detail")) == (201, None)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:  # Any: tests run where playwright is not installed, too
    """A real browser, where this machine has one."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def reader(browser: Any, server: Server) -> Iterator[Reader]:
    opened = Reader(browser, server.url)
    yield opened
    opened.context.close()
    assert opened.noted == []


def test_the_page_comes_with_a_policy_that_lets_nothing_in(client: TestClient) -> None:
    reply = client.get("/")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("app.js", "text/javascript; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_a_file_of_the_page_is_sent_once(client: TestClient, name: str, media_type: str) -> None:
    reply = client.get(f"/web/{name}")
    assert (reply.status_code, reply.headers["content-type"]) == (200, media_type)
    assert reply.headers["cache-control"] == "no-cache"
    again = client.get(f"/web/{name}", headers={"If-None-Match": reply.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.js", "..%2fapp.py", "screenshots", "__init__.py"])
def test_nothing_else_is_sent(client: TestClient, name: str) -> None:
    assert client.get(f"/web/{name}").status_code == 404


def test_the_page_holds_no_script_and_no_style_of_its_own() -> None:
    page = Path("api/web/index.html").read_text()
    assert "<style" not in page
    assert " style=" not in page
    assert re.findall(r"<script[^>]*>([^<]+)", page) == []
    for script in Path("api/web").glob("*.js"):
        assert not {"innerHTML", "outerHTML", "insertAdjacentHTML"} & set(
            script.read_text().replace(".", " ").replace("(", " ").split()
        )


def test_an_answer_streams_and_its_number_opens_the_quoted_words(reader: Reader) -> None:
    tab = reader.open()
    message = reader.ask(KILLED)
    assert "killing three members" in message.locator(".answer").inner_text()
    message.locator(".answer .cite").first.hover()
    assert "killing three members" in tab.locator(".glance blockquote").inner_text()
    message.locator(".answer .cite").first.click()
    tab.locator("#panel mark").wait_for()
    assert tab.locator("#panel mark").all_inner_texts() == [
        "A volley of small rockets struck Camp Taji, a military base north of Baghdad, on "
        "Wednesday evening, killing three members of the United States-led coalition against "
        "Islamic State."
    ]
    assert tab.locator("#panel .verdict").inner_text() == (
        "Verified: these characters stand in the article."
    )
    assert "answer" in tab.locator("#live").get_attribute("aria-label").lower()
    assert "three" in tab.locator("#live").text_content()


def test_characters_beyond_the_first_plane_do_not_shift_the_mark(reader: Reader) -> None:
    tab = reader.open()
    message = reader.ask(OPENED)
    message.locator(".answer .cite").first.click()
    assert tab.locator("#panel mark").inner_text() == QUOTED


def test_text_of_others_stays_text(reader: Reader) -> None:
    tab = reader.open()
    message = reader.ask(OPENED)
    message.locator(".answer .cite").first.click()
    tab.locator("#panel mark").wait_for()
    assert NASTY in tab.locator("#panel .article-text").inner_text()
    assert tab.locator("main img, #panel img, main script").count() == 0
    assert tab.title() == "Dateline"


def test_only_addresses_of_web_pages_are_links(reader: Reader) -> None:
    tab = reader.open()
    judge = "async (urls) => urls.map((await import('/web/dom.js')).isWeb)"
    urls = ["https://a.example", "HTTP://a.example", "javascript:alert(1)", "data:text/html,x", "x"]
    assert tab.evaluate(judge, urls) == [True, True, False, False, False]


def test_conflicting_accounts_stand_side_by_side_with_who_gives_them(reader: Reader) -> None:
    reader.open()
    accounts = reader.ask(BLAMED).locator(".account")
    assert accounts.locator(".claim").all_text_contents() == [
        "Kataib Hezbollah",
        "remnants of Islamic State",
    ]
    assert accounts.locator(".who strong").all_text_contents() == [
        "American officials",
        "a senior politician aligned with Iraq's Iran-backed militias",
    ]
    first, second = (accounts.nth(n).bounding_box() for n in (0, 1))
    assert first["y"] == second["y"]


def test_no_answer_says_why_and_shows_what_was_closest(reader: Reader) -> None:
    reader.open()
    message = reader.ask(BREAD)
    assert message.locator(".state p").all_text_contents() == [
        "The archive does not hold an answer to this question.",
        "No passage answers this with enough confidence. Ask for one fact at a time, or name the "
        "people, places or dates that you mean.",
    ]
    assert message.locator(".closest li").count() == 3


def test_a_follow_up_is_understood_and_a_reload_brings_the_conversation_back(
    reader: Reader,
) -> None:
    tab = reader.open()
    reader.ask(OPENED)
    reader.ask("And when?")
    assert "Kestrel" in tab.locator(".understood").last.inner_text()
    asked = [OPENED, "And when?"]
    assert tab.locator(".question").all_inner_texts() == asked
    tab.reload()
    tab.locator(".message .answer-bar").nth(1).wait_for()
    assert tab.locator(".question").all_inner_texts() == asked
    assert tab.locator(".session a[aria-current]").inner_text() == OPENED


def test_a_conversation_is_renamed_and_deleted(reader: Reader) -> None:
    tab = reader.open()
    reader.ask(OPENED)
    tab.locator(".session", has=tab.locator("[aria-current]")).hover()
    tab.locator(".session", has=tab.locator("[aria-current]")).locator("button").first.click()
    tab.fill("dialog input", "Tunnel desk")
    tab.keyboard.press("Enter")
    named = tab.locator(".session", has_text="Tunnel desk")
    named.wait_for()
    named.hover()
    named.locator("button").last.click()
    tab.click("dialog button.danger")
    named.wait_for(state="detached")
    tab.locator(".is-empty").wait_for()


def test_a_question_asked_at_once_leaves_the_first_screen_behind(reader: Reader) -> None:
    held: list[Any] = []
    reader.tab.route("**/v1/sources", lambda route: held.append(route))
    tab = reader.open()
    reader.ask(OPENED)
    for route in held:
        route.continue_()
    tab.wait_for_load_state("networkidle")
    assert len(held) == 1
    assert tab.locator(".examples").count() == 0


def test_filters_are_chips_that_can_be_taken_off(reader: Reader) -> None:
    tab = reader.open()
    tab.click("text=Filters")
    tab.check(".outlets input[value='Tunnel Times']")
    tab.fill("[data-name=to]", "2020-03-31")
    assert tab.locator(".chip").all_inner_texts() == ["to 31 March 2020", "Tunnel Times"]
    with tab.expect_request("**/v1/chat") as sent:
        message = reader.ask(BLAMED)
    assert json.loads(sent.value.post_data)["filters"] == {
        "published_before": "2020-04-01",
        "sources": ["Tunnel Times"],
    }
    assert message.get_attribute("data-status") == "no_answer"
    message.locator("text=Ask without filters").click()
    tab.locator(".message").last.locator(".account").first.wait_for()
    assert tab.locator(".chip").count() == 0


def test_an_opinion_is_kept_with_the_answer(reader: Reader) -> None:
    tab = reader.open()
    message = reader.ask(OPENED)
    message.locator("[data-rating=down]").click()
    message.locator("input[value=incomplete]").check()
    message.locator("textarea").fill("Who paid for it?")
    with tab.expect_response("**/v1/feedback") as kept:
        message.locator("text=Send").click()
    assert kept.value.status == 201
    tab.reload()
    tab.locator("[data-rating=down][aria-pressed=true]").wait_for()


def test_a_link_to_a_quotation_opens_it_and_tells_when_it_is_gone(reader: Reader) -> None:
    tab = reader.open()
    reader.ask(KILLED).locator(".answer .cite").first.click()
    tab.locator("#panel mark").wait_for()
    link = tab.locator("#panel a", has_text="Read in full").get_attribute("href")
    tab = reader.open(link)
    tab.locator(".reading mark").wait_for()
    assert "killing three members" in tab.locator(".reading mark").inner_text()
    reader.open("#/citation/cit_nothing.0e3ff56d53bc.1-2")
    tab.get_by_text("This quotation cannot be shown").wait_for()
    # The browser itself says that a request got a 404.
    reader.noted[:] = [one for one in reader.noted if "404" not in one]


def test_a_quotation_tells_when_its_article_has_changed(reader: Reader, server: Server) -> None:
    tern = {"title": "Terns nest", "text": "Warden Una Falk counted ninety terns on Holm Skerry."}
    tab = reader.open()
    with server.client() as http:
        http.put("/v1/documents/tern", json=tern)
        message = reader.ask("How many terns were counted on Holm Skerry?")
        message.locator(".answer .cite").first.click()
        assert tab.locator("#panel mark").inner_text() == tern["text"]
        link = tab.locator("#panel a", has_text="Read in full").get_attribute("href")
        http.put("/v1/documents/tern", json=tern | {"text": f"Correction. {tern['text']}"})
        reader.open(link).locator(".reading mark").wait_for()
        assert tab.locator(".reading .verdict").inner_text() == (
            "The article has changed since it was quoted; the quoted words still stand in it."
        )
        http.put("/v1/documents/tern", json=tern | {"text": "Nobody counted the terns."})
        reader.open(link).locator(".reading blockquote").wait_for()
        assert tab.locator(".reading .verdict").inner_text() == (
            "The article has changed since it was quoted and no longer holds these words."
        )
        assert tab.locator(".reading blockquote").inner_text().strip("“”") == tern["text"]
        http.delete("/v1/documents/tern")


def test_files_are_uploaded_found_and_deleted(reader: Reader, tmp_path: Path) -> None:
    good, bad = tmp_path / "heron.txt", tmp_path / "broken.json"
    good.write_text("Herons return to Lake Orme\n\nForty herons came back to Lake Orme in spring.")
    bad.write_text("{")
    tab = reader.open("#/articles")
    tab.set_input_files("#upload", [good, bad])
    tab.locator(".upload-results .outcome.bad").wait_for()
    said = tab.locator(".upload-results .outcome").all_inner_texts()
    assert said[0] == "created"
    assert said[1].startswith("rejected: ")
    reader.noted[:] = [one for one in reader.noted if "422" not in one]
    tab.fill("#article-search", "herons at Lake Orme")
    tab.keyboard.press("Enter")
    tab.get_by_text("best first").wait_for()
    assert tab.locator(".row-title").first.inner_text() == "Herons return to Lake Orme"
    tab.locator(".article-list li button").first.click()
    tab.click("dialog button.danger")
    tab.get_by_text("Article deleted.").wait_for()
    tab.get_by_text("Herons return").wait_for(state="detached")


def test_all_of_it_goes_by_keyboard(reader: Reader) -> None:
    tab = reader.open()
    tab.locator(".example").first.wait_for()
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("/")
    tab.keyboard.type(KILLED)
    tab.keyboard.press("Enter")
    message = tab.locator(".message").last
    message.locator(".answer-bar").wait_for()
    message.locator(".answer .cite").first.focus()
    tab.keyboard.press("ArrowRight")
    focused = "document.activeElement.dataset.index"
    assert tab.evaluate(focused) == "2"
    tab.keyboard.press("Enter")
    tab.locator("#panel mark").wait_for()
    assert tab.locator(".panel-count").inner_text() == "Source 2 of 3"
    tab.keyboard.press("ArrowRight")
    tab.get_by_text("Source 3 of 3").wait_for()
    tab.keyboard.press("Escape")
    assert tab.evaluate(focused) == "3"
    assert not tab.locator("#panel").is_visible()


def test_on_a_phone_a_sheet_shows_the_source_and_a_tap_beside_it_closes_it(
    browser: Any, server: Server
) -> None:
    phone = Reader(
        browser, server.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    tab = phone.open()
    message = phone.ask(OPENED)
    message.locator(".answer .cite").first.tap()
    assert tab.locator("#panel mark").inner_text() == QUOTED
    for _ in range(12):
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.matches('body, #panel *')")
    tab.touchscreen.tap(195, 120)
    assert not tab.locator("#panel").is_visible()
    phone.context.close()
    assert phone.noted == []


def test_a_theme_is_chosen_and_remembered(reader: Reader) -> None:
    tab = reader.open()
    background = "getComputedStyle(document.body).backgroundColor"
    light = tab.evaluate(background)
    tab.click("#theme-toggle")
    assert tab.evaluate(background) != light
    tab.reload()
    assert tab.evaluate(background) != light
    assert tab.get_attribute("#theme-toggle", "aria-pressed") == "true"


def test_a_broken_stream_is_taken_up_again(reader: Reader) -> None:
    tab = reader.open()

    def cut(route: Any) -> None:
        whole = route.fetch()
        route.fulfill(response=whole, body=whole.text().partition("event: message.delta")[0])

    tab.route("**/v1/chat", cut)
    with tab.expect_request("**/v1/chat/*/events") as resumed:
        message = reader.ask(KILLED)
    assert int(resumed.value.headers["last-event-id"]) > 1
    assert "killing three members" in message.locator(".answer").inner_text()


def test_a_busy_server_says_when_to_come_back(reader: Reader) -> None:
    reader.tab.clock.install()
    tab = reader.open()
    problem = {"detail": "Too many requests; try again in 60 s.", "request_id": "req_1"}
    tab.route(
        "**/v1/chat",
        lambda route: route.fulfill(
            status=429, headers={"Retry-After": "60"}, body=json.dumps(problem)
        ),
        times=1,
    )
    tab.fill("#question", KILLED)
    tab.keyboard.press("Enter")
    button = tab.locator(".state.error button")
    button.wait_for()
    assert button.is_disabled()
    assert "try again in" in button.inner_text().lower()
    assert tab.locator(".request-id").inner_text() == "Request req_1"
    tab.clock.fast_forward(60_000)
    tab.locator(".state.error button:enabled").click()
    tab.locator(".answer .cite").first.wait_for()
    reader.noted[:] = [one for one in reader.noted if "429" not in one]


def test_a_server_out_of_reach_is_told_apart(reader: Reader) -> None:
    tab = reader.open()
    tab.locator(".example").first.wait_for()
    reader.context.set_offline(True)
    tab.fill("#question", KILLED)
    tab.keyboard.press("Enter")
    tab.locator("#main").get_by_text("This device is offline.").wait_for()
    reader.context.set_offline(False)
    tab.locator(".state.error button:enabled").click()
    tab.locator(".answer .cite").first.wait_for()
    reader.noted[:] = [one for one in reader.noted if "ERR_INTERNET_DISCONNECTED" not in one]


def test_a_stopped_answer_can_be_asked_again(reader: Reader) -> None:
    tab = reader.open()
    tab.route("**/v1/chat", lambda _: None, times=1)
    tab.fill("#question", KILLED)
    # Stopped before it is sent, the question would meet the route only when it is asked again.
    with tab.expect_request("**/v1/chat"):
        tab.keyboard.press("Enter")
    tab.click("button[aria-label=Stop]")
    tab.get_by_text("Stopped.").wait_for()
    tab.click("text=Ask again")
    tab.locator(".answer .cite").first.wait_for()


def test_sentences_that_no_passage_holds_are_marked(reader: Reader) -> None:
    tab = reader.open()
    quoted = {"answer_spans": [], "index": 1, "id": "cit_x.0.0-1", "title": "T", "source": "S"}
    text = "🚇 It opened. [1] It cost a fortune."
    start = text.index("It cost")
    verification = {
        "sentences": 2, "supported": 1, "unsupported": 1, "contradicted_removed": 0, "unscored": 0,
        "unsupported_spans": [{"start_index": start, "end_index": len(text)}],
    }  # fmt: skip
    answer = {
        "id": "msg_1", "model": "small", "answer": text, "answer_status": "partial", "note": None,
        "confidence": 0.5, "standalone_question": OPENED, "citations": [quoted],
        "verification": verification, "timings_ms": {},
    }  # fmt: skip
    events = f"event: message.end\nid: 1\ndata: {json.dumps(answer)}\n\nevent: done\ndata: {{}}\n\n"
    tab.route("**/v1/chat", lambda route: route.fulfill(body=events))
    message = reader.ask(OPENED)
    assert message.locator(".unsupported").text_content() == (
        "It cost a fortune. (not supported by the archive)"
    )
    assert message.locator(".note").inner_text() == (
        "1 sentence of 2 could not be tied to a passage and is underlined."
    )


def test_a_key_is_asked_for_and_sent(browser: Any, tmp_path: Path) -> None:
    catalog = Catalog(Settings(data_dir=tmp_path).catalog_url)
    made = Keys(catalog.engine).create("desk", ("read", "write"), now=datetime.now(UTC))
    catalog.close()
    with Server(tmp_path) as guarded:
        visitor = Reader(browser, guarded.url)
        tab = visitor.open()
        tab.fill("dialog input[type=password]", made.token)
        tab.keyboard.press("Enter")
        tab.get_by_text("The archive is empty").wait_for()
        assert tab.evaluate("sessionStorage.getItem('dateline.key')") == made.token
        visitor.context.close()


def test_a_server_that_keeps_nothing_is_sent_what_was_said(browser: Any, tmp_path: Path) -> None:
    with Server(tmp_path, keep_days=0) as forgetful, forgetful.client() as http:
        http.post("/v1/documents", json=KESTREL)
        visitor = Reader(browser, forgetful.url)
        tab = visitor.open()
        visitor.ask(OPENED)
        with tab.expect_request("**/v1/chat") as sent:
            visitor.ask("And when?")
        said = json.loads(sent.value.post_data)["messages"]
        assert [message["role"] for message in said] == ["user", "assistant", "user"]
        tab.click(".new")
        tab.locator(".is-empty").wait_for()
        assert tab.locator(".message").count() == 0
        visitor.context.close()


def barriers(reader: Reader) -> list[str]:
    """Return what axe finds on this view, in both themes and on a phone."""
    found = []
    # Of all that axe looks at, a theme changes the colours alone.
    looks = ((1280, "light", ()), (1280, "dark", ("color-contrast",)), (390, "light", ()))
    for width, scheme, rules in looks:
        reader.tab.set_viewport_size({"width": width, "height": 844})
        reader.tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{width} {scheme} {one}" for one in reader.violations(*rules)]
        over = reader.tab.evaluate("document.documentElement.scrollWidth - innerWidth")
        found += [f"{width}: {over} pixels too wide"] if over > 0 else []
    return found


@pytest.mark.parametrize("place", ["#/", "#/articles", "#/article/kestrel"])
def test_nothing_bars_people_who_read_otherwise(reader: Reader, place: str) -> None:
    reader.open(place).locator("h1").wait_for()
    reader.tab.wait_for_load_state("networkidle")
    assert barriers(reader) == []


def test_nothing_bars_them_from_answers_and_sources(reader: Reader) -> None:
    tab = reader.open()
    reader.ask(BLAMED)
    reader.ask(BREAD).locator("[data-rating=down]").click()
    tab.click("text=Filters")
    tab.locator(".outlets input").first.wait_for()
    assert barriers(reader) == []
    tab.locator(".account .cite").first.click()
    tab.locator("#panel mark").wait_for()
    assert barriers(reader) == []


def test_a_barrier_would_be_found(reader: Reader) -> None:
    tab = reader.open()
    tab.evaluate("document.querySelector('#question').removeAttribute('aria-label')")
    tab.evaluate("document.querySelector('#question').removeAttribute('placeholder')")
    assert [one.partition(":")[0] for one in reader.violations()] == ["label"]
