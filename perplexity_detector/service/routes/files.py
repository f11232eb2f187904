"""Routes for files: /v1/files, and /v1/jobs for large ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from perplexity_detector.io.datasets import Columns
from perplexity_detector.io.documents.extracted import flags_of
from perplexity_detector.service.jobs import DONE, FAILED, Finish, Job, TooManyJobsError
from perplexity_detector.service.problem_details import Problem, documented
from perplexity_detector.service.routes.texts import DetectorName, Service
from perplexity_detector.service.schemas import DocumentTexts, JobState
from perplexity_detector.service.state import ServiceState, cancel_on_disconnect
from perplexity_detector.service.uploads import (
    Readable,
    Received,
    Upload,
    UploadedDocuments,
    receive,
)

if TYPE_CHECKING:
    from perplexity_detector.service.engine import Engine

router = APIRouter(tags=["files"])

CSV = "text/csv; charset=utf-8"
#: `Retry-After` when the limit of jobs is reached, in seconds.
FULL_SECONDS = 30
UPLOAD_PROBLEMS = documented(400, 422, 503)
_BINARY = {"type": "string", "format": "binary"}
_FORM = {"type": "object", "properties": {"file": {"type": "array", "items": _BINARY}}}
_RAW = {"schema": _BINARY}


def job_body() -> dict[str, Any]:
    """OpenAPI's description of a request with a file."""
    form = {"schema": _FORM, "example": {"file": ["essays.csv"]}}
    return {"required": True, "content": {"multipart/form-data": form, "text/csv": dict(_RAW)}}


@router.post(
    "/v1/files",
    response_class=Response,
    responses={
        200: {"content": {"text/csv": {}}, "description": "results.csv of a small file"},
        202: {"model": JobState, "description": "a large file, as a job: see Location"},
        **UPLOAD_PROBLEMS,
    },
    openapi_extra={"requestBody": job_body()},
)
async def score_file(
    request: Request,
    service: Service,
    format: Annotated[Literal["csv", "tsv", "jsonl", "parquet"] | None, Query()] = None,
    encoding: Annotated[str, Query(max_length=40)] = "utf-8",
    id_column: Annotated[str, Query(max_length=200)] = "id",
    text_column: Annotated[str, Query(max_length=200)] = "text",
    detector: DetectorName = None,
) -> Response:
    """Score documents (PDF, docx, html, md, txt; several, or a zip), or a table of texts.

    A table is a csv, tsv, jsonl or parquet file, gzipped or not. Send files in a form
    (`curl -F file=@a.pdf -F file=@b.docx`) or one as the body; the answer is results.csv. A large
    file becomes a job, and so does any file with the header `Prefer: respond-async`.
    """
    engine = service.find(detector)
    job = new_job(service, request)
    queued = False
    try:
        columns = Columns(id=id_column, text=text_column)
        upload = await job_upload(request, service, job, format, columns, encoding)
        accepted = begin_job(service, job, upload, engine)
        asynchronous = "respond-async" in request.headers.get("prefer", "")
        if asynchronous or upload.tokens > service.settings.sync_max_tokens:
            queued = job.asked_for_later = True
            return accepted
        await cancel_on_disconnect(request, asyncio.create_task(_ended(job)))
        if job.state != DONE:
            raise Problem(job.error_status, job.detail)
        content = await asyncio.to_thread(job.results.read_bytes)
        return Response(content, media_type=CSV, headers=_attachment("results.csv"))
    finally:
        if not queued:
            service.jobs.remove(job)


@router.post(
    "/v1/documents",
    response_model=DocumentTexts,
    responses=UPLOAD_PROBLEMS,
    openapi_extra={
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
    },
)
async def document_texts(request: Request, service: Service) -> dict[str, Any]:
    """The texts of documents, to look at and to correct before they are scored."""
    job = new_job(service, request)
    try:
        received = await receive(request, job.folder)
        if not received.are_documents:
            raise Problem(
                422, "Send documents: PDF, docx, html, md or txt files, or a zip of them."
            )
        documents = await _read_documents(service, received)
        rows = [row for chunk in documents.chunks() for row in chunk.to_dict("records")]
        for row in rows:
            row["flags"] = [flag.to_dict() for flag in flags_of(row["left_out"])]
        return {"documents": rows}
    finally:
        service.jobs.remove(job)


@router.get("/v1/jobs/{job_id}", response_model=JobState, responses=documented(404))
async def job_state(service: Service, job_id: str) -> dict[str, Any]:
    """The state of a job."""
    return _job_state(_find(service, job_id))


@router.get(
    "/v1/jobs/{job_id}/results",
    responses={
        200: {"content": {"text/csv": {}}, "description": "results.csv"},
        **documented(404, 409),
    },
    response_class=Response,
)
async def job_results(service: Service, job_id: str) -> Response:
    """The results of a finished job."""
    job = _find(service, job_id)
    if job.state == FAILED:
        raise Problem(409, f"The job failed: {job.detail}")
    if job.state != DONE:
        raise Problem(
            409, f"The job is not finished: {job.rows_done} of {job.rows} rows.", retry_after=1
        )
    return FileResponse(job.results, media_type=CSV, headers=_attachment("results.csv"))


@router.delete("/v1/jobs/{job_id}", status_code=204, responses=documented(404))
async def remove_job(service: Service, job_id: str) -> Response:
    """Cancel a job, or remove a finished one."""
    service.jobs.remove(_find(service, job_id))
    return Response(status_code=204)


def new_job(service: ServiceState, request: Request) -> Job:
    """A job whose file is still to be received.

    Raises:
        Problem: 503, a limit of jobs is reached.
    """
    with _limited():
        return service.jobs.new(request.client.host if request.client else "")


@contextmanager
def _limited() -> Iterator[None]:
    try:
        yield
    except TooManyJobsError as error:
        raise Problem(503, str(error), retry_after=FULL_SECONDS) from None


def begin_job(
    service: ServiceState, job: Job, upload: Readable, engine: Engine, finish: Finish | None = None
) -> JSONResponse:
    """Begin a job whose files are there; return the answer that says where to ask for it.

    Raises:
        Problem: 503, the limit of jobs is reached.
    """
    kind = "file" if finish is None else "people"
    job.prepare(service.detectors.key(engine, kind), finish)
    with _limited():
        service.jobs.begin(job, upload)
    place = f"/v1/jobs/{job.id}"
    return JSONResponse(_job_state(job), 202, headers={"Location": place, "Retry-After": "1"})


async def job_upload(
    request: Request,
    service: ServiceState,
    job: Job,
    format: str | None,
    columns: Columns,
    encoding: str,
    by_people: bool = False,
) -> Readable:
    """Receive the files of a request; unpack and scan a table, read documents."""
    received = await receive(request, job.folder)
    if not format and received.are_documents:
        return await _read_documents(service, received, by_people)
    format = format or received.format
    if not format:
        raise Problem(
            422,
            "The file's format is not known: send ?format=csv, tsv, jsonl or parquet, or a name "
            "with such an extension or a document's (pdf, docx, html, md, txt, zip).",
        )
    settings = service.settings
    file = received.files[0][0]
    upload = Upload(
        file, format, columns, encoding, settings.limits(), settings.max_characters, by_people
    )
    await asyncio.to_thread(upload.scan)
    return upload


async def _read_documents(
    service: ServiceState, received: Received, by_people: bool = False
) -> UploadedDocuments:
    settings = service.settings
    documents = UploadedDocuments(received, settings.limits(), settings.max_characters, by_people)
    await asyncio.to_thread(documents.read)
    return documents


async def _ended(job: Job) -> list[Any]:
    await job.ended.wait()
    return []


def _find(service: ServiceState, job_id: str) -> Job:
    job = service.jobs.find(job_id)
    if job is None:
        raise Problem(404, "There is no such job; finished ones are removed after a while.")
    return job


def _job_state(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "state": job.state,
        "rows": job.rows,
        "rows_done": job.rows_done,
        "detail": job.detail,
        "results": f"/v1/jobs/{job.id}/results" if job.state == DONE else None,
    }


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
