"""Routes for detectors: which there are, and recalibration on one's own people."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

import pandas as pd
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from perplexity_detector.io.datasets import Columns
from perplexity_detector.service.middleware import RECALIBRATE
from perplexity_detector.service.problem_details import Problem, documented
from perplexity_detector.service.routes.files import (
    UPLOAD_PROBLEMS,
    DetectorName,
    begin_job,
    job_body,
    job_upload,
    new_job,
)
from perplexity_detector.service.routes.texts import Service
from perplexity_detector.service.schemas import DetectorList, JobState

router = APIRouter(tags=["detectors"])

#: A name becomes a folder's: no path, and nothing that a file system treats specially.
NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"


@router.get("/v1/detectors", response_model=DetectorList, responses=documented(503))
async def detectors(service: Service) -> dict[str, Any]:
    """The detectors that a request can name, and whether more can be made."""
    service.ready()
    return service.detectors.describe()


@router.post(
    RECALIBRATE,
    status_code=202,
    response_class=Response,
    responses={
        202: {"model": JobState, "description": "the job that makes it: see Location"},
        **UPLOAD_PROBLEMS,
    },
    openapi_extra={"requestBody": job_body()},
)
async def recalibrate(
    request: Request,
    service: Service,
    name: Annotated[str, Query(pattern=NAME, description="of the new detector")],
    detector: DetectorName = None,
    format: Annotated[Literal["csv", "tsv", "jsonl", "parquet"] | None, Query()] = None,
    encoding: Annotated[str, Query(max_length=40)] = "utf-8",
    id_column: Annotated[str, Query(max_length=200)] = "id",
    text_column: Annotated[str, Query(max_length=200)] = "text",
) -> Response:
    """Set a detector's thresholds on 100 or more texts by your own people: documents or a table.

    Once the job is done, requests can name the new detector; the job's results say how these
    texts were judged before. Rows that a column `generated` calls generated are left out, and so
    are documents in a folder of that name. Only a service whose operator allows it does this.
    """
    engine = service.find(detector)
    if not service.detectors.limit:
        raise Problem(
            403,
            "This service makes no detectors; its operator can allow it with "
            "PERPLEXITY_DETECTOR_MAX_RECALIBRATED_DETECTORS.",
        )
    service.detectors.check_new(name)
    job = new_job(service, request)
    begun = False
    try:
        columns = Columns(id=id_column, text=text_column)
        upload = await job_upload(request, service, job, format, columns, encoding, by_people=True)
        engine.detector.require_calibration_texts(upload.rows)

        def finish(assessed: pd.DataFrame) -> None:
            make = partial(service.detectors.recalibrate, engine, name, assessed)
            service.run_in_worker(make).result()

        answer = begin_job(service, job, upload, engine, finish)
        begun = job.asked_for_later = True
        return answer
    finally:
        if not begun:
            service.jobs.remove(job)
