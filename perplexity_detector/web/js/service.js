// Requests to the service, and its errors as sentences for the user.

/** An error to show. `status` is the HTTP status; 0 without a response. */
export class ServiceError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const NO_RESPONSE =
  "The service does not respond. Your text is still here; please try again in a moment.";

let key = "";
let detector = null;

/** Sets the detector of later requests, one of those that the service offers. */
export function setDetector(name) {
  detector = name;
}

/** Sets the API key of later requests; it is kept only in memory. */
export function setKey(text) {
  key = text.trim();
}

/** The explanation of a text; `about` has text and left_out, of the document that it is from. */
export async function explain(about, signal) {
  return (await requestExplanation(about, "application/json", signal)).json();
}

/** The report on a text, an HTML blob. */
export async function report(about) {
  return (await requestExplanation(about, "text/html")).blob();
}

/** Scores a file. Returns its results as csv, or the job of a large file. */
export async function scoreFile(file, signal) {
  const body = formOf([file]);
  const query = detector ? `?${new URLSearchParams({ detector })}` : "";
  const response = await request(`v1/files${query}`, { method: "POST", body, signal });
  if (response.status === 202) return { job: await response.json() };
  return { results: await response.text() };
}

/** Whether requests must show an API key. */
export async function needsKey() {
  return (await (await request("healthz")).json()).needs_key;
}

/** The detectors that the service offers, and whether it may make more. */
export async function detectors() {
  return (await request("v1/detectors")).json();
}

/** Begins to make a detector from files of texts by people; returns the job. */
export async function recalibrate(files, name, signal) {
  const body = formOf(files);
  const path = `v1/detectors/recalibrate?${new URLSearchParams({ name })}`;
  return (await request(path, { method: "POST", body, signal })).json();
}

/** The texts of documents: id, text, problem, left_out and flags of each. */
export async function readDocuments(files, signal) {
  const body = formOf(files);
  const response = await request("v1/documents", { method: "POST", body, signal });
  return (await response.json()).documents;
}

export async function jobState(id) {
  return (await request(`v1/jobs/${encodeURIComponent(id)}`)).json();
}

export async function jobResults(id) {
  return (await request(`v1/jobs/${encodeURIComponent(id)}/results`)).text();
}

export async function removeJob(id) {
  await request(`v1/jobs/${encodeURIComponent(id)}`, { method: "DELETE" });
}

function formOf(files) {
  const form = new FormData();
  for (const file of files) form.append("file", file, file.name);
  return form;
}

function requestExplanation(about, accept, signal) {
  return request("v1/explain", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: accept },
    body: JSON.stringify(detector ? { ...about, detector } : about),
    signal,
  });
}

async function request(path, { headers = {}, ...options } = {}) {
  const withKey = key ? { ...headers, Authorization: `Bearer ${key}` } : headers;
  let response;
  try {
    response = await fetch(path, { ...options, headers: withKey });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError(0, NO_RESPONSE);
  }
  if (!response.ok) throw new ServiceError(response.status, await errorMessage(response));
  return response;
}

/** The detail of a problem document (RFC 9457), and when to try again. */
async function errorMessage(response) {
  const seconds = response.headers.get("Retry-After");
  const retry = seconds ? ` Please try again in ${seconds} seconds.` : "";
  try {
    const { detail, title } = await response.json();
    return `${detail || title}${retry}`;
  } catch {
    return `The service answered with status ${response.status}.${retry}`;
  }
}
