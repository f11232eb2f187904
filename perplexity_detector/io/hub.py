"""Artefact folders on the Hugging Face hub."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import ModelHubMixin, hf_hub_download, snapshot_download

from perplexity_detector.errors import ArtefactError
from perplexity_detector.io.artefact_folder import CONFIG
from perplexity_detector.io.hub_errors import hub_errors


class ArtefactOnHub(ModelHubMixin):
    """An artefact folder as `huggingface_hub` sends and gets it; nothing in it is executed.

    Args:
        folder: where it is on this machine.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _save_pretrained(self, save_directory: Path) -> None:
        shutil.copytree(self.folder, save_directory, dirs_exist_ok=True)

    @classmethod
    def _from_pretrained(  # type: ignore[override]  # the mixin adds `config` if it is asked for
        cls, *, model_id: str, revision: str | None, config: Mapping[str, Any], **options: Any
    ) -> ArtefactOnHub:
        listed = config.get("sha256")
        if not isinstance(listed, dict):
            raise ArtefactError(f"{model_id} on the hub is no detector of this package.")
        # only what the detector needs, whatever else lies there
        found = snapshot_download(
            model_id,
            revision=revision,
            allow_patterns=[CONFIG, *listed],
            force_download=options["force_download"],
            local_files_only=options["local_files_only"],
            cache_dir=options["cache_dir"],
            token=options["token"],
        )
        return cls(Path(found))


def download(name: str, revision: str | None = None) -> Path:
    """A detector of the hub as a folder on this machine; only the files that it lists.

    Args:
        name: `user/name`.
        revision: branch, tag or commit; the main branch if not given.

    Raises:
        ArtefactError: it is not there or no detector, or the hub cannot be reached.
    """
    hint = "there is no folder of that name here, and a detector on the hub needs a network"
    with hub_errors(name, ArtefactError, None, hint):
        # its place in the cache names the commit, so that all files are of one
        commit = Path(hf_hub_download(name, CONFIG, revision=revision)).parent.name
        folder: Path = ArtefactOnHub.from_pretrained(name, revision=commit).folder
    return folder


def upload(folder: Path, name: str, **options: Any) -> str:
    """Send an artefact folder to the hub.

    Args:
        folder: as `artefact_folder.write` left it.
        name: `user/name`; made if it is not there.
        **options: of `huggingface_hub.ModelHubMixin.push_to_hub`.

    Returns:
        The address of the commit.

    Raises:
        ArtefactError: the hub cannot be reached, or does not take it.
    """
    hint = "try again where there is a network"
    with hub_errors(name, ArtefactError, None, hint, "pushed"):
        return str(ArtefactOnHub(folder).push_to_hub(name, **options))
