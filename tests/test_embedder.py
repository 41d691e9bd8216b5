"""The model that ships: unit vectors, in order, the same each time, checked before it runs."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rag.embedder import Embedder

TEXTS = [
    "Rockets hit the base.",
    "A museum opened in the old harbour, and visitors from all over the county came to see it.",
    "The base was shelled with rockets.",
    "",
    "😀 مرحبا 橋",
]


def test_vectors_are_float32_of_unit_length_one_for_each_text(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def test_no_text_gives_no_vector(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_rows_are_in_the_order_of_the_texts_although_batches_are_by_length(
    embedder: Embedder,
) -> None:
    many = [f"{'word ' * (n * 7 % 30)}number {n}" for n in range(20)]
    alone = np.vstack([embedder.embed([text]) for text in many])
    # Activations are quantised a batch at a time, so neighbours move a vector a little.
    assert np.diag(embedder.embed(many) @ alone.T).min() > 0.97


def test_the_same_texts_give_the_same_bytes(embedder: Embedder) -> None:
    assert embedder.embed(TEXTS).tobytes() == embedder.embed(TEXTS).tobytes()


def test_threads_do_not_disturb_one_another(embedder: Embedder) -> None:
    expected = embedder.embed(TEXTS).tobytes()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: embedder.embed(TEXTS).tobytes(), range(8)))
    assert set(results) == {expected}


def test_what_means_the_same_is_nearer_than_what_does_not(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[1] + 0.3


def test_what_is_longer_than_256_tokens_is_cut_there(embedder: Embedder) -> None:
    long = "bridge " * 254
    assert np.array_equal(embedder.embed([long]), embedder.embed([long + "orchard " * 500]))
