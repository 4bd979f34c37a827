from pathlib import Path

import pytest
from helpers import write_lines

from framing.labels.corpora import CORPORA_VARIABLE, find_corpora, join_texts
from framing.labels.errors import CorpusError
from framing.labels.records import Record, sentence_hash


def standoff(text: str) -> Record:
    return Record(
        id=text,
        source="corpus",
        document="d",
        labels={},
        provenance="real",
        annotator="x",
        sha256=sentence_hash(text),
    )


def test_joins_by_hash_in_any_file(tmp_path: Path, records: list[Record]) -> None:
    write_lines(tmp_path / "one.jsonl", [{"text": "First."}, {"text": None}, "not json"][:2])
    (tmp_path / "deep").mkdir()
    write_lines(tmp_path / "deep" / "two.jsonl", [{"text": "Second."}])
    joined = join_texts([standoff("Second."), records[0], standoff("First.")], tmp_path)
    assert [record.text for record in joined] == ["Second.", records[0].text, "First."]


def test_missing_text_is_counted_by_source(tmp_path: Path) -> None:
    write_lines(tmp_path / "one.jsonl", [{"text": "First"}])
    with pytest.raises(CorpusError, match=r"lacks the text of 1 corpus sentences.*--without real"):
        join_texts([standoff("First.")], tmp_path)


def test_a_line_may_be_empty_but_not_malformed(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_bytes(b'\n{"text": "First."}\n\n')
    assert join_texts([standoff("First.")], tmp_path)[0].text == "First."
    for line, expected in ((b'{"text": "caf\xe9"}', "is not UTF-8"), (b"{", "is not valid JSON")):
        path.write_bytes(b'{"text": "First."}\n' + line)
        with pytest.raises(CorpusError, match=f"one.jsonl, line 2: {expected}"):
            join_texts([standoff("First.")], tmp_path)


def test_no_folder_says_what_to_do() -> None:
    with pytest.raises(CorpusError, match=r"--corpora or FRAMING_CORPORA"):
        join_texts([standoff("First.")], None)


def test_where_corpora_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CORPORA_VARIABLE, raising=False)
    assert find_corpora(None, [tmp_path / "none"]) is None
    assert find_corpora(None, [tmp_path / "none", tmp_path]) == tmp_path
    monkeypatch.setenv(CORPORA_VARIABLE, str(tmp_path))
    assert find_corpora() == tmp_path
    with pytest.raises(CorpusError, match="no such folder"):
        find_corpora(tmp_path / "none")
