"""Attacked copies of training texts, so that a detector learns to ignore the attacks."""

from __future__ import annotations

import pandas as pd

from perplexity_detector.augmentation.attacks import attack, seeded_random
from perplexity_detector.text import crop

#: Attacks that the canonical form does not undo and that change features.
AUGMENTATIONS = ("upper_lower", "misspelling", "article_deletion", "synonym")
#: Default share of training texts that get an attacked copy.
AUGMENTATION_RATE = 1 / 3


def augment(
    frame: pd.DataFrame,
    share: float = AUGMENTATION_RATE,
    max_words: int | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Copies of some of the texts, each changed by one of `AUGMENTATIONS`.

    Human and generated texts are chosen with the same probability, so slips do not point to a
    class. The choice of texts and attacks depends only on ids, texts and seed.

    Args:
        frame: columns id and text; texts are not in canonical form.
        share: share of the texts, in [0, 1].
        max_words: texts are first cut to twice this many words; None keeps their length.
        seed: seed of the choice.

    Returns:
        The chosen rows with changed texts, without those that the attack did not change.
    """
    texts: dict[int, str] = {}
    for index, (text_id, text) in enumerate(zip(frame["id"], frame["text"], strict=True)):
        # "disguised" is part of the seed: a new word would change the training sample
        random = seeded_random(seed, "disguised", text_id)
        if random.random() < share:
            original = crop(text, 2 * max_words) if max_words else text
            attacked = attack(original, random.choice(AUGMENTATIONS), seed)
            if attacked != original:
                texts[index] = attacked
    return frame.iloc[list(texts)].assign(text=list(texts.values()))
