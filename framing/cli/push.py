"""``framing push``: a model folder to the Hugging Face hub, or to another folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from framing.labels.errors import FramingError

CARD = "README.md"
_FILES = (CARD, "report.json", "checksums.json", "*.safetensors", "config.json", "tokenizer*.json")


def push(
    folder: Annotated[Path, typer.Argument(help="Model folder, with its card.")],
    repo_id: Annotated[
        str | None, typer.Argument(help="Where to: owner/name on the Hugging Face hub.")
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Make the repository private, if it is new.")
    ] = False,
    to_folder: Annotated[
        Path | None, typer.Option(help="Copy what would be uploaded to this folder instead.")
    ] = None,
) -> None:
    """Upload a model and its card, after checking that its files are whole."""
    from framing.models.store import verify

    if (repo_id is None) == (to_folder is None):
        raise FramingError("give either REPO_ID (owner/name on the hub) or --to-folder")
    verify(folder)
    if not (folder / CARD).is_file():
        raise FramingError(f"{folder}: has no card ({CARD}); 'framing train' writes one")
    if to_folder is not None:
        _copy(folder, to_folder)
        typer.echo(f"Copied to {to_folder}")
    elif repo_id is not None:
        typer.echo(f"Uploaded to {_upload(folder, repo_id, private=private)}")


def _copy(folder: Path, target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise FramingError(f"{target}: is a file; name a folder")
    if target.exists() and any(target.iterdir()):
        raise FramingError(f"{target}: is not empty")
    try:
        target.mkdir(parents=True, exist_ok=True)
        for pattern in _FILES:
            for path in folder.glob(pattern):
                shutil.copyfile(path, target / path.name)
    except OSError as error:
        raise FramingError(f"{target}: cannot be written: {error.strerror or error}") from error


def _upload(folder: Path, repo_id: str, *, private: bool) -> str:
    """Upload, and return the repository's address."""
    from huggingface_hub import HfApi, errors

    try:
        api = HfApi()
        url = api.create_repo(repo_id, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo_id,
            folder_path=folder,
            allow_patterns=list(_FILES),
            commit_message="Upload model by framing push",
        )
    except (errors.HTTPError, errors.HFValidationError, OSError) as error:  # type: ignore[attr-defined]
        reason = " ".join(str(error).split())[:200]
        raise FramingError(
            f"{repo_id}: cannot be uploaded ('hf auth login' logs in to the hub): {reason}"
        ) from error
    return str(url)
