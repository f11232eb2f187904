"""The command `recalibrate`: thresholds that one's own people set."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from perplexity_detector.cli.base import Commands
from perplexity_detector.cli.options import parse_rate, parse_str
from perplexity_detector.logs import get_logger, timed


class RecalibrateCommand(Commands):
    """The command `recalibrate`."""

    def recalibrate(
        self,
        dataset: str,
        output: str,
        detector: str | None = None,
        lm: str | None = None,
        fpr: float | None = None,
        device: str = "auto",
        precision: str | None = None,
        cache: str | None = None,
        **dataset_options: Any,
    ) -> None:
        """Set a detector's thresholds on 100 or more texts by your own people; save it.

        Probabilities stay as they are. The false-positive rate then holds for people like these.

        Args:
            dataset: texts by people: a table, or documents in a folder or zip; rows that a
                column of labels calls generated, and documents in a folder of that name, are left
                out.
            output: folder of the new detector. The service and the MCP server offer those in
                ./data/detectors by name.
            detector: fast, standard or a folder; ./data/model, else standard, if not given.
            lm: folder of the detector's language model, if it was moved after training.
            fpr: false-positive rate of the new detector, from 0 to 1; the detector's if not
                given.
            device: auto, cpu or cuda.
            precision: float32, bfloat16, float16, int8 (CPU: faster, less exact), or auto:
                bfloat16 where that is faster and changes no verdict on a few texts, measured once
                on this machine; if not given, float32, or bfloat16 on a GPU that has it.
            cache: folder in which to keep the language model's results for later runs.
            **dataset_options: names of columns, encoding and format; see the program's help.
        """
        target = str(output)
        options = self._start(
            "recalibrate", dataset_options, dataset=dataset, output=target, detector=detector,
            lm=lm, fpr=fpr, device=device, precision=precision, cache=cache,
        )  # fmt: skip
        rate = None if fpr is None else parse_rate(fpr)
        with timed(get_logger(), "recalibrate") as counts:
            from perplexity_detector.evaluation.human_rate import share_flagged
            from perplexity_detector.io import artefact_folder
            from perplexity_detector.pipelines.publish import warn_if_rate_cannot_be_kept
            from perplexity_detector.pipelines.recalibrate import recalibrate

            artefact_folder.check_place(Path(target))  # now, rather than after minutes of reading
            texts = options.read_human(str(dataset))["text"].tolist()
            counts["rows"] = len(texts)
            loaded = self._load_detector(
                parse_str(detector), lm, rate, device, precision, cache, progress=True
            ).last
            flagged = recalibrate(loaded, texts)
            loaded.save_pretrained(target)
            warn_if_rate_cannot_be_kept(loaded)
        print(f"At the thresholds before, these people had {share_flagged(flagged)}.")
        print(
            f"{len(texts)} texts set the thresholds for a false-positive rate of {loaded.fpr:g}. "
            f"Saved to {target}.",
            file=sys.stderr,
        )
