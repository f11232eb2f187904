"""The detector as an MLflow pyfunc model; MLflow runs this file when it saves or loads one."""

from __future__ import annotations

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from perplexity_detector.errors import InputError
from perplexity_detector.explanation.explainable import ExplainableClassifier


class DetectorModel(PythonModel):
    """Predicts with the artefact folder that was logged with it; the folder holds no code."""

    def load_context(self, context: Any) -> None:
        """Load the folder; its language model is loaded when the first texts come."""
        self.detector = ExplainableClassifier.from_pretrained(context.artifacts["detector"])

    def predict(
        self,
        context: Any,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Probability and verdict of each text.

        Args:
            context: not used.
            model_input: texts in the column `text` or the only column, or a list of them.
            params: not used.

        Returns:
            Columns `probability` that a text is generated and `verdict`; one row a text.

        Raises:
            InputError: several columns, none of which is `text`.
        """
        frame = pd.DataFrame(model_input)
        columns = ["text"] if "text" in frame else list(frame)
        if len(columns) != 1:
            raise InputError("Give texts in a column `text`, or a list of texts.")
        return self.detector.assess(frame[columns[0]], why=False)[["probability", "verdict"]]


set_model(DetectorModel())
