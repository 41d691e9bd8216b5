"""Passages: exact slices, in order, complete, and no longer than the model reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.split import Splitter
from rag.onnx import load_tokenizer
from rag.types import Article, Passage

TOKENIZER = load_tokenizer()
LIMIT = 32
PROSE = st.lists(
    st.sampled_from(
        ["Rain fell.", "“We go. Now,” she said.", "Gen. A. B. Smith", "\n\n", "\r\n", " ", "😀",
         "x" * 60, "The town of Hallow, which lies by the river, was flooded on Tuesday.", "漢字。"]
    ),
    max_size=40,
).map(" ".join)  # fmt: skip


@pytest.fixture(scope="module")
def small() -> Splitter:
    return Splitter(LIMIT)


def article(text: str) -> Article:
    return Article.create(title="T", text=text, article_id="a1")


def tokens(text: str) -> int:
    return len(TOKENIZER.encode(text, add_special_tokens=False).ids)


def assert_whole(article: Article, passages: list[Passage]) -> None:
    """Fail unless `passages` are exact slices, in order, that leave out only white space."""
    text = article.text
    for n, passage in enumerate(passages):
        assert passage == Passage.cut(article, n, passage.start_char_index, passage.end_char_index)
        assert passage.text.strip()
    borders = [0]
    for passage in passages:
        borders += [passage.start_char_index, passage.end_char_index]
    borders.append(len(text))
    assert borders == sorted(borders)
    outside = [text[a:b] for a, b in zip(borders[::2], borders[1::2], strict=True)]
    assert "".join(outside).strip() == ""


@given(st.one_of(st.text(st.characters(exclude_characters="\0", codec="utf-8")), PROSE))
def test_passages_are_slices_in_order_that_cover_any_text(small: Splitter, text: str) -> None:
    assert_whole(article(text), small.cut(article(text)))


@given(PROSE)
def test_no_passage_is_longer_than_the_limit(small: Splitter, text: str) -> None:
    assert max([tokens(p.text) for p in small.cut(article(text))], default=0) <= LIMIT


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "😀" * 3_000,
        "漢字" * 3_000,
        "word " * 3_000,
        "a, b; " * 2_000,
        "One. Two.\r\n\r\nThree?\r\n" * 300,
        "The same sentence. " * 400,
        "مرحبا بالعالم. " * 300,
        "e\u0301" * 2_000,
    ],
)
def test_texts_that_trip_splitters_are_cut_whole(splitter: Splitter, text: str) -> None:
    passages = splitter.cut(article(text))
    assert_whole(article(text), passages)
    assert max(tokens(p.text) for p in passages) <= 200


@pytest.mark.parametrize("text", ["", " ", "\n\n \t"])
def test_a_text_without_a_word_has_no_passage(splitter: Splitter, text: str) -> None:
    assert splitter.cut(article(text)) == []


def test_a_short_article_is_one_passage(splitter: Splitter) -> None:
    text = "A fire broke out. Nobody was hurt."
    assert [(p.start_char_index, p.end_char_index) for p in splitter.cut(article(text))] == [
        (0, 34)
    ]


def test_a_sentence_that_fits_is_never_cut_in_two(small: Splitter) -> None:
    sentence = "The town of Hallow was flooded on Tuesday, and the bridge was closed."
    text = " ".join([sentence] * 9)
    for passage in small.cut(article(text)):
        assert passage.text.replace(sentence, "").strip() == ""


def test_the_same_text_is_cut_the_same_way(splitter: Splitter) -> None:
    text = "Rain fell on Hallow. The river rose. " * 80
    assert splitter.cut(article(text)) == Splitter(200).cut(article(text))
