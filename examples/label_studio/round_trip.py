"""Labelled sentences go to a real Label Studio, are annotated there, and come back.

    python examples/label_studio/round_trip.py
    python examples/label_studio/round_trip.py --venv ~/label-studio   # installs there once

Twelve packaged sentences are exported with the labelling configuration, imported by the API,
annotated as the web page does it, and exported again. Every field of every record is compared
with what it has to be. The exit code is 0 if all are right, else 1. README.md says more.
"""

from __future__ import annotations

import argparse
import json
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from server import OWNER, VERSION, Client, RoundTripError, install, running

from framing.labels.errors import FramingError
from framing.labels.formats import Imported, labelling_config, read_labels, write_labels
from framing.labels.records import Record, packaged_path, read_records
from framing.labels.schema import ABSENT, Schema, load_schema

COLLEAGUE = "ben@example.org"
UNSURE, SEEDS, AUTHORED = 3, 6, 3  # sentences of each kind
Key = tuple[str, str]  # id and annotator


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table; ``wrong`` is empty if all is right."""

    what: str
    count: int
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """A project of the server: its number, and the tasks' in the order of the records."""

    number: int
    tasks: tuple[int, ...]


def main() -> int:
    """Run it, print the table, and return the exit code."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # through all "finally"
    try:
        with _work_folder(keep=options.keep) as folder:
            venv = (options.venv or folder / "venv").expanduser().absolute()
            checks = list(_round_trip(install(venv), folder))
    except (RoundTripError, FramingError) as error:
        print(f"round_trip: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("round_trip: stopped", file=sys.stderr)
        return 1
    return _report(checks)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Send labelled sentences through a real Label Studio."
    )
    parser.add_argument(
        "--venv",
        type=Path,
        metavar="DIR",
        help="where Label Studio is, or is to be installed; default: a temporary folder",
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the temporary folder: files, data and log"
    )
    return parser.parse_args()


@contextmanager
def _work_folder(*, keep: bool) -> Iterator[Path]:
    if not keep:
        with tempfile.TemporaryDirectory(prefix="framing-label-studio-") as name:
            yield Path(name)
        return
    folder = Path(tempfile.mkdtemp(prefix="framing-label-studio-"))
    try:
        yield folder
    finally:
        print(f"kept: {folder}")


def _round_trip(program: Path, folder: Path) -> Iterator[Check]:
    schema, records = load_schema(), sentences()
    write_labels(records, folder / "tasks.json", schema, format="label-studio")
    (folder / "config.xml").write_text(labelling_config(schema), encoding="utf-8")
    data = folder / "data"
    data.mkdir()
    print(f"starting Label Studio {VERSION} …", flush=True)
    started = time.monotonic()
    with running(program, data) as server:
        print(f"started after {time.monotonic() - started:.0f} s", flush=True)
        owner, colleague = Client(server, token=server.token), Client(server)
        colleague.sign_up(COLLEAGUE)
        numbers = {OWNER: _number_of(owner), COLLEAGUE: _number_of(colleague)}
        yield from _check_config(owner, folder / "config.xml")
        project = _import(owner, folder)
        yield _check_tasks(owner, project, folder / "tasks.json")
        wanted = _annotate(owner, colleague, project, records, schema)
        for name, by_email in (("export.json", False), ("snapshot.json", True)):
            tasks = _snapshot(owner, project) if by_email else _export(owner, project)
            (folder / name).write_text(json.dumps(tasks), encoding="utf-8")
            names = {user: user for user in numbers} if by_email else numbers
            what = "snapshot with e-mails" if by_email else "JSON export"
            imported = read_labels(folder / name, schema)
            yield from _compare(what, _renamed(wanted, names), imported)


def sentences() -> list[Record]:
    """Packaged sentences of several kinds: disputed, doubtful, without topic, without position."""
    schema = load_schema()
    seeds = read_records(packaged_path("seeds"), schema)
    authored = read_records(packaged_path("authored"), schema)
    split, *unsure = [record for record in seeds if not record.sure and record.labels][:UNSURE]
    shares = {topic: {ABSENT: 0.25, stance: 0.75} for topic, stance in split.labels.items()}
    sure = [record for record in seeds if record.sure][:SEEDS]
    return [replace(split, soft=shares), *unsure, *sure, *authored[:AUTHORED]]


def _number_of(user: Client) -> str:
    return str(user.call("GET", "/api/current-user/whoami")["id"])


def _check_config(owner: Client, path: Path) -> Iterator[Check]:
    config = path.read_text(encoding="utf-8")
    validate = "/api/projects/validate/"
    owner.call("POST", validate, {"label_config": config})  # raises where it is refused
    yield Check("the server accepts the configuration", 1)
    try:
        owner.call("POST", validate, {"label_config": config.replace("toName=", "to=")})
        wrong = "accepted"
    except RoundTripError:
        wrong = ""
    yield Check("the server refuses a broken one", 1, wrong)


def _import(owner: Client, folder: Path) -> Project:
    config = (folder / "config.xml").read_text(encoding="utf-8")
    body = {"title": "Round trip", "label_config": config}
    number = owner.call("POST", "/api/projects/", body)["id"]
    tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    path = f"/api/projects/{number}/import?return_task_ids=true"
    return Project(number, tuple(owner.call("POST", path, tasks)["task_ids"]))


def _check_tasks(owner: Client, project: Project, path: Path) -> Check:
    """What the server says it has is what the file has: data and annotations."""
    sent = json.loads(path.read_text(encoding="utf-8"))
    there = [owner.call("GET", f"/api/tasks/{task}/") for task in project.tasks]
    wrong = "" if len(there) == len(sent) else f"{len(there)} instead of {len(sent)}"
    for one, other in zip(sent, there, strict=False):
        results = [[annotation["result"] for annotation in t["annotations"]] for t in (one, other)]
        if one["data"] != other["data"] or results[0] != results[1]:
            wrong = f"task {other['id']} differs"
    return Check("tasks with annotations imported as they are", len(sent), wrong)


def _annotate(
    owner: Client, colleague: Client, project: Project, records: Sequence[Record], schema: Schema
) -> list[Record]:
    """Annotate as people do, and return the records that have to come back."""
    topic, other = schema.topic_names[:2]
    added = {topic: schema.stances_of(topic)[-1], other: schema.stances_of(other)[0]}
    first, second, third, fourth, fifth, *_ = project.tasks
    _post(colleague, project, first, added)
    _post(colleague, project, second, {})  # looked at: no topic
    _post(owner, project, third, added)  # by the account that imported the others
    _post(colleague, project, fifth, added, skipped=True)
    annotation = owner.call("GET", f"/api/tasks/{fourth}/")["annotations"][0]["id"]
    colleague.call("PATCH", f"/api/annotations/{annotation}/", {"result": _result(added)})
    # Doubts and shares were of the first annotation.
    return [
        *records[:3],
        *records[4:],
        replace(records[0], annotator=COLLEAGUE, labels=added, sure=True, soft=None),
        replace(records[1], annotator=COLLEAGUE, labels={}, sure=True, soft=None),
        replace(records[2], annotator=OWNER, labels=added, sure=True, soft=None),
        replace(records[3], annotator=COLLEAGUE, labels=added, sure=True, soft=None),
    ]


def _post(
    user: Client, project: Project, task: int, labels: Mapping[str, str], *, skipped: bool = False
) -> None:
    body = {
        "result": _result(labels),
        "was_cancelled": skipped,
        "lead_time": 4.2,
        "draft_id": 0,
        "parent_prediction": None,
        "parent_annotation": None,
        "project": project.number,
    }
    user.call("POST", f"/api/tasks/{task}/annotations?project={project.number}", body)


def _result(labels: Mapping[str, str]) -> list[dict[str, object]]:
    """Choices as the web page sends them."""
    return [
        {
            "value": {"choices": [stance]},
            "id": secrets.token_urlsafe(8)[:10],
            "from_name": topic,
            "to_name": "Sentence",
            "type": "choices",
            "origin": "manual",
        }
        for topic, stance in labels.items()
    ]


def _export(owner: Client, project: Project) -> Any:
    """What the Export button of the web page gives."""
    return owner.call("GET", f"/api/projects/{project.number}/export?exportType=JSON")


def _snapshot(owner: Client, project: Project) -> Any:
    """An export that names annotators by e-mail, not by the number of their account."""
    path = f"/api/projects/{project.number}/exports/"
    users = {"annotations__completed_by": {"only_id": False}}
    made = owner.call("POST", path, {"title": "All", "serialization_options": users})
    return owner.call("GET", f"{path}{made['id']}/download?exportType=JSON")


def _renamed(records: Sequence[Record], names: Mapping[str, str]) -> dict[Key, Record]:
    """By id and annotator, with the users' names as an export has them."""
    renamed = (replace(one, annotator=names.get(one.annotator, one.annotator)) for one in records)
    return {(record.id, record.annotator): record for record in renamed}


def _compare(what: str, wanted: Mapping[Key, Record], imported: Imported) -> Iterator[Check]:
    found = {(record.id, record.annotator): record for record in imported.records}
    missing = ", ".join(" by ".join(key) for key in wanted.keys() - found.keys())
    more = ", ".join(" by ".join(key) for key in found.keys() - wanted.keys())
    wrong = f"missing: {missing or 'none'}; too many: {more or 'none'}" if missing or more else ""
    yield Check(f"{what}: ids and annotators", len(wanted), wrong)
    names = [field.name for field in fields(Record) if field.name not in ("id", "annotator")]
    for name in names:
        differing = [
            f"{key[0]} by {key[1]}: {getattr(found[key], name)!r}, not {getattr(one, name)!r}"
            for key, one in wanted.items()
            if key in found and getattr(found[key], name) != getattr(one, name)
        ]
        yield Check(f"{what}: {name}", len(wanted), "; ".join(differing))
    yield Check(f"{what}: no warnings", 1, "; ".join(imported.warnings))


def _report(checks: Sequence[Check]) -> int:
    width = max(len(check.what) for check in checks)
    for check in checks:
        print(f"{check.what:<{width}}  {check.count:>3}  {check.wrong or 'ok'}")
    failed = sum(bool(check.wrong) for check in checks)
    print(f"{failed} of {len(checks)} checks failed" if failed else f"all {len(checks)} checks ok")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
