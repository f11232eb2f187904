import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from perplexity_detector.errors import InputError, LanguageModelError
from perplexity_detector.features import extractor as module
from perplexity_detector.features.document import Document
from perplexity_detector.features.extractor import FeatureExtractor
from perplexity_detector.features.registry import FAMILIES
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.text import canonicalise
from tests.labelled import LIGHT, two_styles

TEXTS = [
    "“One” text — with *marks*. It has two sentences!",
    "And another one, which isn't long.",
    "Third.",
]


def light(**settings):
    return FeatureExtractor(families=LIGHT, **settings)


# --- the table ------------------------------------------------------------------------------


def test_columns_are_those_of_the_families_in_the_order_asked_for():
    names = FeatureExtractor(families=["compression", "stylometry"]).get_feature_names_out()
    assert names.dtype == object
    assert list(names) == (
        FAMILIES["compression"].feature_names + FAMILIES["stylometry"].feature_names
    )
    everything = FeatureExtractor().get_feature_names_out()
    assert len(set(everything)) == len(everything)
    assert list(dict.fromkeys(name.split("_")[0] for name in everything)) == list(FAMILIES)


def test_values_are_those_of_each_family_for_the_canonical_text():
    table = light().transform(TEXTS)  # without fit
    assert table.dtype == np.float64
    assert np.isfinite(table).all()
    for row, text in zip(table, TEXTS, strict=True):
        document = Document(canonicalise(text))
        assert row.tolist() == [
            value for name in LIGHT for value in FAMILIES[name].values(document)
        ]


def test_canonical_form_can_be_left_out():
    text = "“Smаrt” quotes"
    assert light().read_documents([text])[0].text == '"Smart" quotes'
    assert light(canonical=False).read_documents([text])[0].text == text


def test_no_texts_make_a_table_without_rows():
    extractor = light()
    assert extractor.transform([]).shape == (0, len(extractor.get_feature_names_out()))


def test_empty_and_odd_texts_have_full_rows():
    table = light().transform(["", " ", "\0", "\ud800", "。" * 50, "a" * 5000])
    assert np.isfinite(table).all()


# --- what is given --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "texts",
    [
        tuple(TEXTS),
        pd.Series(TEXTS, index=[7, 5, 3]),
        pd.Series(TEXTS, dtype=object),
        np.array(TEXTS),
        np.array(TEXTS, object),
        (text for text in TEXTS),
    ],
    ids=["tuple", "series", "object series", "array", "object array", "generator"],
)
def test_texts_in_any_container(texts):
    np.testing.assert_array_equal(light().transform(texts), light().transform(TEXTS))


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ("One text.", r"One string was given .*: write \[text\]"),
        (["One.", None], "Text number 1 is a NoneType, not a string; leave out or fill in"),
        (["One.", float("nan")], "Text number 1 is a float"),
        (pd.Series(["One.", None, "Two."]), "Text number 1 is a "),
        ([b"One."], "Text number 0 is a bytes"),
        (b"One.", "Text number 0 is a int"),
        (pd.DataFrame({"text": TEXTS}), "A DataFrame was given .* give the column of texts"),
        (np.array([TEXTS]), "A ndarray was given"),
        (np.array("One."), "A ndarray was given"),
        (None, "A NoneType was given"),
        (3, "A int was given"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(texts, sentence):
    with pytest.raises(InputError, match=sentence):
        light().transform(texts)


@pytest.mark.parametrize(
    ("families", "sentence"),
    [
        (["stylometry", "typo"], "no feature family 'typo'; choose from perplexity, rank"),
        ([], "no feature family in an empty list; choose from"),
    ],
)
def test_families_that_do_not_exist(families, sentence):
    for use in (FeatureExtractor.fit, FeatureExtractor.transform):
        with pytest.raises(InputError, match=sentence):
            use(FeatureExtractor(families=families), TEXTS)


# --- as scikit-learn has it -----------------------------------------------------------------


def test_fit_returns_itself_and_nothing_needs_it():
    extractor = light()
    assert extractor.fit(TEXTS) is extractor
    check_is_fitted(light())
    np.testing.assert_array_equal(light().fit_transform(TEXTS), light().transform(TEXTS))


def test_data_frames_as_output():
    frame = light().set_output(transform="pandas").transform(pd.Series(TEXTS, index=list("abc")))
    assert list(frame.columns) == list(light().get_feature_names_out())
    assert frame.index.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(frame.to_numpy(), light().transform(TEXTS))


def test_settings_survive_clone_and_pickle():
    extractor = light(canonical=False, lm="elsewhere", batch_tokens=64)
    for other in (clone(extractor), pickle.loads(pickle.dumps(extractor))):
        assert other is not extractor
        assert other.get_params() == extractor.get_params()
        np.testing.assert_array_equal(other.transform(TEXTS), extractor.transform(TEXTS))
    assert extractor.set_params(canonical=True).canonical


@pytest.mark.parametrize("container", [list, np.array, pd.Series])
def test_in_a_pipeline_searched_over(container):
    texts, labels = two_styles(40)
    pipeline = make_pipeline(light(), StandardScaler(), LogisticRegression())
    search = GridSearchCV(
        pipeline,
        {"featureextractor__families": [["compression"], ["stylometry"]]},
        cv=2,
        error_score="raise",
    ).fit(container(texts), labels)
    assert search.best_score_ > 0.8
    assert len(search.predict(container(texts[:5]))) == 5


# --- with a language model ------------------------------------------------------------------


def test_documents_hold_the_output_of_the_language_model(tiny_gpt2, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_TEXTS", 2)
    extractor = FeatureExtractor(families=["perplexity", "stylometry"], lm=str(tiny_gpt2))
    documents = extractor.read_documents(TEXTS)
    texts = [canonicalise(text) for text in TEXTS]
    scored = LanguageModelScorer(str(tiny_gpt2)).score(texts)
    assert [document.text for document in documents] == texts
    for document, statistics in zip(documents, scored, strict=True):
        np.testing.assert_allclose(
            document.statistics.surprisal, statistics.surprisal, rtol=1e-4, atol=1e-4
        )
        np.testing.assert_array_equal(document.statistics.offsets, statistics.offsets)
    table = extractor.transform(TEXTS)
    assert np.isfinite(table).all()
    mean = list(extractor.get_feature_names_out()).index("perplexity_mean")
    expected = [statistics.surprisal.mean() for statistics in scored]
    np.testing.assert_allclose(table[:, mean], expected, rtol=1e-4)


def test_extractors_of_like_settings_share_a_language_model(tiny_gpt2, tmp_path):
    extractor = FeatureExtractor(lm=str(tiny_gpt2))
    assert clone(extractor).scorer() is extractor.scorer()
    families = FeatureExtractor(families=["rank"], lm=str(tiny_gpt2))
    assert families.scorer() is extractor.scorer()
    cached = FeatureExtractor(lm=str(tiny_gpt2), cache=str(tmp_path))
    assert cached.scorer() is not extractor.scorer()


def test_a_cache_gives_the_same_table_again(tiny_gpt2, tmp_path):
    extractor = FeatureExtractor(families=["rank"], lm=str(tiny_gpt2), cache=str(tmp_path))
    first = extractor.transform(TEXTS)
    assert list(tmp_path.rglob("*.safetensors"))
    np.testing.assert_array_equal(extractor.transform(TEXTS), first)


def test_a_language_model_is_asked_only_by_families_that_read_tokens(tmp_path):
    nowhere = str(tmp_path / "nowhere")
    assert len(light(lm=nowhere).transform(TEXTS)) == 3
    with pytest.raises(
        LanguageModelError, match=r"nowhere .*run `perplexity_detector\.lm\.pull\.pull"
    ):
        FeatureExtractor(families=["rank"], lm=nowhere).transform(TEXTS)


def test_silent_where_there_is_no_terminal(tiny_gpt2, capsys):
    FeatureExtractor(families=["rank"], lm=str(tiny_gpt2), progress=True).transform(TEXTS)
    assert capsys.readouterr() == ("", "")
