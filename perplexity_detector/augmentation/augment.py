"""Disguised copies of training texts, so that a disguise says nothing of who wrote a text."""

from __future__ import annotations

import pandas as pd

from perplexity_detector.augmentation.attacks import attack, seeded_random
from perplexity_detector.text import crop

#: Disguises that the canonical form does not undo and that change what is measured.
AUGMENTATIONS = ("upper_lower", "misspelling", "article_deletion", "synonym")
#: Share of training texts of which there is a disguised copy, if nothing else is asked for.
AUGMENTATION_RATE = 1 / 3


def augment(
    frame: pd.DataFrame,
    share: float = AUGMENTATION_RATE,
    max_words: int | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Copies of a share of the texts, each under one of `AUGMENTATIONS`.

    People's texts are disguised as often as models', so that a model's text with a person's
    slips is still a model's. Which texts, and how, depends on nothing but their ids.

    Args:
        frame: columns id and text, as they come, not canonical.
        share: of the texts, in [0, 1].
        max_words: what is beyond twice so many words is cut before a text is disguised.
        seed: another seed, other texts and disguises.

    Returns:
        The chosen rows, with other texts; those that a disguise leaves as they were are left out.
    """
    texts: dict[int, str] = {}
    for place, (name, text) in enumerate(zip(frame["id"], frame["text"], strict=True)):
        random = seeded_random(seed, "disguised", name)
        if random.random() < share:
            plain = crop(text, 2 * max_words) if max_words else text
            other = attack(plain, random.choice(AUGMENTATIONS), seed)
            if other != plain:
                texts[place] = other
    return frame.iloc[list(texts)].assign(text=list(texts.values()))
