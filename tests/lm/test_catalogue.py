"""A name or a folder is found and loaded, or refused in one sentence."""

import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import transformers
from safetensors.numpy import load_file, save_file

from perplexity_detector.errors import LanguageModelError
from perplexity_detector.io.artefact_folder import PRETRAINED
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.weights import catalogue
from perplexity_detector.lm.weights.fingerprint import fingerprints, is_known, is_same_model
from perplexity_detector.lm.weights.gguf_convert import convert


@pytest.fixture
def cache_dir(tmp_path, monkeypatch):
    """A cache folder into which no model was pulled."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("PERPLEXITY_DETECTOR_HOME", str(folder))
    return folder


@pytest.fixture
def copy(tiny_gpt2, tmp_path):
    """A folder that may be damaged."""
    return shutil.copytree(tiny_gpt2, tmp_path / "copy")


@pytest.fixture
def packed(tiny_gguf, tmp_path):
    """Likewise, in packed form."""
    (tmp_path / "packed").mkdir()
    convert(tiny_gguf.file, tmp_path / "packed", "<|endoftext|>")
    return tmp_path / "packed"


def error_of(lm):
    with pytest.raises(LanguageModelError) as raised:
        LanguageModelScorer(str(lm))
    sentence = str(raised.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


# --- what is found --------------------------------------------------------------------------


def test_a_folder_of_transformers(tiny_gpt2, bpe):
    loaded = catalogue.load(str(tiny_gpt2))
    assert loaded.name == str(tiny_gpt2)
    digest = hashlib.sha256((tiny_gpt2 / "model.safetensors").read_bytes()).hexdigest()
    assert loaded.fingerprints[1] == f"sha256:{digest}"
    assert (loaded.bos_id, loaded.bos_candidates, loaded.context) == (0, (0,), 64)
    assert not loaded.model.training
    assert loaded.tokenizer.encode("It rains.").ids == bpe.encode("It rains.").ids


def test_first_tokens_in_order_of_likelihood(save_model, tiny_gpt2):
    model = transformers.GPT2LMHeadModel.from_pretrained(tiny_gpt2)
    model.config.bos_token_id = model.config.eos_token_id = None
    folder = save_model(model, bos_token="<|im_start|>", eos_token="<|im_end|>")
    loaded = catalogue.load(str(folder))
    assert (loaded.bos_id, loaded.bos_candidates) == (1, (1, 2, 0))


def test_the_fingerprint_changes_with_the_weights(copy):
    before = catalogue.load(str(copy)).fingerprints
    tensors = load_file(copy / "model.safetensors")
    next(iter(tensors.values())).flat[0] += 1
    save_file(tensors, copy / "model.safetensors", {"format": "pt"})
    assert not set(catalogue.load(str(copy)).fingerprints) & set(before)


def edit(file, change):
    values = json.loads(file.read_text(encoding="utf-8"))
    change(values)
    file.write_text(json.dumps(values, indent=4), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("config.json", lambda config: config.update(layer_norm_epsilon=0.01)),
        ("config.json", lambda config: config.update(bos_token_id=1)),
        ("tokenizer.json", lambda tokenizer: tokenizer["model"]["merges"].pop()),
        ("tokenizer_config.json", lambda config: config.update(bos_token="b")),
    ],
)
def test_the_fingerprint_changes_with_config_and_tokenizer(copy, name, change):
    present, former = fingerprints(copy)
    edit(copy / name, change)
    assert fingerprints(copy)[0] != present
    # until version 0.3 the weights alone counted
    assert fingerprints(copy)[1] == former


def test_the_fingerprint_stays_if_the_same_model_is_saved_by_another_version(copy):
    before = fingerprints(copy)
    edit(copy / "config.json", lambda config: config.update(transformers_version="9", added=None))
    edit(copy / "tokenizer.json", lambda tokenizer: tokenizer["model"].update(ignore_merges=False))
    merges = json.loads((copy / "tokenizer.json").read_text(encoding="utf-8"))["model"]["merges"]
    older = [one if isinstance(one, str) else " ".join(one) for one in merges]
    edit(copy / "tokenizer.json", lambda tokenizer: tokenizer["model"].update(merges=older))
    assert fingerprints(copy) == before


def test_the_builtin_model_has_its_former_name_only_as_a_whole(smollm2_folder, tmp_path):
    names = fingerprints(smollm2_folder)
    shipped = json.loads((PRETRAINED / "fast" / "config.json").read_text(encoding="utf-8"))
    assert shipped["language_model"] in names
    assert names[-1] == "sha256:6319cefef8f5f9356e52258853be9b507ba4eec291c3c1c77a16a4d9102a8f34"
    assert is_known(names)
    assert is_same_model(names[0], names[-1])
    assert not is_same_model(names[0], "sha256:0")
    for file in smollm2_folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "config.json").unlink()
    shutil.copy(smollm2_folder / "config.json", tmp_path)
    edit(tmp_path / "config.json", lambda config: config.update(rms_norm_eps=1e-3))
    changed = fingerprints(tmp_path)
    assert not set(changed) & set(names)
    assert not is_known(changed)


def test_the_builtin_tokenizer_has_the_hash_of_what_it_says(smollm2_folder, tmp_path):
    for file in smollm2_folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "tokenizer.json").unlink()
    tokenizer = json.loads((smollm2_folder / "tokenizer.json").read_text(encoding="utf-8"))
    # other bytes, whose hash is not known beforehand
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer, indent=1), encoding="utf-8")
    assert fingerprints(tmp_path) == fingerprints(smollm2_folder)


def test_smollm2(smollm2_folder, capfd):
    loaded = catalogue.load()
    assert capfd.readouterr() == ("", "")
    assert loaded.name == "smollm2"
    assert loaded.tokenizer.id_to_token(loaded.bos_id) == "<|endoftext|>"
    assert loaded.context == 8192
    assert sum(weight.numel() for weight in loaded.model.parameters()) == 134_515_008


def test_smollm2_reads_prose_as_a_language_model_does(smollm2_folder):
    prose, shuffled = "The cat sat on the mat and looked at me.", "mat on at me the The. sat cat"
    scored = LanguageModelScorer().score([prose, shuffled])
    assert scored[0].surprisal.mean() < 4
    assert scored[1].surprisal.mean() > 5


def test_importing_the_catalogue_does_not_import_torch():
    code = "import sys, perplexity_detector.lm.weights.catalogue; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- what is missing ------------------------------------------------------------------------


def test_smollm2_that_was_not_pulled(cache_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "_PACKAGED", tmp_path / "nowhere")
    assert error_of("smollm2") == (
        "The language model smollm2 is not on this machine: "
        "run `perplexity_detector.lm.pull.pull('smollm2')` once."
    )


@pytest.mark.parametrize("name", ["nobody/no-such-model", "no-such-model", "./no/such/folder"])
def test_a_model_of_the_hub_that_was_not_pulled(cache_dir, name):
    assert error_of(name) == (
        f"The language model {name} is neither a folder nor on this machine: "
        f"run `perplexity_detector.lm.pull.pull({name!r})` where there is a network."
    )


def test_a_revision_that_was_not_pulled(cache_dir):
    with pytest.raises(LanguageModelError, match=r"`[\w.]+\.pull\('gpt2', revision='v9'\)`"):
        catalogue.load("gpt2", "v9")


def test_braces_in_a_name_are_plain_text(cache_dir):
    assert "pull('{odd}')`" in error_of("{odd}")


def test_a_folder_without_a_configuration(tmp_path):
    assert error_of(tmp_path) == (
        f"{tmp_path} has no config.json, so it is not a language model's folder."
    )


def test_a_folder_without_weights(copy):
    (copy / "model.safetensors").unlink()
    assert error_of(copy) == f"{copy} has no weights (*.safetensors or *.bin)."


def test_a_folder_without_a_tokenizer(copy):
    for file in copy.glob("tokenizer*"):
        file.unlink()
    assert error_of(copy) == f"{copy} comes without a tokenizer: add its tokenizer.json."


def test_a_tokenizer_without_a_first_token(save_model, tiny_gpt2):
    model = transformers.GPT2LMHeadModel.from_pretrained(tiny_gpt2)
    model.config.bos_token_id = model.config.eos_token_id = None
    folder = save_model(model, pad_token="<|im_end|>")
    tokenizer = (folder / "tokenizer.json").read_text().replace("<|endoftext|>", "<|other|>")
    (folder / "tokenizer.json").write_text(tokenizer)
    assert error_of(folder) == (
        f"The tokenizer of {folder} has no token that begins or ends a text: "
        "set bos_token in its tokenizer_config.json."
    )


# --- what is damaged ------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("form", ["copy", "packed"])
def test_a_file_that_was_cut_off(request, form, file):
    folder = request.getfixturevalue(form)
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[: len(whole) // 2])
    assert error_of(folder).startswith(f"The language model {folder} cannot be loaded")


@pytest.mark.parametrize("form", ["copy", "packed"])
def test_weights_that_lack_one(request, form):
    folder = request.getfixturevalue(form)
    weights = folder / "model.safetensors"
    (name,) = {"transformer.h.1.mlp.c_fc.weight", "model.layers.1.mlp.up_proj.weight"} & set(
        load_file(weights)
    )
    metadata = metadata_of(weights)
    save_file({k: v for k, v in load_file(weights).items() if k != name}, weights, metadata)
    assert error_of(folder) == (
        f"The weights of {folder} lack {name}, so it is not a whole causal language model."
    )


def test_weights_of_another_size(copy):
    tensors = load_file(copy / "model.safetensors")
    tensors["transformer.ln_f.weight"] = np.zeros(7, np.float32)
    save_file(tensors, copy / "model.safetensors", {"format": "pt"})
    assert error_of(copy).startswith(f"The language model {copy} cannot be loaded")


def test_smollm2_that_is_damaged_says_what_to_do(packed, cache_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "_PACKAGED", tmp_path)
    packed = packed.rename(tmp_path / "smollm2")
    (packed / "model.safetensors").write_bytes(b"\x10")
    sentence = error_of("smollm2")
    assert sentence.startswith(f"The language model smollm2 in {packed} is damaged (")
    assert sentence.endswith(
        "delete that folder and run `perplexity_detector.lm.pull.pull('smollm2')`."
    )


def test_a_list_of_pins_that_is_damaged(cache_dir):
    cache_dir.mkdir()
    catalogue.pins_file().write_text("{")
    assert error_of("nobody/no-such-model").startswith(f"{cache_dir / 'pins.json'} is damaged (")


def metadata_of(weights):
    header = weights.read_bytes()
    size = int.from_bytes(header[:8], "little")
    return json.loads(header[8 : 8 + size])["__metadata__"]


# --- what is no causal language model -------------------------------------------------------


@pytest.mark.parametrize("kind", ["T5", "Bart"])
def test_encoder_decoders(save_model, kind):
    configs = {
        "T5": {"d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2},
        "Bart": {
            "encoder_layers": 1,
            "decoder_layers": 1,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
        },
    }
    config = getattr(transformers, f"{kind}Config")(vocab_size=512, d_model=16, **configs[kind])
    folder = save_model(getattr(transformers, f"{kind}ForConditionalGeneration")(config))
    assert error_of(folder) == f"{folder} is an encoder-decoder, not a causal language model."


def test_a_model_without_its_head(save_model, tiny_llama):
    folder = save_model(transformers.LlamaModel.from_pretrained(tiny_llama))
    assert error_of(folder) == (
        f"The weights of {folder} lack lm_head.weight, so it is not a whole causal language model."
    )


def test_code_that_comes_with_a_model_is_not_run(copy):
    config = json.loads((copy / "config.json").read_text())
    config["model_type"] = "its_own"
    config["auto_map"] = {
        "AutoConfig": "code.Config",
        "AutoModelForCausalLM": "code.Model",
    }
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "code.py").write_text(f"open({str(copy / 'ran')!r}, 'w')")
    assert error_of(copy).startswith(f"The language model {copy} cannot be loaded")
    assert not (copy / "ran").exists()
