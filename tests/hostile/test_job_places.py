"""Nobody takes all places for files, and what finished makes room."""

import socket
from contextlib import closing

import httpx2
import pytest

from tests.service.serving import is_problem, wait_for

ASYNC = {"Prefer": "respond-async"}
CSV = b"id,text\n1,We walked to the lake before it rained.\n"


@pytest.fixture
def other(request):
    """Makes clients of a service with other addresses of this machine."""

    def make(client, address):
        transport = httpx2.HTTPTransport(local_address=address)
        made = httpx2.Client(base_url=client.base_url, transport=transport, timeout=20)
        request.addfinalizer(made.close)
        return made

    return make


def begin(client):
    return client.post("/v1/files", files={"file": ("a.csv", CSV)}, headers=ASYNC)


def finished(client):
    answer = begin(client)
    assert answer.status_code == 202
    place = answer.headers["location"]
    wait_for(lambda: client.get(place).json()["state"] == "done")
    return place


def test_one_address_takes_its_share_of_the_places(serve, other):
    client = serve(max_jobs=4)
    serve.engine.hold()
    assert [begin(client).status_code for _ in range(2)] == [202, 202]
    refused = begin(client)
    assert is_problem(refused, 503)
    assert refused.json()["detail"] == "Your files are not finished; send more when some are."
    neighbour = other(client, "127.0.0.2")
    assert [begin(neighbour).status_code for _ in range(2)] == [202, 202]
    last = begin(other(client, "127.0.0.3"))
    assert is_problem(last, 503)
    assert last.json()["detail"] == "The limit of files is reached; try again later."
    serve.engine.let_go()


def test_finished_jobs_make_room_the_oldest_of_who_has_most_first(serve, other):
    client = serve(max_jobs=3)
    neighbour = other(client, "127.0.0.2")
    theirs = finished(neighbour)
    first, second = finished(client), finished(client)
    third = finished(client)
    places = [theirs, first, second, third]
    assert [client.get(place).status_code for place in places] == [200, 404, 200, 200]
    finished(neighbour)
    assert [client.get(place).status_code for place in places] == [200, 404, 404, 200]


def test_files_that_are_still_received_take_no_place_of_others(serve, other):
    client = serve(max_jobs=2)
    with closing(socket.create_connection((client.base_url.host, client.base_url.port))) as slow:
        slow.sendall(
            b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
            b"Content-Length: 1000\r\n\r\nid,text\n"
        )
        wait_for(lambda: len(client.service.jobs) == 1)
        serve.engine.hold()
        for address in ("127.0.0.2", "127.0.0.3"):
            assert begin(other(client, address)).status_code == 202
        serve.engine.let_go()
