"""PausedReading: a pass over texts that stops after some blocks, and goes on for some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perplexity_detector.lm.llama import Llama
from perplexity_detector.lm.outputs import ModelOutput
from perplexity_detector.lm.read_jobs import ResidualStream
from perplexity_detector.lm.scorer import LanguageModelScorer


class PausedReading:
    """A pass over texts that stops after some blocks, and goes on for some of the texts.

    What it has made of every token stays in memory, 4 bytes times the model's width each. Those
    who go on are put in batches of their own: nothing is computed for the others. A scorer of the
    first blocks alone can begin, so that the others are loaded when a text goes on, if any does.

    Args:
        scorer: one that `can_pause`, of these layers at least.
        texts: any strings, read as they are.
        layers: numbers of blocks after which hidden states are taken, increasing; the pass stops
            after the last of them.

    Attributes:
        outputs: the hidden states of each text so far.
    """

    def __init__(
        self, scorer: LanguageModelScorer, texts: Sequence[str], layers: Sequence[int]
    ) -> None:
        self._texts = texts
        self._stream = ResidualStream(layers[-1])
        job = replace(scorer.read_job(texts, layers, statistics=False), stop=self._stream)
        (self.outputs,) = scorer.stream([job])

    def go_on(
        self,
        scorer: LanguageModelScorer,
        chosen: Sequence[int],
        layers: Sequence[int],
        statistics: bool = True,
    ) -> list[ModelOutput]:
        """Read the chosen texts to the end of the model.

        Args:
            scorer: of the whole model, in the precision in which it was begun.
            chosen: their indices.
            layers: numbers of further blocks after which hidden states are taken, increasing.
            statistics: whether to compute the statistics.

        Returns:
            One ModelOutput for each chosen text, in order, with the hidden states of all layers.
        """
        job = scorer.read_job([self._texts[i] for i in chosen], layers, statistics)
        (outputs,) = scorer.stream([replace(job, start=self._stream.of_texts(chosen))])
        return [
            _joined(self.outputs[index], output)
            for index, output in zip(chosen, outputs, strict=True)
        ]


def can_pause(scorer: object) -> bool:
    """Whether a scorer's passes can stop and go on: those of plain torch, without a cache."""
    return isinstance(scorer, LanguageModelScorer) and isinstance(scorer.model, Llama)


def _joined(first: ModelOutput, deeper: ModelOutput) -> ModelOutput:
    if first.states is None or deeper.states is None:
        return deeper._replace(states=first.states)
    return deeper._replace(states=first.states.and_deeper(deeper.states))
