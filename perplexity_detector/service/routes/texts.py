"""Routes for texts: /v1/predict, /v1/features, /v1/explain, /v1/model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import Discriminator, Tag

from perplexity_detector.explanation.explanation import with_left_out
from perplexity_detector.service import gptzero
from perplexity_detector.service.bodies import TextsRoute
from perplexity_detector.service.problem_details import DOCUMENTS, TEXTS, Problem, documented
from perplexity_detector.service.schemas import Card, Features, OneText, Predictions, Texts
from perplexity_detector.service.state import ServiceState
from perplexity_detector.web import report_html

router = APIRouter(tags=["texts"], route_class=TextsRoute, responses=documented(422, 503))

#: A report holds inline scripts and a text that a stranger may have written: sandbox it.
REPORT_POLICY = (
    "sandbox allow-scripts allow-modals allow-downloads; default-src 'none'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def state_of(request: Request) -> ServiceState:
    """The service that answers a request."""
    state: ServiceState = request.app.state.service
    return state


Service = Annotated[ServiceState, Depends(state_of)]
DetectorName = Annotated[
    str | None, Query(max_length=200, description="one of /v1/detectors; else the default one")
]


def form_of(body: object) -> str:
    """The form of a request: GPTZero's if it has one of its fields, else our own."""
    fields = body if isinstance(body, Mapping) else {}
    return DOCUMENTS if {"document", "documents"} & set(fields) else TEXTS


PredictBody = Annotated[
    Annotated[Texts, Tag(TEXTS)] | Annotated[gptzero.Documents, Tag(DOCUMENTS)],
    Discriminator(form_of),
]


@router.post("/v1/predict", response_model=Predictions | gptzero.DocumentPredictions)
async def predict(request: Request, service: Service, body: PredictBody) -> dict[str, Any]:
    """The probability that a language model wrote each text, with a verdict and reasons.

    A request with `document` or `documents` is answered in the form of GPTZero's API.
    """
    if isinstance(body, gptzero.Documents):
        return await predict_documents(request, service, body)
    engine = service.find(body.detector)
    results = await service.submit(request, "predict", body.all(), engine)
    return {
        "detector": engine.name,
        "fpr": engine.fpr,
        "provenance": engine.provenance(),
        "results": results,
    }


@router.post("/v2/predict/text", response_model=gptzero.DocumentPredictions)
async def predict_documents(
    request: Request, service: Service, body: gptzero.Documents
) -> dict[str, Any]:
    """The same as `/v1/predict` with documents, at the path of GPTZero's API."""
    engine = service.find(body.detector)
    explanations = await service.submit(request, "explain", body.all(), engine)
    return gptzero.to_answer(explanations, engine.provenance(exhaustive=True))


@router.post("/v1/features", response_model=Features, responses=documented(404))
async def features(request: Request, service: Service, body: Texts) -> dict[str, Any]:
    """The features that the detector computes from each text."""
    engine = service.find(body.detector)
    if not engine.feature_names:
        raise Problem(404, "This detector computes no features.")
    values = await service.submit(request, "features", body.all(), engine)
    return {"detector": engine.name, "names": engine.feature_names, "values": values}


@router.post(
    "/v1/explain",
    responses={200: {"content": {"text/html": {}}, "description": "the explanation, or a report"}},
)
async def explain(
    request: Request,
    service: Service,
    body: OneText,
    format: Annotated[Literal["json", "html"] | None, Query()] = None,
) -> Response:
    """The evidence in sentences, tokens and features, as JSON or as an HTML report."""
    engine = service.find(body.detector)
    (explanation,) = await service.submit(request, "explain", [body.text], engine)
    explanation = with_left_out(replace(explanation, id=body.id), body.left_out).to_dict()
    if format != "html" and (format or not wants_html(request.headers.get("accept", ""))):
        return JSONResponse(explanation)
    return HTMLResponse(
        report_html(explanation), headers={"Content-Security-Policy": REPORT_POLICY}
    )


@router.get("/v1/model", response_model=Card)
async def model(service: Service, detector: DetectorName = None) -> dict[str, Any]:
    """The model card: what the detector is, its training data, metrics and limits."""
    return service.find(detector).card


def wants_html(accept: str) -> bool:
    """Whether an Accept header names HTML, and before JSON."""
    named = [one.partition(";")[0].strip().lower() for one in accept.split(",")]
    if "text/html" not in named:
        return False
    json = "application/json"
    return json not in named or named.index("text/html") < named.index(json)
