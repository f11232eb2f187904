"""The recipe for Spark in the documentation, as it stands there."""

import importlib.util
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tests.labelled import light_detector, two_styles
from tests.paths import ROOT

pytestmark = [
    pytest.mark.distributed,
    pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="needs the extra spark"),
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java"),
]
GUIDE = ROOT / "docs" / "guides" / "shards.md"


def test_the_recipe(tmp_path, monkeypatch):
    from mlflow import pyfunc

    from perplexity_detector.pipelines import pyfunc_model

    detector = light_detector(fpr=0.1).fit(*two_styles(160))
    folder = detector.save_pretrained(tmp_path / "detector")
    pyfunc.save_model(
        tmp_path / "model",
        python_model=pyfunc_model.__file__,
        artifacts={"detector": str(folder)},
        pip_requirements=[],
    )
    texts = two_styles(20, seed=1)[0]
    (tmp_path / "in").mkdir()
    frame = pd.DataFrame({"id": [f"r{n}" for n in range(20)], "text": texts})
    for part in range(2):
        frame[part::2].to_parquet(tmp_path / "in" / f"{part}.parquet", index=False)
    (recipe,) = re.findall(r"^```python\n(from mlflow.*?)^```", GUIDE.read_text(), re.S | re.M)
    assert recipe.count("runs:/RUN/model") == 1
    for name, value in {
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": ":".join([str(ROOT), *filter(None, sys.path)]),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run(
        [sys.executable, "-c", recipe.replace("runs:/RUN/model", str(tmp_path / "model"))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = pd.read_parquet(tmp_path / "out").set_index("id").loc[frame["id"]]
    expected = detector.assess(texts, why=False)
    assert results["verdict"].tolist() == expected["verdict"].tolist()
    np.testing.assert_allclose(results["probability"], expected["probability"], rtol=1e-12)
