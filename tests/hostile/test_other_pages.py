"""Pages elsewhere in the user's browser: they neither read the service nor make it work."""

import re

import pytest

from perplexity_detector.service.origins import host_name
from perplexity_detector.service.settings import Settings
from tests.browser import another_site
from tests.service.serving import is_problem, listening

TEXT = {"text": "We ran far out to sea and saw it go by in the sun."}


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1:8000", "[::1]:8000", "essays.example."]
)
def test_trusted_names_are_answered(client, host):
    assert client.get("/v1/model", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "[::2]", "a b"]
)
@pytest.mark.parametrize("path", ["/", "/logs", "/v1/model", "/openapi.json", "/metrics"])
def test_other_names_are_refused(client, host, path):
    assert is_problem(client.get(path, headers={"Host": host}), 421)


def test_health_checks_may_use_any_name(client):
    assert client.get("/healthz", headers={"Host": "10.1.2.3"}).status_code == 200
    assert client.get("/readyz", headers={"Host": "10.1.2.3"}).status_code == 200


def test_the_operator_can_trust_any_name(engine, tmp_path):
    with listening(lambda: engine, Settings(trusted_hosts="*"), tmp_path) as client:
        assert client.get("/v1/model", headers={"Host": "any.example"}).status_code == 200


def test_the_address_to_listen_on_is_trusted():
    assert Settings(trusted_hosts="a").trusting("192.0.2.7").trusted_hosts == "a,192.0.2.7"
    assert host_name("192.0.2.7:8000") == "192.0.2.7"


# --- requests that another page sends --------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},  # another port of this machine
        {"Sec-Fetch-Site": "odd"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Origin": "http://["},
    ],
)
def test_writes_of_other_sites_are_refused(client, engine, headers):
    before = len(engine.batches)
    assert is_problem(client.post("/v1/predict", json=TEXT, headers=headers), 403)
    file = {"file": ("a.csv", b"id,text\na,We ran.\n")}
    assert is_problem(client.post("/v1/files", files=file, headers=headers), 403)
    assert is_problem(client.request("DELETE", "/v1/jobs/a", headers=headers), 403)
    assert len(engine.batches) == before


def test_programs_and_the_page_itself_are_answered(client):
    own = {"Origin": str(client.base_url).rstrip("/")}
    for headers in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, own):
        assert client.post("/v1/predict", json=TEXT, headers=headers).status_code == 200


def test_links_from_other_sites_open(client):
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


# --- a real browser --------------------------------------------------------------------------


_SEND_FILE = """async ([service, mode]) => {
  const form = new FormData();
  form.append("file", new Blob(["id,text\\na,We ran.\\n"]), "a.csv");
  const request = fetch(service + "/v1/files", {method: "POST", body: form, mode});
  return request.then((answer) => answer.status, () => "refused");
}"""


def n_refused(client):
    """Number of requests that the service has answered with 403."""
    counted = re.findall(r'_requests_total\{.*status="403"\} (\S+)', client.get("/metrics").text)
    return sum(map(float, counted))


def test_a_page_elsewhere_can_neither_read_nor_write(browser, client, engine):
    service = str(client.base_url).rstrip("/")
    with another_site() as elsewhere:
        page = browser.new_page()
        page.goto(elsewhere)
        before, refused = len(engine.batches), n_refused(client)
        # sent without asking first; the browser tells the page nothing of the answer
        page.evaluate(_SEND_FILE, [service, "no-cors"])
        assert n_refused(client) == refused + 1
        assert len(engine.batches) == before
        assert page.evaluate("url => fetch(url).catch(() => 'refused')", f"{service}/logs") == (
            "refused"
        )
        page.goto(service)
        assert page.evaluate(_SEND_FILE, [service, "same-origin"]) == 200
        assert len(engine.batches) == before + 1
        page.close()


def test_a_page_of_a_rebound_name_reads_nothing(browser, client):
    page = browser.new_page()
    rebound = f"http://evil.example:{client.base_url.port}"
    assert page.goto(f"{rebound}/healthz").status == 200  # an answer, from which to ask on
    read = "path => fetch(path).then(async answer => [answer.status, await answer.text()])"
    for path in ("/logs", "/v1/model", "/"):
        status, text = page.evaluate(read, path)
        assert status == 421
        assert "does not answer to this name" in text
    page.close()
