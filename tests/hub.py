"""A hub on this machine: as much of the Hugging Face hub's interface as the tests need."""

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import yaml

COMMIT = "0123456789abcdef0123456789abcdef01234567"
#: What the hub wants of a card's results, and of every metric in them.
RESULT = {"task", "dataset", "metrics"}


class Hub(BaseHTTPRequestHandler):
    """Answers pulls and pushes; `models` maps names to folders, `new` is where pushed ones go."""

    models: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[list[str]] = []
    new: ClassVar[Any] = None

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        self.asked.append(path)
        owner, name, *rest = path.removeprefix("/api/models").strip("/").split("/")
        folder = self.models.get(f"{owner}/{name}")
        if folder is None:
            self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif folder == "gated":
            self.answer(403, b"{}", {"X-Error-Code": "GatedRepo"})
        elif rest[1:2] and rest[1] not in ("main", COMMIT):
            self.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        elif rest[:1] == ["resolve"]:
            file = folder / rest[2]
            if not file.is_file():
                self.answer(404, b"{}", {"X-Error-Code": "EntryNotFound"})
                return
            content = file.read_bytes()
            self.answer(200, content, {"ETag": f'"{hashlib.sha1(content).hexdigest()}"'})
        else:
            files = [file for file in folder.iterdir() if file.is_file()]
            self.answer(200, json.dumps(describe(files, rest)).encode(), {})

    def do_POST(self):
        path = unquote(urlsplit(self.path).path)
        self.asked.append(path)
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if path == "/api/validate-yaml":
            self.json(validate(json.loads(body)["content"]))
        elif self.headers["Authorization"] != "Bearer hf_a_token_for_tests":
            self.answer(401, b"{}", {})
        elif path == "/api/repos/create":
            name = json.loads(body)["name"]
            full = f"{json.loads(body).get('organization') or 'ada'}/{name}"
            self.models.setdefault(full, self.new / name)
            self.models[full].mkdir(exist_ok=True)
            self.json({"url": f"http://{self.headers['Host']}/{full}", "id": full, "name": full})
        elif path.endswith("/preupload/main"):
            files = json.loads(body)["files"]
            self.json({"files": [plan(one) for one in files]})
        elif path.endswith("/commit/main"):
            full = "/".join(path.split("/")[3:5])
            folder = self.models[full]
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    content = base64.b64decode(line["value"]["content"])
                    (folder / line["value"]["path"]).write_bytes(content)
            url = f"http://{self.headers['Host']}/{full}/commit/{COMMIT}"
            self.json({"commitUrl": url, "commitOid": COMMIT, "success": True})
        else:
            self.answer(404, b"{}", {})

    def json(self, values):
        self.answer(200, json.dumps(values).encode(), {"Content-Type": "application/json"})

    def answer(self, status, content, headers):
        self.send_response(status)
        for key, value in {**headers, "X-Repo-Commit": COMMIT}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *arguments):
        pass


def describe(files, rest):
    if rest[:1] == ["tree"]:
        return [
            {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": "0" * 40}
            for file in files
        ]
    return {
        "id": "someone/tiny",
        "sha": COMMIT,
        "siblings": [{"rfilename": file.name} for file in files],
        "cardData": {"license": "mit"},
    }


def plan(file):
    """How a client is to send a file: with the commit."""
    return {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}


def validate(card):
    """What is wrong with the YAML of a card, in the hub's form."""
    data = yaml.safe_load(card.split("---")[1])
    wrong = [
        name
        for name, kind in {"license": str, "library_name": str, "pipeline_tag": str}.items()
        if not isinstance(data.get(name), kind)
    ]
    for model in data.get("model-index", []):
        for result in model["results"]:
            wrong += sorted(RESULT - set(result))
            wrong += [
                f"a metric has no {part}"
                for metric in result["metrics"]
                for part in ("type", "value")
                if part not in metric
            ]
    return {"errors": [{"message": one} for one in wrong], "warnings": []}
