"""Pages of origins that the operator allows call the API and embed the form; no others do."""

import pytest

from perplexity_detector.service.settings import Settings
from tests.browser import another_site, open_chromium
from tests.service.serving import WatchedEngine, is_problem, listening

SCHOOL = "https://school.example"
OTHERS = [
    "https://evil.example",
    "http://school.example",
    "https://school.example:8443",
    "https://school.example.evil.example",
    "https://a.school.example",
    "null",
]
TEXT = {"text": "We ran far out to sea and saw it go by in the sun."}
KEY = "a long random value"
ASK = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


@pytest.fixture(scope="module")
def open_service(detector, tmp_path_factory):
    settings = Settings(allowed_origins=SCHOOL)
    data = tmp_path_factory.mktemp("data")
    with listening(lambda: WatchedEngine(detector), settings, data) as client:
        yield client


def sent(origin):
    """What a browser adds to a request of a page of this origin."""
    return {"Origin": origin, "Sec-Fetch-Site": "cross-site"}


# --- the API --------------------------------------------------------------------------------


def test_an_allowed_page_may_ask_and_send(open_service):
    asked = open_service.options("/v1/predict", headers={**sent(SCHOOL), **ASK})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == SCHOOL
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in asked.headers
    answer = open_service.post("/v1/predict", json=TEXT, headers=sent(SCHOOL))
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == SCHOOL
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize("origin", OTHERS)
def test_no_other_page_may(open_service, origin):
    asked = open_service.options("/v1/predict", headers={**sent(origin), **ASK})
    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers
    answer = open_service.post("/v1/predict", json=TEXT, headers=sent(origin))
    assert is_problem(answer, 403)
    assert "access-control-allow-origin" not in answer.headers
    read = open_service.get("/v1/model", headers=sent(origin))
    assert "access-control-allow-origin" not in read.headers


def test_a_write_that_hides_its_origin_is_refused(open_service):
    answer = open_service.post("/v1/predict", json=TEXT, headers={"Sec-Fetch-Site": "cross-site"})
    assert is_problem(answer, 403)


def test_no_page_may_unless_there_are_allowed_ones(client):
    asked = client.options("/v1/predict", headers={**sent(SCHOOL), **ASK})
    assert asked.status_code == 405
    assert "access-control-allow-origin" not in asked.headers
    assert is_problem(client.post("/v1/predict", json=TEXT, headers=sent(SCHOOL)), 403)
    assert is_problem(client.get("/embed"), 404)
    assert client.get("/embed").headers["x-frame-options"] == "DENY"


def test_a_trusted_host_is_still_needed(open_service):
    headers = {**sent(SCHOOL), "Host": "evil.example"}
    assert is_problem(open_service.post("/v1/predict", json=TEXT, headers=headers), 421)


def test_an_allowed_page_needs_the_key_and_reads_that_it_does(detector, tmp_path):
    settings = Settings(allowed_origins=SCHOOL, api_key=KEY)
    with listening(lambda: WatchedEngine(detector), settings, tmp_path) as client:
        asked = client.options("/v1/predict", headers={**sent(SCHOOL), **ASK})
        assert asked.status_code == 200  # browsers ask without the key
        answer = client.post("/v1/predict", json=TEXT, headers=sent(SCHOOL))
        assert is_problem(answer, 401)
        assert answer.headers["access-control-allow-origin"] == SCHOOL
        with_key = {**sent(SCHOOL), "Authorization": f"Bearer {KEY}"}
        assert client.post("/v1/predict", json=TEXT, headers=with_key).status_code == 200
        assert client.get("/embed").status_code == 200


# --- the form -------------------------------------------------------------------------------


def test_the_form_may_be_shown_by_allowed_pages_alone(open_service):
    headers = open_service.get("/embed").headers
    assert f"frame-ancestors {SCHOOL}" in headers["content-security-policy"]
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "x-frame-options" not in headers
    page = open_service.get("/").headers
    assert "frame-ancestors 'none'" in page["content-security-policy"]
    assert page["x-frame-options"] == "DENY"


# --- a real browser -------------------------------------------------------------------------


CALL = """([service, text]) => fetch(service + "/v1/predict", {
  method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({text}),
}).then(async (answer) => (await answer.json()).results[0].verdict, () => "refused")"""
FRAME = """(service) => {
  const frame = document.createElement("iframe");
  frame.src = service + "/embed";
  frame.width = "640";
  frame.height = "640";
  document.body.append(frame);
}"""


def test_an_allowed_page_calls_and_embeds_and_another_does_neither(detector, texts, tmp_path):
    with open_chromium() as browser, another_site() as school, another_site() as elsewhere:
        settings = Settings(allowed_origins=school)
        with listening(lambda: WatchedEngine(detector), settings, tmp_path) as client:
            service = str(client.base_url).rstrip("/")
            page = browser.new_page()
            page.goto(school)
            assert page.evaluate(CALL, [service, texts[1]]) in ("human", "generated", "uncertain")
            page.evaluate(FRAME, service)
            form = page.frame_locator("iframe")
            form.get_by_role("textbox", name="Text", exact=True).fill(texts[1])
            form.get_by_role("button", name="Check text").click()
            verdict = form.get_by_role("region", name="Result").get_by_role("heading")
            verdict.wait_for(timeout=20_000)
            explanation = client.post("/v1/explain", json={"text": texts[1]}).json()
            assert {
                "generated": "Likely written by a language model",
                "human": "Likely written by a person",
                "uncertain": "Uncertain: no verdict",
            }[explanation["verdict"]] == verdict.inner_text()

            other = browser.new_page()
            problems = []
            other.on("console", lambda message: problems.append(message.text))
            other.goto(elsewhere)
            assert other.evaluate(CALL, [service, texts[1]]) == "refused"
            other.evaluate(FRAME, service)
            other.wait_for_timeout(500)
            assert not any(frame.url.startswith(service) for frame in other.frames)
            assert any("frame-ancestors" in problem for problem in problems)
