"""The recipes for clusters in the documentation: their forms, and the commands in them."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from perplexity_detector.command_line import My_TextClassifier_Model
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "guides" / "shards.md").read_text(encoding="utf-8")


def block(language):
    (code,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.S | re.M)
    return code


def check_command(command):
    """A command of the program, with options that it has."""
    words = shlex.split(command.replace("\\\n", " "))
    program = words.index("perplexity-detector")
    name, *options = words[program + 1 :]
    names = {option.removeprefix("--").partition("=")[0] for option in options}
    code = getattr(My_TextClassifier_Model, name).__code__
    assert names <= set(code.co_varnames[: code.co_argcount])
    return dict(option.removeprefix("--").split("=", 1) for option in options)


def test_kubernetes_accepts_the_job():
    validate = pytest.importorskip("kubernetes_validate", reason="needs Kubernetes' schemas")
    yaml = pytest.importorskip("yaml", reason="needs PyYAML")
    job = yaml.safe_load(block("yaml"))
    validate.validate(job, "1.33", strict=True)
    assert job["spec"]["completionMode"] == "Indexed"
    (container,) = job["spec"]["template"]["spec"]["containers"]
    options = check_command(container["args"][0])
    assert options["shard"] == f"$JOB_COMPLETION_INDEX/{job['spec']['completions']}"


def test_slurm_runs_every_part():
    script = block("bash")
    if bash := shutil.which("bash"):
        subprocess.run([bash, "-n", "-c", script], check=True)
    if shellcheck := shutil.which("shellcheck", path=str(Path(sys.executable).parent)):
        command = [shellcheck, "-"]
        found = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout
    (last,) = map(int, re.findall(r"--array=0-(\d+)", script))
    options = check_command(script[script.index("srun") :])
    assert options["shard"] == f"$SLURM_ARRAY_TASK_ID/{last + 1}"
