"""Odd texts: markup, look-alikes, marks, halves of characters, and plain words between."""

import random
from collections.abc import Iterator

#: What uncovers something else when it is removed, and plain text between.
ATOMS = [
    "> ", "# ", "- ", "1. ", "***", "**", "*", "_", "__", "~~", "`", "```\n", "\n", "\n\n", " ",
    "\t", "a", "word", "tHe", "[", "](", ")", "!", "&amp;", "&", "amp;", "lt;", "&#62;", "''",
    "'", '"', "\\", "\\n", "\\r", " n't", "'s", ",", ".", "\u0301", "\u200b", "\ud800", "а", "ﬁ",
    "Ａ", "…", "—", "•", "---", "\u00a0", "\u2028", "＆", "＞", "＃", "＊", "＿", "～", "\x1c",
    "\x85", "İ", "ſ", "&#x26;", "&nbsp;",
]  # fmt: skip


def odd_texts(number: int, seed: int = 0) -> Iterator[str]:
    """Texts of up to 40 atoms, some of them repeated."""
    draw = random.Random(seed)
    for _ in range(number):
        atoms = draw.choices(ATOMS, k=draw.randint(1, 40))
        yield "".join(atom * draw.choice([1, 1, 1, 2, 9]) for atom in atoms)
