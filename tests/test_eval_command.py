"""`dateline eval` on a small set: its three endings, its baseline and its files."""

import json
from collections.abc import Mapping
from pathlib import Path

import junitparser
import pytest

from evals.baseline import read_baseline
from evals.cases import SAMPLE_CORPUS
from tests.commands import Ran, dateline

ARTICLE = SAMPLE_CORPUS / "northern-ledger_taji-rockets.txt"
RIGHT = {
    "id": "blame",
    "slice": "who",
    "question": "Who was blamed for the Taji attack?",
    "must_include": ["Kataib Hezbollah"],
}
REFUSED = {
    "id": "bread",
    "slice": "far",
    "question": "How do I bake sourdough bread?",
    "answers": [],
}


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    return written(tmp_path / "gold.jsonl", RIGHT, REFUSED)


def written(path: Path, *cases: Mapping[str, object]) -> Path:
    path.write_text("\n".join(map(json.dumps, cases)))
    return path


def evaluated(gold: Path, *arguments: str | Path) -> Ran:
    return dateline("eval", "--set", gold, "--corpus", ARTICLE, *arguments)


def test_a_set_without_thresholds_or_baseline_passes_and_is_told(gold: Path) -> None:
    ran = evaluated(gold, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["gate"]["passed"] is True
    assert ran.json["report"]["metrics"]["accuracy"]["value"] == 1.0
    made_with = ran.json["report"]["made_with"]
    assert made_with["target"] == "library"
    assert all(made_with.values())


def test_the_judge_is_told_with_how_far_people_agree_with_it(gold: Path) -> None:
    judge = evaluated(gold, "--json").json["report"]["judge"]
    assert (judge["name"], judge["is_advisory"]) == ("dateline-support", False)
    assert judge["balanced_accuracy"]["pairs of the sample"]["n"] == 160
    assert 0.5 < judge["balanced_accuracy"]["pairs of the sample"]["value"] < 1


def test_a_judge_without_a_record_is_advisory(gold: Path, tmp_path: Path) -> None:
    records = tmp_path / "judges.json"
    assert evaluated(gold, "--judges", records).code == 2
    records.write_text("[]")
    ran = evaluated(gold, "--judges", records, "--json")
    assert ran.json["report"]["judge"]["is_advisory"] is True
    assert "faithfulness" in ran.json["gate"]["advisory"]


def test_a_run_that_is_like_its_baseline_passes(gold: Path, tmp_path: Path) -> None:
    kept = tmp_path / "baseline.json"
    assert evaluated(gold, "--baseline", kept, "--update-baseline").code == 0
    assert [case.id for case in read_baseline(kept).cases] == ["blame", "bread"]
    ran = evaluated(gold, "--baseline", kept, "--same-system", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["comparison"]["flips"] == []
    assert ran.json["comparison"]["paired"] == 2


def test_other_articles_than_the_baselines_are_refused(gold: Path, tmp_path: Path) -> None:
    kept = tmp_path / "baseline.json"
    evaluated(gold, "--baseline", kept, "--update-baseline")
    other = SAMPLE_CORPUS / "baghdad-observer_politician-blames-islamic-state.txt"
    ran = evaluated(gold, "--corpus", other, "--baseline", kept)
    assert ran.code == 2
    assert "another corpus" in ran.err
    assert "--update-baseline" in ran.err


def test_a_baseline_that_is_not_there_is_named(gold: Path, tmp_path: Path) -> None:
    ran = evaluated(gold, "--baseline", tmp_path / "none.json")
    assert ran.code == 2
    assert "there is no baseline" in ran.err


def test_files_are_written_beside_what_is_printed(gold: Path, tmp_path: Path) -> None:
    page, comment, xml = (tmp_path / name for name in ("r.html", "r.md", "r.xml"))
    ran = evaluated(gold, "--html", page, "--markdown", comment, "--junit", xml)
    assert ran.code == 0, ran.err
    assert "nothing was gated" in ran.out
    assert "Who was blamed for the Taji attack?" in page.read_text()
    assert comment.read_text().startswith("## ✅ Measured; nothing was gated")
    assert junitparser.JUnitXml.fromstring(xml.read_bytes()).failures == 0


def test_a_wrong_answer_below_a_floor_is_worse(tmp_path: Path) -> None:
    wrong = written(tmp_path / "gold.jsonl", RIGHT | {"must_include": ["the moon"]})
    limits = tmp_path / "limits.toml"
    limits.write_text("[slice.who.min]\naccuracy = 0.5\n")
    ran = evaluated(wrong, "--thresholds", limits, "--json")
    assert ran.code == 1
    [failure] = ran.json["gate"]["failures"]
    assert (failure["metric"], failure["slice"], failure["value"]) == ("accuracy", "who", 0.0)


def test_a_server_that_is_down_is_no_measurement(gold: Path) -> None:
    ran = dateline("eval", "--set", gold, "--url", "http://127.0.0.1:9")
    assert ran.code == 3
    assert "does not answer" in ran.err


def test_two_places_to_ask_exclude_each_other(gold: Path, tmp_path: Path) -> None:
    ran = evaluated(gold, "--data-dir", tmp_path)
    assert ran.code == 2
    assert "exclude each other" in ran.err


def test_a_set_of_somebodys_is_not_asked_of_the_sample_articles(gold: Path) -> None:
    ran = dateline("eval", "--set", gold)
    assert ran.code == 2
    assert "--corpus" in ran.err


def test_a_squad_file_is_asked_of_its_own_paragraphs(tmp_path: Path) -> None:
    text = "The lighthouse at Sker was built in 1861. Its keeper was Mary Holt."
    qas = [{"id": "q1", "question": "Who was the keeper of the lighthouse at Sker?",
            "answers": [{"text": "Mary Holt", "answer_start": text.index("Mary")}]}]  # fmt: skip
    squad = tmp_path / "squad.json"
    data = [{"title": "Sker", "paragraphs": [{"context": text, "qas": qas}]}]
    squad.write_text(json.dumps({"version": "1.1", "data": data}))
    ran = dateline("eval", "--set", squad, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["report"]["metrics"]["hit_at_1"]["value"] == 1.0


def test_an_index_that_is_there_can_be_asked(gold: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert dateline("ingest", ARTICLE, "--data-dir", data).code == 0
    ran = dateline("eval", "--set", gold, "--data-dir", data, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["report"]["metrics"]["accuracy"]["value"] == 1.0


def test_a_rerun_with_a_cache_gives_the_same(gold: Path, tmp_path: Path) -> None:
    cache = tmp_path / "replies"
    one, other = (evaluated(gold, "--cache", cache, "--json").json for _ in range(2))
    assert one["report"]["metrics"] == other["report"]["metrics"]
    # The time of the first reply is part of what is kept.
    assert one["report"]["latency_p50_ms"] == other["report"]["latency_p50_ms"]


def test_a_gold_set_is_not_overwritten_by_a_baseline(gold: Path) -> None:
    before = gold.read_text()
    ran = evaluated(gold, "--baseline", gold, "--update-baseline")
    assert ran.code == 2
    assert "is no baseline" in ran.err
    assert gold.read_text() == before


def test_what_cannot_be_written_is_told_before_the_run(gold: Path, tmp_path: Path) -> None:
    ran = evaluated(gold, "--html", tmp_path / "none" / "r.html")
    assert (ran.code, ran.out) == (2, "")
    assert "cannot be written" in ran.err


def test_an_index_that_is_not_there_is_named_and_not_made(gold: Path, tmp_path: Path) -> None:
    ran = dateline("eval", "--set", gold, "--data-dir", tmp_path / "none")
    assert ran.code == 2
    assert "there is no index" in ran.err
    assert not (tmp_path / "none").exists()


def test_articles_without_questions_are_not_asked_the_sample_s() -> None:
    ran = dateline("eval", "--corpus", ARTICLE)
    assert ran.code == 2
    assert "--set" in ran.err


def test_a_language_model_that_cannot_be_reached_is_no_measurement(
    gold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATELINE_LLM_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("DATELINE_LLM_MODEL", "none")
    ran = evaluated(gold)
    assert ran.code == 2
    assert "could not be reached" in ran.out


def test_a_dead_judge_supports_nothing(gold: Path) -> None:
    ran = evaluated(gold, "--judge-url", "http://127.0.0.1:9/v1", "--judge-model", "none", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["report"]["metrics"]["citation_recall"]["n"] == 0
    assert ran.json["report"]["judge"]["is_advisory"] is True
