"""Every format, every way to name files, and everything that can be wrong with them."""

import json
import os
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import read as read_module
from ingest.read import SUFFIXES, Read, Rejected, read, read_bytes
from rag.types import Article

PAGE = """<!doctype html><html><head><title>Bridge closes | The Ledger</title>{head}</head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/world">World</a></li></ul></nav>
<div class="cookie-banner"><p>We use cookies to improve your visit. <b>Accept</b></p></div>
<article><h1>Bridge closes</h1><p class="byline">By Ann Lee</p>
<p>The old bridge over the Mill river closed on Tuesday after engineers found cracks in it.</p>
<p>Repairs will take <b>six weeks</b>, <a href="/mayor">the mayor</a> said. “We are sorry.”</p>
</article>
<aside class="related"><h3>Related</h3><ul><li><a href="/x">Ten that fell</a></li></ul></aside>
<div id="comments"><p>Great story, thanks to you all.</p></div>
<footer><p>© 2021 The Ledger. All rights reserved.</p></footer></body></html>"""
PAGE_TEXT = (
    "The old bridge over the Mill river closed on Tuesday after engineers found cracks in it.\n\n"
    "Repairs will take six weeks, the mayor said. “We are sorry.”"
)
LINKED = """<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [
{"@type": "WebSite", "name": "x"}, {"@type": "NewsArticle", "headline": "Old bridge closes",
"datePublished": "2021-05-04T10:20:00+02:00", "author": [{"@type": "Person", "name": "Ann Lee"},
{"@type": "Person", "name": "Jo Park"}], "publisher": {"name": "The Mill Valley Ledger"}}]}</script>
<link rel="canonical" href="https://www.ledger.example/bridge?utm_source=rss"/>"""


def only(name: str, data: bytes | str) -> Article:
    """Return the one article in a file."""
    [item] = read_bytes(name, data.encode() if isinstance(data, str) else data)
    assert isinstance(item, Read), item
    assert item.origin == name
    return item.article


def reason(name: str, data: bytes | str) -> str:
    """Return why the file as a whole was rejected."""
    [item] = read_bytes(name, data.encode() if isinstance(data, str) else data)
    assert isinstance(item, Rejected), item
    return item.reason


def pdf(*pages: list[str], info: str = "") -> bytes:
    """Return a PDF with one page for each list of lines."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", ""]
    objects += ["<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>", f"<<{info}>>"]
    kids = []
    for lines in pages:
        stream = "BT /F 12 Tf 14 TL 50 750 Td " + " ".join(f"({x}) Tj T*" for x in lines) + " ET"
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {len(objects)} 0 R"
            "/Resources<</Font<</F 3 0 R>>>>>>"
        )
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>"
    out, offsets = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj{body}endobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    count = len(objects) + 1
    trailer = f"trailer<</Size {count}/Root 1 0 R/Info 4 0 R>>\nstartxref\n{len(out)}\n%%EOF"
    return f"{out}xref\n0 {count}\n0000000000 65535 f \n{table}{trailer}".encode("latin-1")


# Text


def test_a_saved_page_gets_its_outlet_from_its_address() -> None:
    article = only("a.txt", "Bridge closes\n\nIt closed.\n\nSource: https://www.ledger.example/b")
    assert article == Article.create(
        title="Bridge closes",
        text="It closed.",
        url="https://www.ledger.example/b",
        source="ledger.example",
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_the_usual_encodings(encoding: str) -> None:
    text = "Café closes\n\n“It’s over,” she said."
    assert only("a.txt", text.encode(encoding)).text == "“It’s over,” she said."


def test_a_text_without_headline_is_named_by_its_first_sentence() -> None:
    article = only("a.txt", "The bridge closed. It was old.\n\nNobody came.")
    assert (article.title, article.text) == (
        "The bridge closed.",
        "The bridge closed. It was old.\n\nNobody came.",
    )


def test_a_first_sentence_without_letters_leaves_the_title_to_the_file_name() -> None:
    assert only("archive/bridge-77.md", "!!!\n\nIt closed.").title == "bridge-77"


def test_bytes_that_are_no_text_are_rejected() -> None:
    assert reason("a.txt", b"\x7fELF\x00\x01") == (
        "holds NUL bytes: binary, or UTF-16 without its mark; save it as UTF-8"
    )
    assert reason("a.txt", b"caf\x81") == (
        "not text in UTF-8, UTF-16 or Windows-1252; save it as UTF-8"
    )


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html"])
def test_a_file_without_words_is_rejected(suffix: str) -> None:
    assert reason(f"a{suffix}", "\n * \n").startswith("no article text found")


# JSON


def test_a_json_object_is_one_article() -> None:
    [item] = read_bytes(
        "a.json",
        json.dumps(
            {
                "id": "bridge-77",
                "headline": "Bridge closes",
                "body": "It closed\u00a0at noon.",
                "byline": ["Ann Lee", "Jo Park"],
                "publisher": "The Ledger",
                "link": "https://ledger.example/b?fbclid=1",
                "datePublished": "2021-05-04T10:20:00+02:00",
                "section": "Valley",
            }
        ).encode(),
    )
    article = Article.create(
        article_id="bridge-77",
        title="Bridge closes",
        text="It closed at noon.",
        author="Ann Lee, Jo Park",
        source="The Ledger",
        url="https://ledger.example/b",
        published_at=datetime(2021, 5, 4, 8, 20, tzinfo=UTC),
    )
    assert item == Read(article=article, origin="a.json", alone=True)


def test_an_array_is_many_articles_and_a_bad_item_costs_only_itself() -> None:
    items = list(read_bytes("a.json", b'[{"text": "One."}, 7, {"text": "Two."}]'))
    assert items == [
        Read(article=Article.create(title="One.", text="One."), origin="a.json", alone=False),
        Rejected(
            file="a.json", reason="item 2: expected an object with a field 'text', found a number"
        ),
        Read(article=Article.create(title="Two.", text="Two."), origin="a.json", alone=False),
    ]


def test_a_bad_line_is_named_and_the_rest_goes_on() -> None:
    lines = (
        b'\xef\xbb\xbf{"text": "One."}\n\n{"text": \n{"text": "Two.", "id": "a b"}\n{"text": "3"}'
    )
    items = list(read_bytes("a.jsonl", lines))
    assert [i.article.text if isinstance(i, Read) else (i.line, i.reason) for i in items] == [
        "One.",
        (3, "not JSON: Expecting value: line 2 column 1 (char 10)"),
        (4, "id: 'a b' must be 1-200 characters without space or :/?#"),
        "3",
    ]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("text", ["a"], "text: expected a string, found a list"),
        ("title", 7, "title: expected a string, found a number"),
        ("outlet", {}, "outlet: expected a string, found an object"),
        ("author", [1], "author: expected a string or a list of strings"),
        ("url", "javascript:alert(1)", "url: 'javascript:alert(1)' is not an http(s) address"),
        ("id", True, "id: expected a string, found true or false"),
        (
            "date",
            "03/04/2020",
            "date: '03/04/2020' is no unambiguous date; write it as 2020-03-13T06:18:00Z or in"
            " epoch seconds",
        ),
    ],
)
def test_a_field_that_cannot_be_used_is_named(field: str, value: object, expected: str) -> None:
    assert reason("a.json", json.dumps({"text": "One.", field: value})) == expected


def test_epoch_seconds_and_numeric_ids_are_accepted() -> None:
    article = only("a.ndjson", '{"text": "One.", "published_at": 1584080280, "id": 42}')
    assert (article.published_at, article.article_id) == (
        datetime(2020, 3, 13, 6, 18, tzinfo=UTC),
        "42",
    )


def test_lone_surrogates_do_not_survive() -> None:
    assert only("a.json", '{"text": "One\\ud800.", "title": "T\\udfff"}').text == "One."


def test_json_lines_under_the_wrong_name_get_a_hint() -> None:
    assert reason("a.json", '{"text": "One."}\n{"text": "Two."}') == (
        "not JSON: Extra data: line 2 column 1 (char 17); for one object a line, name it .jsonl"
    )


def test_json_nested_too_deeply_is_rejected() -> None:
    assert reason("a.json", "[" * 100_000).startswith("not JSON that can be read")


# Markdown


def test_markdown_is_read_with_its_front_matter() -> None:
    article = only(
        "a.md",
        "---\ntitle: Bridge closes\nauthor: [Ann Lee, Jo Park]\nsource: The Ledger\n"
        "date: 2021-05-04 10:20:00\nurl: https://ledger.example/b\nid: bridge-77\ntags: [x]\n---\n"
        "# Bridge closes\n\n"
        "The [old *bridge*](https://x.example) ![a crane](c.png)closed\nat noon.\n\n"
        "## Who pays\n\n<div>Advertisement</div>\n\n- the town\n- the state\n\n```\na = 1\n```\n",
    )
    assert article == Article.create(
        article_id="bridge-77",
        title="Bridge closes",
        text="The old bridge closed at noon.\n\nWho pays\n\nthe town\n\nthe state\n\na = 1",
        author="Ann Lee, Jo Park",
        source="The Ledger",
        url="https://ledger.example/b",
        published_at=datetime(2021, 5, 4, 10, 20, tzinfo=UTC),
    )


def test_the_first_h1_is_the_title_and_leaves_the_body() -> None:
    article = only("a.md", "Kicker\n\n# Bridge *closes*\n\nIt closed.\n\n# Later\n\nIt opened.")
    assert (article.title, article.text) == (
        "Bridge closes",
        "Kicker\n\nIt closed.\n\nLater\n\nIt opened.",
    )


def test_rules_around_a_paragraph_are_no_front_matter() -> None:
    assert only("a.md", "---\nIt closed.\n---\n").text == "It closed."


@pytest.mark.parametrize("front", ["title: [", "date: 2021-13-45", "a: !!timestamp x", "a: !!int"])
def test_broken_front_matter_is_rejected(front: str) -> None:
    assert reason("a.md", f"---\n{front}\n---\nIt closed.").startswith(
        "the front matter is not YAML"
    )


# HTML


def test_a_short_page_yields_its_article_and_nothing_around_it() -> None:
    assert only("a.html", PAGE.format(head="")) == Article.create(
        title="Bridge closes", text=PAGE_TEXT, author="Ann Lee"
    )


def test_linked_data_gives_the_hour_the_names_and_the_outlet() -> None:
    assert only("a.htm", PAGE.format(head=LINKED)) == Article.create(
        title="Old bridge closes",
        text=PAGE_TEXT,
        author="Ann Lee, Jo Park",
        source="The Mill Valley Ledger",
        url="https://www.ledger.example/bridge",
        published_at=datetime(2021, 5, 4, 8, 20, tzinfo=UTC),
    )


def test_open_graph_serves_where_there_is_no_linked_data() -> None:
    head = (
        '<meta property="og:title" content="Bridge closes - The Ledger"/>'
        '<meta property="og:site_name" content="The Ledger"/>'
        '<meta property="og:url" content="https://ledger.example/b"/>'
        '<meta property="article:published_time" content="2021-05-04T10:20:00Z"/>'
        '<script type="application/ld+json">{"@type": [</script>'
    )
    assert only("a.html", PAGE.format(head=head)) == Article.create(
        title="Bridge closes",
        text=PAGE_TEXT,
        author="Ann Lee",
        source="The Ledger",
        url="https://ledger.example/b",
        published_at=datetime(2021, 5, 4, 10, 20, tzinfo=UTC),
    )


def test_a_time_tag_gives_its_hour_too() -> None:
    page = PAGE.format(head="").replace(
        "<p>The", '<time datetime="2021-05-04T10:20Z"></time><p>The'
    )
    assert only("a.html", page).published_at == datetime(2021, 5, 4, 10, 20, tzinfo=UTC)


def test_a_declared_charset_is_used() -> None:
    page = '<html><head><meta charset="windows-1251"></head><body><p>Мост закрыт.</p></body></html>'
    assert only("a.html", page.encode("windows-1251")).text == "Мост закрыт."


def test_a_fragment_is_a_page() -> None:
    assert only("a.html", "<p>The bridge closed.</p>").text == "The bridge closed."


# PDF


def test_a_pdf_becomes_paragraphs() -> None:
    article = only(
        "a.pdf",
        pdf(
            [
                "Bridge closes",
                "By Ann Lee",
                "May 4, 2021",
                "The old bridge over the Mill river was closed on Tuesday",
                "after engineers had found cracks in it, the works office",
                "said.",
                "The council is to vote on Friday on a plan for an inter-",
                "1",
            ],
            ["national competition to build the new one.", "Page 2 of 2"],
        ),
    )
    assert article == Article.create(
        title="Bridge closes",
        text=(
            "The old bridge over the Mill river was closed on Tuesday after engineers had found"
            " cracks in it, the works office said.\n\n"
            "The council is to vote on Friday on a plan for an international competition to build"
            " the new one."
        ),
        author="Ann Lee",
        published_at=datetime(2021, 5, 4, tzinfo=UTC),
    )


def test_the_metadata_of_a_pdf_serves_where_the_page_is_silent() -> None:
    info = "/Title(The bridge closes)/Author(Ann Lee)/CreationDate(D:20210504102000Z)"
    assert only("a.pdf", pdf(["It closed at noon."], info=info)) == Article.create(
        title="The bridge closes",
        text="It closed at noon.",
        author="Ann Lee",
        published_at=datetime(2021, 5, 4, 10, 20, tzinfo=UTC),
    )


def test_what_a_program_wrote_into_a_pdf_is_no_metadata() -> None:
    info = "/Title(Microsoft Word - bridge.doc)/Author(admin)/CreationDate(yesterday)"
    assert only("a.pdf", pdf(["It closed at noon."], info=info)) == Article.create(
        title="It closed at noon.", text="It closed at noon."
    )


def test_a_pdf_without_text_asks_for_ocr() -> None:
    assert reason("a.pdf", pdf([])) == "no text layer; run OCR first"


def test_a_damaged_pdf_is_rejected() -> None:
    assert reason("a.pdf", b"%PDF-1.4 cut off").startswith("the PDF is damaged")


def test_an_encrypted_pdf_is_rejected() -> None:
    writer = pypdf.PdfWriter(BytesIO(pdf(["It closed at noon."])))
    writer.encrypt("secret", algorithm="RC4-128")
    out = BytesIO()
    writer.write(out)
    assert reason("a.pdf", out.getvalue()) == "the PDF is encrypted; save it without a password"


# Paths


def write(folder: Path, *names: str) -> None:
    """Write a short article under each name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"It is {path.stem}.", "utf-8")


def texts(*paths: Path | str) -> list[str]:
    """Return the texts in reading order, and "!" with the file name of what was rejected."""
    items = read(paths)
    return [i.article.text if isinstance(i, Read) else f"!{Path(i.file).name}" for i in items]


def test_a_folder_is_read_in_order_without_hidden_and_unsupported_files(tmp_path: Path) -> None:
    write(tmp_path, "b.txt", "a/z.TXT", "c.md", ".hidden.txt", ".git/x.txt", "d.exe", "README")
    assert texts(tmp_path) == ["It is z.", "It is b.", "It is c."]


def test_origins_are_resolved_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.txt")
    monkeypatch.chdir(tmp_path)
    [item] = read(["./a.txt"])
    assert isinstance(item, Read)
    assert item.origin == str((tmp_path / "a.txt").resolve())


def test_links_in_a_loop_end_and_a_file_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "a/x.txt")
    (tmp_path / "a/loop").symlink_to(tmp_path)
    (tmp_path / "self.txt").symlink_to("self.txt")
    (tmp_path / "twin.txt").symlink_to("a/x.txt")
    assert texts(tmp_path, tmp_path / "a/x.txt") == ["It is x.", "!self.txt"]


def test_a_pattern_is_expanded(tmp_path: Path) -> None:
    write(tmp_path, "a/1.txt", "a/b/2.txt", "a/3.exe", "a/4.md")
    assert texts(f"{tmp_path}/**/*.txt", f"{tmp_path}/a/[3-4].*") == [
        "It is 1.",
        "It is 2.",
        "It is 4.",
    ]


def test_a_pattern_without_match_is_rejected(tmp_path: Path) -> None:
    pattern = f"{tmp_path}/*.txt"
    assert list(read([pattern])) == [
        Rejected(file=pattern, reason="the pattern matches no file; check it")
    ]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path: Path) -> None:
    write(tmp_path, "a[1].txt")
    assert texts(tmp_path / "a[1].txt") == ["It is a[1]."]


def test_a_missing_path_is_rejected_and_the_next_is_read(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    missing = tmp_path / "b.txt"
    assert list(read([missing, tmp_path / "a.txt"])) == [
        Rejected(file=str(missing.resolve()), reason="no such file or folder; check the path"),
        Read(
            article=Article.create(title="It is a.", text="It is a."),
            origin=str((tmp_path / "a.txt").resolve()),
            alone=True,
        ),
    ]


def test_an_unsupported_file_that_is_named_is_rejected(tmp_path: Path) -> None:
    write(tmp_path, "a.exe")
    [item] = read([tmp_path / "a.exe"])
    assert isinstance(item, Rejected)
    assert item.reason == (
        "files of type '.exe' are not read; .txt .text .md .markdown .pdf .html .htm .json .jsonl"
        " .ndjson are"
    )


def test_a_pipe_is_rejected_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    [item] = read([tmp_path])
    assert isinstance(item, Rejected)
    assert item.reason == "not a regular file"


def test_a_file_name_that_is_not_utf8_is_written_with_escapes(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))
    path.write_text("It closed.", "utf-8")
    [item] = read([tmp_path])
    assert isinstance(item, Read)
    assert item.origin == f"{tmp_path.resolve()}/caf\\xe9.txt"


def test_a_file_over_the_limit_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_module, "MAX_FILE_BYTES", 10)
    assert reason("a.txt", "x" * 11) == "larger than 10 bytes; split it, or use JSONL"


def test_a_line_over_the_limit_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_module, "MAX_FILE_BYTES", 20)
    data = b'{"text": "1"}\n' + b"x" * 50 + b'\n{"text": "3"}\n'
    items = list(read_bytes("a.jsonl", data))
    assert [i.article.text if isinstance(i, Read) else (i.line, i.reason) for i in items] == [
        "1",
        (2, "a line of more than 20 bytes; shorten it"),
        "3",
    ]


def test_no_file_is_opened_before_its_turn(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.txt")
    items = read([tmp_path])
    assert next(items)
    (tmp_path / "b.txt").write_text("It has changed.", "utf-8")
    last = next(items)
    assert isinstance(last, Read)
    assert last.article.text == "It has changed."


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_bytes_make_a_format_crash(suffix: str) -> None:
    starts = st.sampled_from(
        [b"", b"---\na: ", b"%PDF-1.4\n", b"<html><p>", b'{"text": "', b"\xff\xfe"]
    )

    @settings(max_examples=40, deadline=None)
    @given(starts, st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
    def check(start: bytes, rest: bytes) -> None:
        items = list(read_bytes(f"a{suffix}", start + rest))
        assert all(isinstance(item, Read | Rejected) for item in items)

    check()
