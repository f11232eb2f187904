"""Frequent errors of learners of English, inserted one kind at a time: a stress set."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from random import Random
from typing import NamedTuple

from perplexity_detector.augmentation.attacks import (
    Edit,
    apply_edits,
    article_deletions,
    match_case,
    replacement,
    sample_fraction,
    seeded_random,
    words_with_offsets,
)
from perplexity_detector.augmentation.word_tables import MISSPELLINGS, SIMPLER_WORDS, choices
from perplexity_detector.errors import InputError

#: Finds the edits by which errors of one kind can enter a text.
Finder = Callable[[str, Random], Iterator[Edit]]
#: Errors per word in essays of intermediate learners.
RATE = 1 / 15


def _set(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_THIRD_PERSONS = _set("he she it everyone everybody someone somebody nobody")
_PLURALS = _set("we they people students children teachers parents friends")
_SUBJECTS = _THIRD_PERSONS | _PLURALS | {"i", "you"}
_INVERTING = _set(  # "do they", "to help them": no form of a verb follows that subject
    "to of for with in on at about than as do does did don't doesn't didn't can could will would "
    "shall should may might must let lets make makes made help helps helped see saw have has had "
    "is are was were be been got"
)
_AUXILIARIES = _set("have has had is are was were be been being am get got i've we've they've not")
_NO_SUBJECTS = _set(
    "a an the my your his her our their its this these those some any no of in on at to for with "
    "by from as than and or very so too more most all each every will would can could if"
)
_NO_NOUNS = _NO_SUBJECTS | _AUXILIARIES | _SUBJECTS
_OF_SINGULARS = {"has": "have", "does": "do", "doesn't": "don't", "goes": "go"}
_OF_PLURALS = {"have": "has", "don't": "doesn't", "are": "is", "were": "was"}
_PLURAL_NOUN = re.compile(r"[a-z]{3,}[^\Wsui]s")
_NO_VERBS = _set(
    "always perhaps sometimes towards unless less across years months weeks days hours minutes"
)
_PAST = choices(
    "become:became begin:began break:broke bring:brought build:built buy:bought catch:caught "
    "choose:chose come:came do:did drink:drank drive:drove eat:ate fall:fell feel:felt find:found "
    "forget:forgot get:got give:gave go:went grow:grew have:had hear:heard keep:kept know:knew "
    "leave:left lose:lost make:made pay:paid run:ran say:said see:saw send:sent sleep:slept "
    "speak:spoke spend:spent take:took teach:taught tell:told think:thought understand:understood "
    "wear:wore write:wrote agree:agreed arrive:arrived ask:asked believe:believed call:called "
    "change:changed decide:decided enjoy:enjoyed help:helped learn:learned like:liked "
    "listen:listened live:lived look:looked love:loved move:moved need:needed play:played "
    "start:started stop:stopped study:studied talk:talked try:tried use:used wait:waited "
    "walk:walked want:wanted watch:watched work:worked"
)
_PRESENT = {past: base for base, (past,) in _PAST.items()} | {"was": "is", "were": "are"}
_NO_PARTICIPLES = _set(  # these pasts never follow "have", nor a noun that they describe
    "was were became began broke came chose did drank drove ate fell forgot gave went grew knew "
    "ran saw spoke took wore wrote"
)
_OVERREGULAR = choices(
    "bought:buyed came:comed chose:choosed drove:drived ate:eated fell:falled felt:feeled "
    "gave:gived knew:knowed ran:runned said:sayed slept:sleeped spoke:speaked spent:spended "
    "took:taked taught:teached told:telled thought:thinked understood:understanded wrote:writed"
)
_COUNTED = _set("lot few little bit couple number hundred thousand while")  # after "a"
_WITHOUT_ARTICLE = _set(
    "life society nature education technology people children students money happiness love "
    "school university work music sport sports health science history teachers parents"
)
_BEFORE_ABSTRACT = _set("of in for about with to by on like that because and but from when if")
_DETERMINERS = _set("the a an my your his her our their this that these those")
_ONE_ANOTHER = {"in": ["on", "at"], "on": ["in", "at"], "at": ["in", "on"]}
# a word, the preposition that belongs to it, and those that learners take; - for none
_AFTER_WORDS = choices(
    "depend+on:of/from depends+on:of/from depending+on:of focus+on:in focused+on:in based+on:in "
    "interested+in:on/for good+at:in/on listen+to:- arrive+at:to arrived+in:to married+to:with "
    "consist+of:in according+to:with full+of:with different+from:of/to think+about:in/on "
    "think+of:in wait+for:- look+at:- looking+for:- responsible+for:of afraid+of:from/by "
    "spent+on:in used+to:for important+for:to agree+with:to effect+on:in"
)
_WITHOUT_PREPOSITION = choices(
    "discuss:about enter:in/to reach:to/at ask:to marry:with discussed:about"
)
_BEFORE_PURPOSE = _set("time money opportunity chance important necessary possible easy ready")
_SPELLINGS = {  # letters in another order are a typist's slips, but for those that follow
    word: heard
    for word, others in MISSPELLINGS.items()
    if (heard := [other for other in others if sorted(other) != sorted(word)])
    and word not in {"your", "you're", "its", "it's", "our", "they're"}  # native speakers' errors
} | choices(
    "because:becouse/becaus/becose believe:belive/beleve beautiful:beatiful/beautifull "
    "friend:freind/frend friends:freinds/frends than:then then:than to:too too:to want:whant "
    "through:trough/throw though:tough people:peaple/pepole different:diferent/diffrent "
    "especially:specially/especialy receive:recive/recieve know:now life:live live:life "
    "lives:lifes language:languaje/lenguage example:exemple quiet:quite always:allways/alway "
    "comfortable:confortable problem:probleme would:whould should:shoud things:thinks think:thing "
    "everybody:every_body with:whit without:whitout which:wich their:thier/there there:their"
)
_SLIPS = [  # for words in no table: a letter once instead of twice, and endings by ear
    (re.compile(r"([cflmnprst])\1(?=[aeiouy])"), r"\1"),
    (re.compile(r"ful$"), "full"),
    (re.compile(r"ely$"), "ly"),
    (re.compile(r"(?<=[lnt])ence$"), "ance"),
]


# --- where errors fit -----------------------------------------------------------------------


class Place(NamedTuple):
    """A word, where it starts, and its neighbours in lower case; "" across punctuation."""

    start: int
    word: str
    second_before: str
    before: str
    after: str


def _places(text: str) -> Iterator[Place]:
    found = words_with_offsets(text)
    joined = [
        text[start + len(word) : after] == " " for (start, word), (after, _) in pairwise(found)
    ]
    lowered = [word.lower() for _, word in found]
    for index, (start, word) in enumerate(found):
        before = lowered[index - 1] if index > 0 and joined[index - 1] else ""
        second = lowered[index - 2] if before and index > 1 and joined[index - 2] else ""
        after = lowered[index + 1] if index < len(joined) and joined[index] else ""
        yield Place(start, word, second, before, after)


def articles(text: str, random: Random) -> Iterator[Edit]:
    """Articles missing, superfluous or wrong."""
    del random
    yield from article_deletions(text)
    for start, word, _, before, after in _places(text):
        stop = start + len(word)
        if word.lower() == "an":
            yield Edit(start, stop, word[0])
        elif word.lower() == "a" and after and after not in _COUNTED:
            yield Edit(start, stop, match_case(word, "the"))
        elif word in _WITHOUT_ARTICLE and before in _BEFORE_ABSTRACT:
            yield Edit(start, start, "the ")
        elif word.istitle() and word.lower() in _WITHOUT_ARTICLE and not before and after:
            yield Edit(start, stop, f"The {word.lower()}")


def agreement(text: str, random: Random) -> Iterator[Edit]:
    """Verbs that do not agree with their subject: he go, they goes, people is."""
    del random
    for start, word, second, subject, _ in _places(text):
        verb = word.lower()
        plural = _PLURAL_NOUN.fullmatch(subject) and subject not in _NO_VERBS
        if not subject or second in _INVERTING or subject in {"i", "you"}:
            continue
        if (
            (plural and verb in _OF_PLURALS)
            or subject in _PLURALS
            or (subject, verb) == ("there", "are")
        ):
            new = _with_s(verb)
        elif subject in _THIRD_PERSONS or verb in {"has", "doesn't"}:
            new = _without_s(verb)
        else:
            continue
        if new not in {verb, "likes"}:  # people like me
            yield replacement(text, start, word, new)


def _without_s(verb: str) -> str:
    if verb in _OF_SINGULARS:
        return _OF_SINGULARS[verb]
    if verb in _NO_VERBS or not re.fullmatch(r"[a-z]{3,}[^s\W]s", verb):
        return verb
    return verb[:-3] + "y" if verb.endswith("ies") else re.sub(r"(?<=sh|ch|ss)es$|s$", "", verb)


def _with_s(verb: str) -> str:
    if verb in _OF_PLURALS:
        return _OF_PLURALS[verb]
    if verb not in _PAST:
        return verb
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + ("es" if re.search(r"(?:s|sh|ch|x|o)$", verb) else "s")


def tense(text: str, random: Random) -> Iterator[Edit]:
    """Present for past and past for present, regular forms of irregular verbs, "didn't went"."""
    for start, word, second, before, _ in _places(text):
        verb = word.lower()
        after_did = before == "didn't" or (second, before) == ("did", "not")
        after_subject = before in _SUBJECTS and second not in _INVERTING
        after_noun = bool(before) and before not in _NO_NOUNS
        if verb in _PAST and (after_did or after_subject):
            yield replacement(text, start, word, *_PAST[verb])
        elif verb in _PRESENT and (after_subject or (after_noun and verb in _NO_PARTICIPLES)):
            if verb == "were" and before in _THIRD_PERSONS | {"i"}:  # if I were you
                continue
            forms = [*_OVERREGULAR.get(verb, []), _PRESENT[verb], _PRESENT[verb]]
            new = "am" if (before, verb) == ("i", "was") else random.choice(forms)
            yield replacement(text, start, word, new)


def prepositions(text: str, random: Random) -> Iterator[Edit]:
    """Prepositions wrong, superfluous or missing."""
    for start, word, _, before, after in _places(text):
        stop = start + len(word)
        lowered = word.lower()
        if options := _AFTER_WORDS.get(f"{before}+{lowered}"):
            new = random.choice(options)
            yield Edit(start - 1, stop, "") if new == "-" else Edit(start, stop, new)
        elif lowered in _ONE_ANOTHER and after in _DETERMINERS:
            new = random.choice(_ONE_ANOTHER[lowered])
            yield Edit(start, stop, match_case(word, new))
        elif lowered in _WITHOUT_PREPOSITION and after in _DETERMINERS:
            yield Edit(stop, stop, " " + random.choice(_WITHOUT_PREPOSITION[lowered]))
        elif lowered == "to" and before in _BEFORE_PURPOSE and after in _PAST:
            yield Edit(start, stop, "for")


def spelling(text: str, random: Random) -> Iterator[Edit]:
    """Words written as they sound, or as in another language."""
    for start, word in words_with_offsets(text):
        lowered = word.lower()
        if lowered in _SPELLINGS:
            yield replacement(text, start, word, random.choice(_SPELLINGS[lowered]))
        elif len(word) > 6 and not word[0].isupper():  # a name has its own spelling
            slips = [slip.sub(new, word, count=1) for slip, new in _SLIPS if slip.search(word)]
            if slips:
                yield Edit(start, start + len(word), random.choice(slips))


def simpler_words(text: str, random: Random) -> Iterator[Edit]:
    """Simple words instead of those that a learner does not know yet; not errors."""
    for start, word in words_with_offsets(text):
        if word.lower() in SIMPLER_WORDS:
            yield replacement(text, start, word, random.choice(SIMPLER_WORDS[word.lower()]))


# --- by name --------------------------------------------------------------------------------

_KINDS = (articles, agreement, tense, prepositions, spelling, simpler_words)


def _with(find: Finder, text: str, random: Random, rate: float) -> str:
    fitting = sorted(find(text, random))
    wanted = rate * len(words_with_offsets(text))
    return apply_edits(
        text, sample_fraction(fitting, min(1.0, wanted / max(1, len(fitting))), random)
    )


def _with_all(text: str, random: Random, rate: float) -> str:
    for find in _KINDS:
        text = _with(find, text, random, rate / len(_KINDS))
    return text


#: Kind of error -> function that inserts it at a rate per word; `all` combines the kinds.
ERRORS: dict[str, Callable[[str, Random, float], str]] = {
    **{find.__name__: partial(_with, find) for find in _KINDS},
    "all": _with_all,
}


def with_errors(text: str, kind: str, seed: int = 0, rate: float = RATE) -> str:
    """Insert errors of one kind, as a learner of English would make them.

    Args:
        text: any string.
        kind: one of `ERRORS`.
        seed: of the choice of errors; the same seed gives the same text on every machine.
        rate: errors per word, as far as the text has room for them; at least one if it has any.

    Returns:
        The text with errors; unchanged if none fits.

    Raises:
        InputError: the kind is unknown.

    Example:
        >>> with_errors("He goes home.", "agreement")
        'He go home.'
    """
    if kind not in ERRORS:
        raise InputError(f'There is no kind of error "{kind}"; choose one of {", ".join(ERRORS)}.')
    return ERRORS[kind](text, seeded_random(seed, kind, text), rate)
