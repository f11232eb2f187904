"""What a scorer cannot be made of, each in one sentence."""

import pytest
import torch
import transformers

from perplexity_detector.errors import InputError, LanguageModelError
from perplexity_detector.lm.scorer import LanguageModelScorer


@pytest.mark.parametrize("device", ["tpu9", "meta", "cuda:99", 99])
def test_devices_that_are_not_there(tiny_gpt2, device):
    with pytest.raises(InputError, match=r"no device .*: use device=auto, cpu or cuda\."):
        LanguageModelScorer(str(tiny_gpt2), device=device)


@pytest.mark.parametrize("precision", ["int4", "float8_e4m3fn", "half a float", 16])
def test_precisions_that_are_not_there(tiny_gpt2, precision):
    with pytest.raises(InputError, match=r"no precision .*use auto, float32, bfloat16, float16"):
        LanguageModelScorer(str(tiny_gpt2), precision=precision)


def test_a_model_that_sees_both_ways_is_refused(save_model):
    config = transformers.BertConfig(
        vocab_size=512,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        initializer_range=0.5,
    )
    folder = save_model(transformers.BertLMHeadModel(config))
    with pytest.raises(LanguageModelError, match="sees the words it should predict"):
        LanguageModelScorer(str(folder))


def test_numbers_that_are_not_finite_are_refused(save_model, tiny_llama):
    model = transformers.LlamaForCausalLM.from_pretrained(tiny_llama)
    with torch.no_grad():
        model.lm_head.weight.mul_(1e6)
    folder = save_model(model)
    with pytest.raises(LanguageModelError, match=r"not finite in float16: use another precision"):
        LanguageModelScorer(str(folder), precision="float16")
