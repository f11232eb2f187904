"""Rules: which texts match which, and the reasons they give."""

from perplexity_detector.detectors.baselines.rules import RULES, Rule, rules_met
from perplexity_detector.features.document import Document

GENERATED = (
    "Education remains a crucial foundation for opportunity, innovation, and development. "
    "Moreover, institutions provide essential guidance, structure, and encouragement. "
    "Furthermore, communities benefit significantly from participation and collaboration. "
    "In conclusion, sustained investment guarantees meaningful improvement."
)
PERSON = (
    "I missed the bus. So my brother and I walked home in the rain, which he didn't mind at all "
    "since he had boots on and I had the thin shoes. We laughed. My mum wasn't happy."
)


def names_of_matches(text):
    flags = rules_met(Document(text))
    return {rule.name for rule, flag in zip(RULES, flags, strict=True) if flag}


def test_each_rule_has_a_limit_and_a_sentence():
    assert len({rule.name for rule in RULES}) == len(RULES) == 8
    for rule in RULES:
        assert (rule.minimum is None) != (rule.maximum is None)
        assert rule.sentence
    rule = Rule("a", "b", None, 2.0, "c")
    assert [rule.matches(value) for value in (1.9, 2.0, 2.1)] == [True, True, False]


def test_which_rules_a_text_matches():
    assert names_of_matches(GENERATED) == {rule.name for rule in RULES}
    assert names_of_matches(PERSON) == set()
    assert names_of_matches("") == {"contractions", "evenness", "impersonal"}


def test_the_score_is_the_number_of_rules_matched(fitted):
    model = fitted("rules")
    assert model.decision_function([GENERATED, PERSON]).tolist() == [8, 0]
    assert model.predict_proba([GENERATED])[0, 1] > model.predict_proba([PERSON])[0, 1]
    why = model.assess([GENERATED, PERSON])["why"].tolist()
    assert why == ["; ".join(rule.sentence for rule in RULES), "meets no rule"]
