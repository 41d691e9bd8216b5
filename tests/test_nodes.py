"""A passage as LlamaIndex's node fields."""

from datetime import UTC, datetime

from rag.nodes import node_fields
from rag.types import Article, Passage


def test_the_fields_are_those_of_a_text_node() -> None:
    bridge = Article.create(
        title="Bridge closes",
        text="It closed. Nobody was hurt.",
        article_id="bridge",
        source="ledger.example",
        author="Nell Orrin",
        url="https://ledger.example/bridge",
        published_at=datetime(2021, 5, 4, 6, tzinfo=UTC),
    )
    passage = Passage.cut(bridge, 1, 11, 27)
    assert node_fields(passage, bridge) == {
        "id_": passage.passage_id,
        "metadata": {
            "article_id": "bridge",
            "title": "Bridge closes",
            "source": "ledger.example",
            "author": "Nell Orrin",
            "url": "https://ledger.example/bridge",
            "published_at": "2021-05-04T06:00:00Z",
            "content_hash": bridge.content_hash,
        },
        "excluded_llm_metadata_keys": ["article_id", "content_hash"],
        "relationships": {"1": {"node_id": "bridge"}},
        "start_char_idx": 11,
        "end_char_idx": 27,
    }


def test_what_is_not_known_of_an_article_is_left_out() -> None:
    bare = Article.create(title="Bridge closes", text="It closed.", article_id="bridge")
    metadata = node_fields(Passage.cut(bare, 0, 0, 10), bare)["metadata"]
    assert set(metadata) == {"article_id", "title", "content_hash"}
