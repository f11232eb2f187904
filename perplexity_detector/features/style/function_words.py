"""Words that carry style rather than topic, and how often a text uses them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from perplexity_detector.features.series import per_hundred


def word_list(words: str) -> tuple[str, ...]:
    """Split a string into its words."""
    return tuple(words.split())


#: Common function words, each a feature (Mosteller and Wallace 1964). Pronouns are counted only in
#: groups, since a text's task affects them more than its author does.
SINGLE_WORDS = word_list(
    "the a an and or but if because so as while although of to in for on at by with from into "
    "about through between without is are was were be been has have had do can could will would "
    "may might should must this that these those which who what when where how there here all "
    "some many more most other such no not only also just very too even then than still"
)

#: Closed classes of words: group -> (label, words).
_CLASSES = {
    "first_person_singular": ("use of I, me and my", "i me my mine myself"),
    "first_person_plural": ("use of we, us and our", "we us our ours ourselves"),
    "second_person": ("use of you and your", "you your yours yourself yourselves"),
    "third_person": (
        "use of he, she, it and they",
        "he him his himself she her hers herself it its itself they them their theirs themselves",
    ),
    "indefinite_pronouns": (
        "use of someone, everything and their kind",
        "someone somebody something anyone anybody anything everyone everybody everything "
        "nobody nothing one",
    ),
    "articles": ("use of articles", "a an the"),
    "prepositions": (
        "use of prepositions",
        "about above across after against along among amongst around as at before behind below "
        "beneath beside besides between beyond by despite down during except for from in inside "
        "into like near of off on onto out outside over past per regarding since through "
        "throughout to toward towards under until up upon via with within without",
    ),
    "coordinators": ("use of and, or, but and their kind", "and or but nor yet so"),
    "subordinators": (
        "use of because, although and their kind",
        "although because if once since though unless until when whenever where whereas wherever "
        "whether while whilst that",
    ),
    "auxiliaries": (
        "use of be, have and do",
        "am is are was were be been being have has had having do does did doing done",
    ),
    "modals": (
        "use of can, should, would and their kind",
        "can could may might must shall should will would ought",
    ),
    "negations": (
        "use of negations",
        "no not never none nothing nobody nowhere nor neither cannot hardly barely",
    ),
    "quantifiers": (
        "use of some, many, every and their kind",
        "all any both each either enough every few less little lots many more most much plenty "
        "several some various numerous countless",
    ),
}
#: Words of attitude; these are also content words.
_ATTITUDES = {
    "hedges": (
        "use of hedges such as perhaps and seems",
        "perhaps maybe possibly probably likely unlikely seem seems seemed seemingly appear "
        "appears appeared apparently somewhat fairly rather quite almost nearly roughly "
        "generally usually often sometimes typically largely mostly relatively tend tends "
        "suggest suggests think believe guess suppose",
    ),
    "boosters": (
        "use of boosters such as really and definitely",
        "very really definitely certainly clearly obviously absolutely completely totally "
        "extremely truly indeed always never surely highly undoubtedly simply literally actually",
    ),
    "importance": (
        "use of words of importance such as crucial and significant",
        "crucial essential vital significant significantly important importantly importance key "
        "profound profoundly fundamental integral pivotal remarkable notable notably invaluable "
        "powerful valuable meaningful",
    ),
    "vague_words": (
        "use of vague words such as thing and stuff",
        "thing things stuff kind sort lot lots bit way ways okay ok basically anyway etc",
    ),
}
#: Connectives of one or more words: group -> (label, phrases).
_CONNECTIVES = {
    "adding": (
        "use of adding connectives such as moreover",
        "moreover, furthermore, additionally, besides, likewise, similarly, equally, in addition, "
        "what is more, not only",
    ),
    "contrasting": (
        "use of contrasting connectives such as however",
        "however, nevertheless, nonetheless, conversely, whereas, instead, otherwise, despite, "
        "in contrast, by contrast, on the other hand, on the contrary, even though, rather than",
    ),
    "causal": (
        "use of causal connectives such as therefore",
        "therefore, thus, hence, consequently, accordingly, thereby, as a result, because of, "
        "due to, for this reason, that is why",
    ),
    "ordering": (
        "use of ordering connectives such as firstly",
        "first, firstly, second, secondly, third, thirdly, next, finally, lastly, meanwhile, "
        "first of all, to begin with, last but not least",
    ),
    "illustrating": (
        "use of illustrating connectives such as for example",
        "specifically, particularly, especially, namely, for example, for instance, such as, "
        "in particular, in fact, in other words",
    ),
    "concluding": (
        "use of concluding connectives such as in conclusion",
        "overall, ultimately, altogether, in conclusion, to conclude, in summary, to summarize, "
        "to sum up, in short, in the end, all in all, at the end of the day",
    ),
}
_IRREGULAR_NEGATIONS = {"can't": "can", "won't": "will", "shan't": "shall", "ain't": "is"}

#: Group -> its words.
GROUPS = {
    name: frozenset(word_list(members)) for name, (_, members) in (_CLASSES | _ATTITUDES).items()
}

LABELS = {
    **{f"word_{word}": f'use of the word "{word}"' for word in SINGLE_WORDS},
    **{name: label for name, (label, _) in (_CLASSES | _ATTITUDES).items()},
    **{f"connectives_{name}": label for name, (label, _) in _CONNECTIVES.items()},
    "connectives": "use of connectives of all kinds",
    "content_words": "share of words that carry content",
}

_FUNCTION_WORDS = frozenset(SINGLE_WORDS).union(*(GROUPS[name] for name in _CLASSES))


def _phrases_by_first_word() -> dict[str, list[tuple[list[str], str]]]:
    """First word -> its (phrase, group) pairs, so that most words need one look-up."""
    index: dict[str, list[tuple[list[str], str]]] = {}
    for group, (_, members) in _CONNECTIVES.items():
        for phrase in members.split(", "):
            index.setdefault(phrase.split()[0], []).append((phrase.split(), group))
    return index


def _groups_by_word() -> dict[str, list[str]]:
    """Word -> the groups that contain it; faster than searching every group for every word."""
    index: dict[str, list[str]] = {}
    for group, members in GROUPS.items():
        for word in members:
            index.setdefault(word, []).append(group)
    return index


_PHRASES = _phrases_by_first_word()
_GROUPS_OF = _groups_by_word()


def function_word_rates(words: Sequence[str]) -> dict[str, float]:
    """Occurrences per 100 words, from 0, of the words and phrases of `LABELS`.

    Contractions are undone first: "don't" counts as "do" and "not", "they've" as "they".
    `content_words` is the share of words, in [0, 1], that are in no closed class.

    Args:
        words: in lower case, in order.
    """
    total = len(words)
    expanded = [component for word in words for component in undo_contraction(word)]
    counts = Counter(expanded)
    connectives = Counter(
        group
        for index, word in enumerate(words)
        if word in _PHRASES and (group := connective_at(words, index)) is not None
    )
    group_counts: Counter[str] = Counter()
    for word, count in counts.items():
        for group in _GROUPS_OF.get(word, ()):
            group_counts[group] += count
    content = sum(count for word, count in counts.items() if word not in _FUNCTION_WORDS)
    return {
        **{f"word_{word}": per_hundred(counts.get(word, 0), total) for word in SINGLE_WORDS},
        **{name: per_hundred(group_counts[name], total) for name in GROUPS},
        **{f"connectives_{name}": per_hundred(connectives[name], total) for name in _CONNECTIVES},
        "connectives": per_hundred(connectives.total(), total),
        "content_words": content / max(1, len(expanded)),
    }


def connective_at(words: Sequence[str], index: int) -> str | None:
    """The group of the connective that starts at an index, or None.

    Example:
        >>> connective_at(["on", "the", "other", "hand"], 0)
        'contrasting'
    """
    for phrase, group in _PHRASES.get(words[index], ()):
        if list(words[index : index + len(phrase)]) == phrase:
            return group
    return None


def undo_contraction(word: str) -> list[str]:
    """Split a contraction in lower case into the words that the lists above contain.

    Example:
        >>> undo_contraction("won't"), undo_contraction("we've"), undo_contraction("tree")
        (['will', 'not'], ['we'], ['tree'])
    """
    if "'" not in word:
        return [word]
    if word.endswith("n't"):
        return [_IRREGULAR_NEGATIONS.get(word, word[:-3]), "not"]
    return [word.split("'", 1)[0]]
