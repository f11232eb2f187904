"""Errors name parameters, and each front end writes them in its own form."""

import pickle

from perplexity_detector.errors import Call, DatasetError, InputError, LanguageModelError


def test_each_front_end_has_its_own_form():
    error = DatasetError("a.csv is in UTF-16", "encoding", "pass {encoding}=utf-16")
    assert str(error) == "a.csv is in UTF-16: pass encoding=utf-16."
    assert error.worded(lambda name: f"--{name}") == "a.csv is in UTF-16: pass --encoding=utf-16."
    assert error.worded(lambda name: f"?{name}") == "a.csv is in UTF-16: pass ?encoding=utf-16."
    assert str(InputError("Give a text.")) == "Give a text."


def test_values_are_inserted_as_they_are():
    error = InputError("{lm} {0}", "lm", "pass {lm}={value}", value="{lm} {} {value")
    assert error.worded(lambda name: f"--{name}") == "{lm} {0}: pass --lm={lm} {} {value."
    assert str(InputError("No", hint='send {"text": 1} or {}')) == 'No: send {"text": 1} or {}.'


def test_a_call_of_a_function_has_its_own_form_too():
    call = Call("perplexity_detector.lm.pull.pull", "{odd}", revision="v9")
    error = LanguageModelError("No model", "lm", "run `{pull}`", pull=call)
    assert str(error) == "No model: run `perplexity_detector.lm.pull.pull('{odd}', revision='v9')`."
    assert error.worded(str, lambda call: call.function) == (
        "No model: run `perplexity_detector.lm.pull.pull`."
    )


def test_an_error_survives_another_process():
    error = InputError("No", "lm", "pass {lm}={value}", value="a")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    error = InputError("No", "lm", "run {pull}", pull=Call("pull", "gpt2"))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
