"""The command `pan`: a run of PAN's task on generated texts, as TIRA starts it."""

from __future__ import annotations

import sys

from perplexity_detector.cli.base import Commands
from perplexity_detector.cli.options import parse_bool, parse_rate, parse_str
from perplexity_detector.logs import get_logger, timed


class PanCommand(Commands):
    """The command `pan`."""

    def pan(
        self,
        input_dir: str,
        output_dir: str,
        detector: str | None = None,
        lm: str | None = None,
        fpr: float | None = None,
        abstain: bool = True,
        device: str = "auto",
        precision: str | None = None,
    ) -> None:
        """Answer PAN's task "Voight-Kampff Generative AI Detection": jsonl in, jsonl out.

        Args:
            input_dir: folder of jsonl files with id and text, or one such file.
            output_dir: folder for predictions.jsonl, with id and label: the probability that a
                language model wrote the text, and exactly 0.5 if the verdict is uncertain.
            detector: auto, standard, fast or a folder; ./data/model, else auto, if not given.
            lm: folder of the detector's language model, if it was moved after training.
            fpr: false-positive rate of verdicts, from 0 to 1; the detector's if not given.
            abstain: leave uncertain texts unanswered; False gives their probability.
            device: auto, cpu or cuda.
            precision: float32, bfloat16, float16, int8 (CPU: faster, less exact), or auto:
                bfloat16 where that is faster and changes no verdict on a few texts, measured once
                on this machine; if not given, float32, or bfloat16 on a GPU that has it.
        """
        self._log(
            "pan",
            {"input_dir": input_dir, "output_dir": output_dir, "detector": detector, "lm": lm}
            | {"fpr": fpr, "abstain": abstain, "device": device, "precision": precision},
        )
        rate, abstain = None if fpr is None else parse_rate(fpr), parse_bool("abstain", abstain)
        with timed(get_logger(), "pan") as counts:
            from perplexity_detector.pipelines import pan

            files = pan.input_files(str(input_dir))
            loaded = self._load_detector(parse_str(detector), lm, rate, device, precision)
            labels = [
                label
                for some in pan.answer(files, loaded, str(output_dir), abstain)
                for label in some
            ]
            counts["rows"] = len(labels)
        unanswered = labels.count(pan.UNANSWERED)
        print(
            f"{len(labels)} texts, {unanswered} of them unanswered. "
            f"Answers: {output_dir}/{pan.ANSWERS}",
            file=sys.stderr,
        )
