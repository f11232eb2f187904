import pandas as pd

from perplexity_detector.augmentation.attacks import attack
from perplexity_detector.augmentation.augment import AUGMENTATIONS, augment

TEXT = "The committee believes that a government should definitely receive the good advice. "
FRAME = pd.DataFrame(
    {"id": [f"t{i}" for i in range(300)], "text": TEXT * 4, "generated": [0, 1] * 150}
)


def test_a_share_of_the_texts_is_disguised_both_classes_alike():
    copies = augment(FRAME, 1 / 3)
    assert 70 < len(copies) < 130
    assert 0.35 < copies["generated"].mean() < 0.65
    assert set(copies["text"]) <= {attack(TEXT * 4, name) for name in AUGMENTATIONS}
    assert copies["text"].nunique() == len(AUGMENTATIONS)
    assert (copies["text"] != FRAME["text"][copies.index]).all()


def test_which_texts_are_disguised_depends_on_their_ids_alone():
    copies = augment(FRAME, 1 / 3)
    later = augment(FRAME.iloc[::-1], 1 / 3)
    pd.testing.assert_frame_equal(copies.sort_index(), later.sort_index())
    assert augment(FRAME, 1 / 3, seed=1)["id"].tolist() != copies["id"].tolist()


def test_shares_at_the_ends():
    assert augment(FRAME, 0.0).empty
    assert len(augment(FRAME, 1.0)) == len(FRAME)
    assert augment(FRAME[:50].assign(text="42!"), 1.0).empty


def test_long_texts_are_cut_before():
    copies = augment(FRAME, 1.0, max_words=10)
    assert max(len(text.split()) for text in copies["text"]) <= 20
