"""Other people's files: their headings, spellings, layouts and tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from helpers import write_lines

from framing.labels.draft import draft_schema
from framing.labels.errors import LabelsError
from framing.labels.formats import (
    Format,
    Imported,
    ImportProblems,
    count_labels,
    read_labels,
)
from framing.labels.schema import Schema, parse_schema


@pytest.fixture
def schema() -> Schema:
    """A schema of somebody else."""
    topics = (("asylum", "Asylum and return"), ("tax_cuts", "Tax cuts"))
    return parse_schema(
        {
            "topics": [
                {"name": name, "title": title, "definition": "D.", "target": "T."}
                for name, title in topics
            ],
            "stances": [{"name": name, "definition": "D."} for name in ("favor", "against")],
        },
        where="here",
    )


def table(folder: Path, content: str, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8", newline="")
    return path


def labels_of(imported: Imported) -> list[dict[str, str]]:
    return [record.labels for record in imported.records]


def said(imported: Imported, fragment: str) -> bool:
    return any(fragment in warning for warning in imported.warnings)


WIDE = 'Satz;Artikel;Coder ID;ASYLUM AND RETURN;Tax_Cuts;Comment\n"Ja; gern.";a1;eva;Favor;;ok\n'


def test_headings_of_others_are_found(tmp_path: Path, schema: Schema) -> None:
    imported = read_labels(table(tmp_path, "\ufeff" + WIDE), schema)
    (record,) = imported.records
    assert (record.text, record.document, record.annotator) == ("Ja; gern.", "a1", "eva")
    assert (record.source, record.provenance) == ("labels", "real")
    assert record.labels == {"asylum": "favor"}
    assert imported.format == Format.CSV
    assert imported.columns == {
        "text": "Satz",
        "document": "Artikel",
        "annotator": "Coder ID",
        "asylum": "ASYLUM AND RETURN",
        "tax_cuts": "Tax_Cuts",
    }
    assert said(imported, "not used: 'Comment'")
    assert said(imported, "1 records have no id")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_are_found(separator: str, tmp_path: Path, schema: Schema) -> None:
    content = "id;doc;sentence;asylum;tax cuts\n1;d;Yes.;against;\n".replace(";", separator)
    for start in ("", f"sep={separator}\r\n"):
        imported = read_labels(table(tmp_path, start + content), schema)
        assert labels_of(imported) == [{"asylum": "against"}]


def test_columns_can_be_told(tmp_path: Path, schema: Schema) -> None:
    path = table(tmp_path, "text,Aussage,Nr,Quelle,A,B\nx,Ja.,7,taz,favor,\n")
    columns = {"text": "aussage", "document": "Nr", "asylum": "A", "tax_cuts": "B", "id": "Nr"}
    imported = read_labels(path, schema, columns=columns, annotator="me", provenance="seed")
    (record,) = imported.records
    assert (record.text, record.document, record.id) == ("Ja.", "7", "7")
    assert (record.source, record.annotator, record.provenance) == ("taz", "me", "seed")
    assert record.labels == {"asylum": "favor"}
    assert imported.columns["asylum"] == "A"


def test_defaults_do_not_replace_what_the_file_says(tmp_path: Path, schema: Schema) -> None:
    path = table(
        tmp_path,
        "id,doc,text,source,annotator,asylum,tax_cuts\n1,d,A,taz,eva,,\n2,d,B,,,,\n",
    )
    records = read_labels(path, schema, source="wire", annotator="me").records
    assert [(r.source, r.annotator) for r in records] == [("taz", "eva"), ("wire", "me")]


def test_long_tables(tmp_path: Path, schema: Schema) -> None:
    path = table(
        tmp_path,
        "doc,coder,sentence,Thema,Haltung\n"
        "d,eva,A,Asylum,FAVOR\nd,eva,A,tax cuts,against\nd,ben,A,asylum,absent\nd,eva,B,,\n",
    )
    imported = read_labels(path, schema)
    assert imported.format == Format.CSV_LONG
    assert labels_of(imported) == [{"asylum": "favor", "tax_cuts": "against"}, {}, {}]
    first, second, third = imported.records
    assert first.id == second.id != third.id  # one sentence of two annotators
    assert (imported.columns["topic"], imported.columns["stance"]) == ("Thema", "Haltung")


def test_ids_of_long_tables(tmp_path: Path, schema: Schema) -> None:
    head = "doc,coder,sentence,Thema,Haltung\n"
    rows = ["d,eva,A,Asylum,favor\n", "d,eva,A,tax cuts,against\n", "d,eva,A,asylum,favor\n"]
    numbered = "".join(f"{number},{row}" for number, row in enumerate(rows[:2]))
    of_rows = read_labels(table(tmp_path, f"row_id,{head}{numbered}"), schema)
    assert labels_of(of_rows) == [{"asylum": "favor", "tax_cuts": "against"}]
    assert said(of_rows, "not used: 'row_id'")
    # The same words twice in a document are two sentences.
    twice = read_labels(table(tmp_path, f"id,{head}a,{rows[0]}b,{rows[2]}"), schema)
    assert labels_of(twice) == [{"asylum": "favor"}] * 2


def test_empty_rows_of_nobody_are_told(tmp_path: Path, schema: Schema) -> None:
    head = "id,doc,coder,text,asylum,tax_cuts\n"
    path = table(tmp_path, head + "1,d,eva,A,,\n2,d,,B,,\n3,d,,C,favor,\n4,d,,D,,absent\n")
    assert said(read_labels(path, schema), "1 rows have no label and name no annotator")
    path = write_lines(tmp_path / "all.jsonl", [{"id": 1, "text": "A", "label": []}])
    assert said(read_labels(path, schema), "1 lines have no label and name no annotator")


@pytest.mark.parametrize("heading", ["stance", "topic"])
def test_a_topic_may_be_called_stance(heading: str, tmp_path: Path) -> None:
    topic = {"name": heading, "title": heading, "definition": "D.", "target": "T."}
    stances = [{"name": name, "definition": "D."} for name in ("favor", "against")]
    schema = parse_schema({"topics": [topic], "stances": stances}, where="here")
    path = table(tmp_path, f"text,document,{heading}\nA,d,favor\nB,d,\n")
    assert labels_of(read_labels(path, schema)) == [{heading: "favor"}, {}]


def test_layout_can_be_forced(tmp_path: Path, schema: Schema) -> None:
    content = "id,doc,text,asylum,tax_cuts,topic,stance\n1,d,A,favor,,tax_cuts,against\n"
    path = table(tmp_path, content)
    assert labels_of(read_labels(path, schema)) == [{"asylum": "favor"}]
    assert labels_of(read_labels(path, schema, format="csv-long")) == [{"tax_cuts": "against"}]


def test_synonyms_are_told(tmp_path: Path, schema: Schema) -> None:
    path = table(tmp_path, "id,doc,text,asylum,tax_cuts\n1,d,A,Pro,N/A\n2,d,B,contra,pro\n")
    imported = read_labels(path, schema)
    assert labels_of(imported) == [
        {"asylum": "favor"},
        {"asylum": "against", "tax_cuts": "favor"},
    ]
    assert said(imported, "'Pro' is taken as 'favor' (1 times)")
    assert said(imported, "'N/A' is taken as 'absent'")


def test_synonyms_of_several_stances_are_refused(tmp_path: Path) -> None:
    schema = parse_schema(
        {
            "topics": [{"name": "tax", "title": "T", "definition": "D.", "target": "T."}],
            "stances": [{"name": n, "definition": "D."} for n in ("support", "positive")],
        },
        where="here",
    )
    with pytest.raises(ImportProblems, match="'pro': unknown stance"):
        read_labels(table(tmp_path, "id,doc,text,tax\n1,d,A,pro\n"), schema)


def test_topics_alone_are_marked_by_any_yes(tmp_path: Path) -> None:
    topic = {"name": "tax", "title": "Tax", "definition": "D."}
    schema = parse_schema({"topics": [topic]}, where="here")
    path = table(tmp_path, "id,doc,text,tax\n1,d,A,x\n2,d,B,\n3,d,C,1\n4,d,D,0\n")
    imported = read_labels(path, schema)
    (stance,) = schema.stances_of("tax")
    assert labels_of(imported) == [{"tax": stance}, {}, {"tax": stance}, {}]


def test_a_topic_has_its_own_stances(tmp_path: Path) -> None:
    topics = [
        {"name": name, "title": name, "definition": "D.", "target": "T.", "stances": stances}
        for name, stances in (("tax", ["favor", "against"]), ("tone", ["warm", "cold"]))
    ]
    stances = [
        {"name": name, "title": title, "definition": "D."}
        for name, title in (("favor", "For it"), ("against", "No"), ("warm", "W"), ("cold", "C"))
    ]
    schema = parse_schema({"topics": topics, "stances": stances}, where="here")
    path = table(tmp_path, "id,doc,text,tax,tone\n1,d,A,for it,Warm\n")
    assert labels_of(read_labels(path, schema)) == [{"tax": "favor", "tone": "warm"}]
    with pytest.raises(ImportProblems, match="unknown stance for tone; the schema has warm, cold"):
        read_labels(table(tmp_path, "id,doc,text,tax,tone\n1,d,A,,favor\n"), schema)


def test_a_column_of_another_topic_is_told(tmp_path: Path, schema: Schema) -> None:
    path = table(tmp_path, "id,doc,text,asylum,tax_cuts,peace\n1,d,A,,,favor\n")
    assert said(read_labels(path, schema), "'peace' holds stances, but is no topic")


def test_documents_from_ids_or_none(tmp_path: Path, schema: Schema) -> None:
    head = "id,text,asylum,tax_cuts\n"
    told = read_labels(table(tmp_path, head + "a-1,A,,\na-2,B,,\nb-1,C,,\n"), schema)
    assert [record.document for record in told.records] == ["a", "a", "b"]
    assert said(told, "took 2 documents from the ids ('a-1' is of 'a')")
    for ids in ("s-1 s-2 s-3", "1 2 3", "a-1 a-1x b-1", "a-2 a-1 b-1"):
        rows = "".join(f"{name},{name},,\n" for name in ids.split())
        own = read_labels(table(tmp_path, head + rows), schema)
        assert [record.document for record in own.records] == ids.split()
        assert said(own, "every sentence counts as its own")


def test_made_ids_do_not_depend_on_order(tmp_path: Path, schema: Schema) -> None:
    head, rows = "doc,text,asylum,tax_cuts\n", ["d,A,favor,\n", "d,B,,\n", "e,A,,\n", "d,A,,\n"]
    forth = read_labels(table(tmp_path, head + "".join(rows)), schema).records
    back = read_labels(table(tmp_path, head + "".join(rows[2::-1])), schema).records
    assert len({record.id for record in forth}) == 4
    assert forth[3].id == f"{forth[0].id}-2"
    assert {record.id for record in back} == {record.id for record in forth[:3]}


def test_same_words_are_one_document_if_none_is_named(tmp_path: Path, schema: Schema) -> None:
    path = table(tmp_path, "text,coder,asylum,tax_cuts\nA,eva,,\nA,ben,,\nB,eva,,\nA,eva,,\n")
    documents = [record.document for record in read_labels(path, schema).records]
    assert documents[0] == documents[1] == documents[3] != documents[2]


def test_spellings_that_differ_little_are_told(tmp_path: Path, schema: Schema) -> None:
    path = table(tmp_path, "id,doc,text,asylum,tax_cuts\n1,taz 1,A,,\n2,TAZ 1 ,B,,\n")
    assert said(read_labels(path, schema), "documents that differ by case or spaces only")


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\t"])
def test_outer_blanks_are_trimmed(blank: str, tmp_path: Path, schema: Schema) -> None:
    rows = ["id,doc,coder,text,asylum,tax_cuts", "1,d,eva,A,favor,"]
    rows.append(f"2{blank},d{blank},eva{blank},{blank}A{blank},favor,")
    path = table(tmp_path, "\n".join(rows))
    imported = read_labels(path, schema)
    assert [(r.id, r.document, r.annotator, r.text) for r in imported.records] == [
        ("1", "d", "eva", "A"),
        ("2", "d", "eva", "A"),
    ]
    assert not said(imported, "differ by case or spaces")
    mine = [{"text": f"A{blank}", "document": "d", "labels": {"asylum": "favor"}}]
    assert read_labels(write_lines(tmp_path / "a.jsonl", mine), schema).records[0].text == "A"
    ours = [{"id": "1", "source": "s", "provenance": "real", "annotator": "x", **mine[0]}]
    kept = read_labels(write_lines(tmp_path / "b.jsonl", ours), schema)
    assert kept.records[0].text == f"A{blank}"


def test_sentences_labelled_twice_by_one_annotator_are_told(tmp_path: Path, schema: Schema) -> None:
    rows = [
        "d,eva,A,favor,",
        "d,eva,A ,against,",
        "d,ben,A,,",
        "e,eva,A,,",
        "d,ben,B,,",
        "d,ben,B,,",
    ]
    path = table(tmp_path, "\n".join(["doc,coder,text,asylum,tax_cuts", *rows]))
    imported = read_labels(path, schema)
    assert imported.contradictions == (
        "'eva' labelled one sentence of document 'd' differently "
        "(row 2: asylum favor; row 3: asylum against); leave one, or give two people two names",
    )
    assert set(imported.contradictions) < set(imported.warnings)
    assert said(imported, "1 rows repeat a sentence of the same document and annotator")
    many = [f"d,eva,{n},{stance}," for n in range(12) for stance in ("favor", "")]
    path = table(tmp_path, "\n".join(["doc,coder,text,asylum,tax_cuts", *many]))
    told = read_labels(path, schema).contradictions
    assert len(told) == 11
    assert "row 3: no topic" in told[0]
    assert told[-1] == "and 2 more sentences labelled twice, differently"
    numbered = [f"{n},{row}" for n, row in enumerate(rows)]
    path = table(tmp_path, "\n".join(["n,doc,coder,text,asylum,tax_cuts", *numbered]))
    assert read_labels(path, schema).contradictions == ()  # two places of the document


def test_ids_of_several_sentences_are_told(tmp_path: Path, schema: Schema) -> None:
    path = table(tmp_path, "id,doc,coder,text,asylum,tax_cuts\n1,d,eva,A,,\n1,d,ben,B,,\n")
    assert said(read_labels(path, schema), "1 ids stand for different sentences")


def workbook(path: Path) -> Path:
    from datetime import date

    from openpyxl import Workbook

    book = Workbook()
    cover = book.active
    assert cover is not None
    cover.append(["How to code", "Read every sentence."])
    page = book.create_sheet("Wave 1")
    page.append(["Annotation of 2024"])
    page.append(["Satz", "Artikel", "Nr", "Topics", None])
    page.append([None, None, None, "Asylum", "tax cuts"])
    page.append(["Ja.", date(2024, 5, 1), 1, "favor", None])
    page.append(["Nein.", None, 2.0, None, "Against "])
    page.append([None] * 5)
    page.append(["Doch.", "b", 3, None, None])
    page.append([" ", None])
    for cells in ("A1:E1", "A2:A3", "B2:B3", "C2:C3", "D2:E2", "B4:B5"):
        page.merge_cells(cells)
    page.row_dimensions[7].hidden = True
    page.cell(row=400, column=2).number_format = "0.00"
    other = book.create_sheet("Wave 2")
    other.append(["id", "doc", "text", "topic", "stance"])
    other.append(["x", "d", "Gut.", "asylum", "against"])
    book.save(path)
    return path


def test_workbooks_as_people_make_them(tmp_path: Path, schema: Schema) -> None:
    path = workbook(tmp_path / "labels.xlsx")
    imported = read_labels(path, schema, columns={"id": "Nr"})
    assert [(r.id, r.document, r.text, r.labels) for r in imported.records] == [
        ("1", "2024-05-01", "Ja.", {"asylum": "favor"}),
        ("2", "2024-05-01", "Nein.", {"tax_cuts": "against"}),
        ("3", "b", "Doch.", {}),
    ]
    assert said(imported, "read sheet 'Wave 1' of 'Sheet', 'Wave 1', 'Wave 2'")
    assert said(imported, "1 hidden rows are read, too")
    second = read_labels(path, schema, sheet="Wave 2")
    assert second.format == Format.XLSX_LONG
    assert labels_of(second) == [{"asylum": "against"}]


def test_label_studio_as_it_exports(tmp_path: Path, schema: Schema) -> None:
    def annotation(user: object, **choices: str) -> dict[str, Any]:
        result = [
            {"from_name": topic, "to_name": "t", "type": "choices", "value": {"choices": [stance]}}
            for topic, stance in choices.items()
        ]
        return {"completed_by": user, "result": result, "was_cancelled": False}

    comment = {"from_name": "comment", "type": "textarea", "value": {"text": ["hm"]}}
    many = [annotation(3, asylum="favor"), annotation({"id": 4, "email": "eva@x.org"})]
    many[1]["result"].append(comment)
    skipped = {**annotation(3), "was_cancelled": True}
    tasks = [
        {"id": 11, "data": {"text": "A", "article": "d"}, "annotations": many},
        {"id": 12, "data": {"text": "B", "article": "d"}, "annotations": [skipped]},
        {"id": 13, "data": {"text": "C", "article": "d"}, "annotations": [], "predictions": [{}]},
    ]
    path = table(tmp_path, json.dumps(tasks), "export.json")
    imported = read_labels(path, schema)
    assert [(r.id, r.annotator, r.labels) for r in imported.records] == [
        ("11", "3", {"asylum": "favor"}),
        ("11", "eva@x.org", {}),
    ]
    assert said(imported, "1 task left out: every annotation was skipped")
    assert said(imported, "1 task left out: no annotation, predictions only")


def test_label_studio_minimal_json(tmp_path: Path, schema: Schema) -> None:
    flat = [
        {"id": 1, "text": "A", "article": "d", "asylum": "favor", "annotator": 2},
        {"id": 2, "text": "B", "article": "d", "annotator": 2},
    ]
    imported = read_labels(table(tmp_path, json.dumps(flat), "min.json"), schema)
    assert labels_of(imported) == [{"asylum": "favor"}, {}]
    assert said(imported, "no tax_cuts anywhere; taken as absent")


def argilla_records() -> list[dict[str, Any]]:
    def answers(*values: str) -> list[dict[str, str]]:
        return [{"value": value, "user_id": f"u{i}"} for i, value in enumerate(values)]

    start = {"vectors": {}, "status": "completed", "_server_id": None, "metadata": {"doc": "d"}}
    suggestion = {"asylum": {"value": "favor", "score": 0.7, "agent": "m"}}
    return [
        {
            "id": "1",
            "fields": {"text": "A"},
            "suggestions": suggestion,
            "responses": {"asylum": answers("favor", "against"), "tax_cuts": answers("absent")},
            **start,
        },
        {
            "id": "2",
            "fields": {"text": "B"},
            "suggestions": suggestion,
            "responses": {},
            **start,
        },
    ]


@pytest.mark.parametrize("orient", ["list", "names", "index"])
def test_argilla_as_it_exports(orient: str, tmp_path: Path, schema: Schema) -> None:
    records = argilla_records()
    content: object = {
        "list": records,
        "names": {key: [record[key] for record in records] for key in records[0]},
        "index": {record["id"]: record for record in records},
    }[orient]
    imported = read_labels(table(tmp_path, json.dumps(content), "records.json"), schema)
    assert imported.format == Format.ARGILLA
    assert [(r.id, r.document, r.annotator, r.labels) for r in imported.records] == [
        ("1", "d", "u0", {"asylum": "favor"}),
        ("1", "d", "u1", {"asylum": "against"}),
    ]
    assert said(imported, "1 record left out: suggestions only")


def test_questions_about_something_else_are_left_out(tmp_path: Path, schema: Schema) -> None:
    records = argilla_records()
    records[0]["responses"]["comment"] = [{"value": "hm", "user_id": "u0"}]
    imported = read_labels(table(tmp_path, json.dumps(records), "records.json"), schema)
    assert labels_of(imported) == [{"asylum": "favor"}, {"asylum": "against"}]
    assert said(imported, "not used: 'comment'")

    def part(question: str, answer: str) -> dict[str, Any]:
        return {"from_name": question, "type": "choices", "value": {"choices": [answer]}}

    annotation = {"completed_by": 1, "result": [part("asylum", "favor"), part("sure", "hardly")]}
    task = {"data": {"text": "A", "doc": "d"}, "annotations": [annotation]}
    path = table(tmp_path, json.dumps([task]), "export.json")
    imported = read_labels(path, schema)
    assert labels_of(imported) == [{"asylum": "favor"}]
    assert said(imported, "not used: 'sure'")
    annotation["result"] = [part("sure", "hardly")]
    with pytest.raises(ImportProblems, match="unknown topic"):
        read_labels(table(tmp_path, json.dumps([task]), "export.json"), schema)


def test_doccano_as_it_exports(tmp_path: Path, schema: Schema) -> None:
    path = write_lines(
        tmp_path / "all.jsonl",
        [
            {"id": 4, "text": "A", "label": ["Asylum and return: FAVOR"], "Comments": []},
            {"id": 5, "text": "B", "label": ["tax_cuts_against"], "meta": {"doc": "d"}},
        ],
    )
    imported = read_labels(path, schema, annotator="eva", columns={"document": "id"})
    assert imported.format == Format.DOCCANO
    assert labels_of(imported) == [{"asylum": "favor"}, {"tax_cuts": "against"}]


def test_prodigy_as_it_exports(tmp_path: Path, schema: Schema) -> None:
    options = [{"id": 1, "text": "asylum: favor"}, {"id": "asylum: against", "text": "No!"}]
    start = {"_task_hash": 1, "_annotator_id": "eva", "meta": {"doc": "d"}, "options": options}

    def line(number: int, answer: str, **more: object) -> dict[str, object]:
        return {**start, "_input_hash": number, "text": f"T{number}", "answer": answer, **more}

    path = write_lines(
        tmp_path / "p.jsonl",
        [
            line(1, "accept", accept=[1]),
            line(1, "accept", accept=["asylum: against"], _annotator_id="ben"),
            line(2, "accept", accept=[]),
            line(3, "reject", accept=[1]),
            line(4, "ignore", accept=[]),
        ],
    )
    imported = read_labels(path, schema)
    assert [(r.id, r.annotator, r.labels) for r in imported.records] == [
        ("1", "eva", {"asylum": "favor"}),
        ("1", "ben", {"asylum": "against"}),
        ("2", "eva", {}),
    ]
    assert said(imported, "1 example left out: the annotator rejected it")
    assert said(imported, "1 example left out: the annotator ignored it")


def test_prodigy_one_label_at_a_time(tmp_path: Path, schema: Schema) -> None:
    start = {"text": "A", "_input_hash": 1, "_session_id": "x-eva", "meta": {"doc": "d"}}
    answers = (("asylum: favor", "accept"), ("tax_cuts: favor", "reject"), ("asylum: x", "ignore"))
    lines = [{**start, "label": label, "answer": answer} for label, answer in answers]
    imported = read_labels(write_lines(tmp_path / "p.jsonl", lines), schema)
    assert labels_of(imported) == [{"asylum": "favor"}]
    assert said(imported, "one label at a time")


def test_datasets_with_classes_and_splits(tmp_path: Path, schema: Schema) -> None:
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    features = Features(
        {
            "sentence": Value("string"),
            "doc": Value("string"),
            "asylum": ClassLabel(names=["absent", "favor", "against"]),
            "tax_cuts": Value("string"),
        }
    )
    columns = {"sentence": ["A", "B", "C"], "doc": ["d"] * 3, "asylum": [0, 2, -1]}
    split = Dataset.from_dict({**columns, "tax_cuts": [None, "favor", None]}, features=features)
    DatasetDict({"train": split, "test": split.select([1])}).save_to_disk(tmp_path / "both")
    imported = read_labels(tmp_path / "both", schema)
    assert labels_of(imported) == [
        {},
        {"asylum": "against", "tax_cuts": "favor"},
        {},
        {"asylum": "against", "tax_cuts": "favor"},
    ]
    assert said(imported, "read all splits: train (3), test (1)")
    split.to_parquet(tmp_path / "x.parquet")
    assert labels_of(read_labels(tmp_path / "x.parquet", schema))[1]["asylum"] == "against"


def test_pandas_writes_nan(tmp_path: Path, schema: Schema) -> None:
    import pandas

    frame = pandas.DataFrame(
        {"text": ["A", "B"], "doc": ["d", "d"], "asylum": ["favor", None], "tax_cuts": [None] * 2}
    )
    frame.to_parquet(tmp_path / "x.parquet")
    assert labels_of(read_labels(tmp_path / "x.parquet", schema)) == [{"asylum": "favor"}, {}]


def infer_labels(path: Path, *, columns: dict[str, str] | None = None) -> dict[str, set[str]]:
    return {topic: set(stances) for topic, stances in count_labels(path, columns=columns).items()}


def test_topics_and_stances_are_learnt(tmp_path: Path) -> None:
    content = "Satz,Land,Asyl,Steuern,Notiz\nA,DE,dafür,,weiß nicht so recht\nB,FR,,dagegen,\n"
    content += "C,DE,dagegen,dafür,\nD,AT,,absent,\n"
    learnt = {"Asyl": {"dafür", "dagegen"}, "Steuern": {"dafür", "dagegen"}}
    assert infer_labels(table(tmp_path, content)) == learnt
    asked = infer_labels(table(tmp_path, content), columns={"asylum": "Asyl"})
    assert asked == {"asylum": {"dafür", "dagegen"}}
    long = "text,topic,stance\nA,Asyl,dafür\nB,,\nC,Asyl,dagegen\n"
    assert infer_labels(table(tmp_path, long)) == {"Asyl": {"dafür", "dagegen"}}
    path = write_lines(tmp_path / "d.jsonl", [{"text": "A", "label": ["Asyl: dafür"]}])
    assert infer_labels(path) == {"Asyl": {"dafür"}}
    path = write_lines(tmp_path / "r.jsonl", [{"text": "A", "labels": {"tax": "up"}}])
    assert infer_labels(path) == {"tax": {"up"}}


def test_what_is_not_there_is_no_stance(tmp_path: Path) -> None:
    content = "text,Tax,Crime,Land\nA,favor,NA,DE\nB,against,NA,NA\nC,N/A,favor,FR\n"
    assert infer_labels(table(tmp_path, content)) == {
        "Tax": {"favor", "against"},
        "Crime": {"favor"},
    }
    content = "text,Crime,Sport\nA,yes,no\nB,no,Yes\n"
    assert infer_labels(table(tmp_path, content)) == {
        "Crime": {"mentioned"},
        "Sport": {"mentioned"},
    }
    lines = [{"text": "A", "labels": {"crime": None, "tax": "up"}}]
    assert infer_labels(write_lines(tmp_path / "r.jsonl", lines)) == {"tax": {"up"}}


@pytest.mark.parametrize(
    "cells", [["-2", "-1", "0", "1", "2"], ["+", "-", ""], ["-1", "0", "1"], ["yes", "no", "x"]]
)
def test_what_is_learnt_can_be_read(cells: list[str], tmp_path: Path) -> None:
    path = table(tmp_path, "text,Taxes\n" + "".join(f"S {c},{c}\n" for c in cells))
    drafted = draft_schema(infer_labels(path, columns={"Taxes": "Taxes"}))
    titles = {stance.name: stance.title or stance.name for stance in drafted.stances}
    for cell, labels in zip(cells, labels_of(read_labels(path, drafted)), strict=True):
        expected = {"yes": "mentioned", "x": "mentioned", "no": ""}.get(cell, cell)
        assert titles.get(labels.get("taxes", ""), "") == expected
    if cells[0] == "-2":
        path = write_lines(tmp_path / "d.jsonl", [{"text": "A", "label": ["Taxes: -2"]}])
        assert labels_of(read_labels(path, drafted)) == [{"taxes": "minus_2"}]
    if cells[0] == "+":
        with pytest.raises(ImportProblems, match="'-1': unknown stance"):
            read_labels(table(tmp_path, "text,Taxes\nA,-1\n"), drafted)


def test_numbers_that_pandas_writes(tmp_path: Path) -> None:
    import pandas

    path = tmp_path / "x.parquet"
    pandas.DataFrame({"text": ["A", "B", "C"], "tax": [1.0, None, 2.0]}).to_parquet(path)
    found = infer_labels(path, columns={"tax": "tax"})
    assert found == {"tax": {"1", "2"}}
    assert labels_of(read_labels(path, draft_schema(found))) == [
        {"tax": "stance_1"},
        {},
        {"tax": "stance_2"},
    ]


def test_the_most_frequent_spelling_is_the_title(tmp_path: Path) -> None:
    cells = ["FAVOR", "Favor ", "Favor", "against", "AGAINST", "AGAINST"]
    path = table(tmp_path, "text,Tax\n" + "".join(f"S,{cell}\n" for cell in cells))
    found = count_labels(path)
    assert found == {"Tax": {"FAVOR": 1, "Favor": 2, "against": 1, "AGAINST": 2}}
    stances = draft_schema(found).stances
    assert [(one.name, one.title) for one in stances] == [
        ("favor", "Favor"),
        ("against", "AGAINST"),
    ]
    path = table(tmp_path, "text,topic,stance\nA,TAX,up\nB,Tax,up\nC,Tax,down\n")
    assert draft_schema(count_labels(path)).topics[0].title == "Tax"


def test_nothing_to_learn(tmp_path: Path) -> None:
    with pytest.raises(ImportProblems, match="no topics found"):
        infer_labels(table(tmp_path, "text,n\nA,1\nB,2\n"))
    with pytest.raises(ImportProblems, match="no column for the sentence"):
        infer_labels(table(tmp_path, "a,b\nA,1\n"))
    path = write_lines(tmp_path / "d.jsonl", [{"text": "A", "label": ["dafür"]}])
    with pytest.raises(ImportProblems, match="line 1, column 'label': 'dafür': expected 'topic"):
        infer_labels(path)
    with pytest.raises(LabelsError, match="no such file"):
        infer_labels(tmp_path / "none.csv")


def test_a_formula_may_have_an_empty_result(tmp_path: Path, schema: Schema) -> None:
    from openpyxl import Workbook

    book = Workbook()
    page = book.active
    assert page is not None
    page.append(["text", "asylum", "tax_cuts"])
    page.append(["Ja.", '=IF(1=1,"","favor")', "favor"])
    book.save(tmp_path / "new.xlsx")
    path = tmp_path / "saved.xlsx"
    with ZipFile(tmp_path / "new.xlsx") as before, ZipFile(path, "w") as after:
        for name in before.namelist():  # openpyxl computes no formulas; so a spreadsheet saves this
            content = before.read(name).replace(b'<c r="B2"><f>', b'<c r="B2" t="str"><f>')
            after.writestr(name, content)
    assert labels_of(read_labels(path, schema)) == [{"tax_cuts": "favor"}]
