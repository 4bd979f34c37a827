"""What a real Label Studio 1.23.2 makes of our export; examples/label_studio asks it again."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from framing.labels.formats import Imported, read_labels, write_labels
from framing.labels.records import Record, packaged_path, read_records
from framing.labels.schema import Schema

ANNA, BEN = 1, 2
EMAILS = {ANNA: "anna@example.org", BEN: "ben@example.org"}

# One task of its export, whole: annotation 1 is ours, 13 was added by another user.
TASK: dict[str, Any] = json.loads("""
{"id": 1, "annotations": [{"id": 1, "completed_by": 1, "result": [{"id": "reconstruction",
 "from_name": "reconstruction", "to_name": "Sentence", "type": "choices", "value": {"choices":
 ["neutral"]}}], "was_cancelled": false, "ground_truth": true, "created_at":
 "2026-11-25T07:13:28.756700Z", "updated_at": "2026-11-25T07:13:28.756718Z",
 "draft_created_at": null, "lead_time": null, "prediction": {}, "result_count": 0, "unique_id":
 "88dd373d-4f00-49da-a58d-d6b39c0aeacd", "import_id": 1, "last_action": null, "bulk_created":
 false, "task": 1, "project": 1, "updated_by": null, "parent_prediction": null,
 "parent_annotation": null, "last_created_by": null}, {"id": 13, "completed_by": 2, "result":
 [{"value": {"choices": ["neutral"]}, "id": "ue4bYl1pBl", "from_name": "military_bases",
 "to_name": "Sentence", "type": "choices", "origin": "manual"}, {"value":
 {"choices": ["favor"]}, "id": "GkDspI-Kni", "from_name": "reconstruction",
 "to_name": "Sentence", "type": "choices", "origin": "manual"}], "was_cancelled": false,
 "ground_truth": false, "created_at":
 "2026-11-25T07:13:29.592594Z", "updated_at": "2026-11-25T07:13:29.592620Z",
 "draft_created_at": null, "lead_time": 4.2, "prediction": {}, "result_count": 2, "unique_id":
 "a15f9076-e9f6-434f-bbc0-04255fc0cd9d", "import_id": null, "last_action": null,
 "bulk_created": false, "task": 1, "project": 1, "updated_by": 2, "parent_prediction": null,
 "parent_annotation": null, "last_created_by": null}], "drafts": [], "predictions": [], "data":
 {"text":
 "For his part, Syrian Foreign Minister Al-Shaibani emphasized that restoring state \
institutions is a priority, noting that a significant portion of the population still \
suffers from the consequences of previous conflicts.",
 "record_id": "000-010", "source": "seeds", "document": "000_414ec9823f37b97d", "annotator":
 "adjudicated", "provenance": "seed", "n": 10, "sure": false}, "meta": {}, "created_at":
 "2026-11-25T07:13:28.753842Z", "updated_at": "2026-11-25T07:13:29.734375Z", "allow_skip":
 true, "inner_id": 1, "total_annotations": 2, "cancelled_annotations": 0, "total_predictions":
 0, "comment_count": 0, "unresolved_comment_count": 0, "last_comment_updated_at": null,
 "project": 1, "updated_by": 2, "comment_authors": []}
""")

OURS = ("adjudicated", False, {"reconstruction": "neutral"})
ADDED = {"military_bases": "neutral", "reconstruction": "favor"}


def read(folder: Path, task: dict[str, Any], schema: Schema) -> Imported:
    path = folder / "export.json"
    path.write_text(json.dumps([task]), encoding="utf-8")
    return read_labels(path, schema)


def said(imported: Imported) -> list[tuple[str, bool, dict[str, str]]]:
    return [(record.annotator, record.sure, record.labels) for record in imported.records]


def changed(task: dict[str, Any], number: int, **fields: object) -> dict[str, Any]:
    task = copy.deepcopy(task)
    task["annotations"][number].update(fields)
    return task


def with_emails(task: dict[str, Any]) -> dict[str, Any]:
    """As a snapshot may name users; whoever changed an annotation stays a number there."""
    task = copy.deepcopy(task)
    for annotation in task["annotations"]:
        user = annotation["completed_by"]
        annotation["completed_by"] = {
            "id": user,
            "email": EMAILS[user],
            "first_name": "",
            "last_name": "",
        }
    return task


def test_our_annotation_stays_that_of_its_annotator(tmp_path: Path, schema: Schema) -> None:
    imported = read(tmp_path, TASK, schema)
    assert said(imported) == [OURS, ("2", True, ADDED)]
    assert imported.warnings == ()
    for record in imported.records:
        assert (record.id, record.n, record.provenance) == ("000-010", 10, "seed")
        assert record.group == "seeds/000_414ec9823f37b97d"


def test_who_imports_may_annotate_too(tmp_path: Path, schema: Schema) -> None:
    task = changed(TASK, 1, completed_by=ANNA, updated_by=ANNA)
    assert said(read(tmp_path, task, schema)) == [OURS, ("1", True, ADDED)]


def test_a_changed_annotation_is_of_who_changed_it(tmp_path: Path, schema: Schema) -> None:
    task = changed(TASK, 0, updated_by=BEN)
    task["annotations"][1]["was_cancelled"] = True
    assert said(read(tmp_path, task, schema)) == [("2", True, OURS[2])]


def test_a_corrected_annotation_made_there_stays_that_of_its_maker(
    tmp_path: Path, schema: Schema
) -> None:
    task = changed(TASK, 1, updated_by=ANNA)
    assert said(read(tmp_path, task, schema))[1] == ("2", True, ADDED)
    del task["annotations"][0]
    assert said(read(tmp_path, task, schema)) == [("2", True, ADDED)]


def test_users_are_named_by_email_where_it_is_known(tmp_path: Path, schema: Schema) -> None:
    assert said(read(tmp_path, with_emails(TASK), schema)) == [OURS, (EMAILS[BEN], True, ADDED)]
    task = with_emails(changed(TASK, 0, updated_by=ANNA))
    assert said(read(tmp_path, task, schema))[0] == (EMAILS[ANNA], True, OURS[2])


def test_a_backup_imported_again_keeps_the_users_apart(tmp_path: Path, schema: Schema) -> None:
    task = changed(TASK, 1, import_id=13, updated_by=None)
    assert [record.annotator for record in read(tmp_path, task, schema).records] == ["1", "2"]


def test_shares_of_annotators_stay_with_the_annotation(tmp_path: Path, schema: Schema) -> None:
    soft = {"reconstruction": {"neutral": 0.75, "absent": 0.25}}
    task = copy.deepcopy(TASK)
    task["data"]["soft"] = json.dumps(soft)
    assert [record.soft for record in read(tmp_path, task, schema).records] == [soft, None]


@pytest.mark.parametrize("user", [[3], {"id": [3]}, {}, None, True])
def test_odd_users_are_no_crash(user: object, tmp_path: Path, schema: Schema) -> None:
    task = changed(TASK, 0, completed_by=user)
    assert said(read(tmp_path, task, schema))[0] == OURS


def test_every_annotation_is_written_with_an_id(tmp_path: Path, schema: Schema) -> None:
    records: list[Record] = read_records(packaged_path("seeds"), schema)[:3]
    write_labels(records, tmp_path / "tasks.json", schema, format="label-studio")
    tasks = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert [one["id"] for task in tasks for one in task["annotations"]] == [1, 2, 3]
