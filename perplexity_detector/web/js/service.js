// What the page asks of the service, and what goes wrong on the way.

/** Something a reader should know, in a sentence. `status` is HTTP's; 0 where no answer came. */
export class Trouble extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const GONE = "The service does not answer. What you gave it is still here; try again in a moment.";

let key = "";

/** The key to show from now on; it is kept nowhere but here. */
export function useKey(text) {
  key = text.trim();
}

/** The explanation of a text. */
export async function explain(text, signal) {
  return (await explained(text, "application/json", signal)).json();
}

/** The report of a text, a blob of HTML. */
export async function report(text) {
  return (await explained(text, "text/html")).blob();
}

/** Scores a file. Returns the csv of its results, or the job that it became. */
export async function scoreFile(file, signal) {
  const body = new FormData();
  body.append("file", file, file.name);
  const response = await ask("v1/files", { method: "POST", body, signal });
  if (response.status === 202) return { job: await response.json() };
  return { results: await response.text() };
}

export async function jobState(id) {
  return (await ask(`v1/jobs/${encodeURIComponent(id)}`)).json();
}

export async function jobResults(id) {
  return (await ask(`v1/jobs/${encodeURIComponent(id)}/results`)).text();
}

export async function removeJob(id) {
  await ask(`v1/jobs/${encodeURIComponent(id)}`, { method: "DELETE" });
}

function explained(text, accept, signal) {
  return ask("v1/explain", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: accept },
    body: JSON.stringify({ text }),
    signal,
  });
}

async function ask(path, { headers = {}, ...request } = {}) {
  const shown = key ? { ...headers, Authorization: `Bearer ${key}` } : headers;
  let response;
  try {
    response = await fetch(path, { ...request, headers: shown });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble(0, GONE);
  }
  if (!response.ok) throw new Trouble(response.status, await detailOf(response));
  return response;
}

/** The sentence of a problem document (RFC 9457), and when to come again. */
async function detailOf(response) {
  const later = response.headers.get("Retry-After");
  const again = later ? ` Try again in ${later} seconds.` : "";
  try {
    const { detail, title } = await response.json();
    return `${detail || title}${again}`;
  } catch {
    return `The service answered ${response.status}.${again}`;
  }
}
