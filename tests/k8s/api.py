"""Enough of Kubernetes' API for Helm to install into: discovery, objects in memory, patches, strict schemas on write.

It runs nothing: no controller, no pod. What it shows is which objects a release leaves, and that the API takes them.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import kubernetes_validate
import yaml

VERSION = "1.35"

# (group, version, plural) -> kind; all of them live in namespaces.
RESOURCES = {
    ("", "v1", "configmaps"): "ConfigMap",
    ("", "v1", "pods"): "Pod",
    ("", "v1", "secrets"): "Secret",
    ("", "v1", "serviceaccounts"): "ServiceAccount",
    ("", "v1", "services"): "Service",
    ("apps", "v1", "deployments"): "Deployment",
    ("autoscaling", "v2", "horizontalpodautoscalers"): "HorizontalPodAutoscaler",
    ("batch", "v1", "cronjobs"): "CronJob",
    ("batch", "v1", "jobs"): "Job",
    ("gateway.networking.k8s.io", "v1", "grpcroutes"): "GRPCRoute",
    ("keda.sh", "v1alpha1", "scaledobjects"): "ScaledObject",
    ("monitoring.coreos.com", "v1", "podmonitors"): "PodMonitor",
    ("monitoring.coreos.com", "v1", "prometheusrules"): "PrometheusRule",
    ("networking.k8s.io", "v1", "ingresses"): "Ingress",
    ("networking.k8s.io", "v1", "networkpolicies"): "NetworkPolicy",
    ("policy", "v1", "poddisruptionbudgets"): "PodDisruptionBudget",
}
CUSTOM = {"gateway.networking.k8s.io", "keda.sh", "monitoring.coreos.com"}
Key = tuple[str, str]  # kind, name


def api_version(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version


def merge(old: Any, new: Any) -> Any:
    """A strategic merge, as far as Helm needs one: maps by key, lists by `name`, null removes."""
    if isinstance(old, dict) and isinstance(new, dict):
        merged = {key: value for key, value in old.items() if new.get(key, "") is not None}
        for key, value in new.items():
            if value is not None and not key.startswith("$"):
                merged[key] = merge(merged.get(key), value)
        return merged
    if isinstance(old, list) and isinstance(new, list) and old:
        entries = [*old, *new]
        if all(isinstance(entry, dict) and "name" in entry for entry in entries):
            named: dict[str, Any] = {}
            for entry in entries:
                named[entry["name"]] = merge(named.get(entry["name"], {}), entry)
            return list(named.values())
    return new


class Api(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    objects: ClassVar[dict[Key, dict]] = {}

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, status: int, body: dict) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, code: int, reason: str, message: str) -> None:
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "metadata": {}}
        self._send(code, status | {"reason": reason, "message": message, "code": code})

    def _answer(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = address.path.rstrip("/")
        if path == "/version":
            major, minor = VERSION.split(".")
            self._send(200, {"major": major, "minor": minor, "gitVersion": f"v{VERSION}.0"})
        elif path in ("/api", "/apis"):
            self._send(200, self._groups(path))
        elif path.startswith("/openapi/v3"):
            self._send(200, self._openapi(path.removeprefix("/openapi/v3").strip("/")))
        elif found := re.fullmatch(r"/(?:api/(v1)|apis/([^/]+)/([^/]+))(?:/namespaces/([^/]+))?(?:/(.*))?", path):
            group, version = ("", found[1]) if found[1] else (found[2], found[3])
            plural, _, name = (found[5] or "").partition("/")
            if not plural and not found[4]:
                self._send(200, self._resources(group, version))
            elif (group, version, plural) in RESOURCES:
                self._object(group, version, plural, found[4] or "", name, query, body)
            else:
                self._refuse(404, "NotFound", f"no resource {path}")
        else:
            self._refuse(404, "NotFound", f"no path {path}")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def _groups(self, path: str) -> dict:
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        groups = []
        for group, version in sorted({(group, version) for group, version, _ in RESOURCES if group}):
            known = {"groupVersion": api_version(group, version), "version": version}
            groups.append({"name": group, "versions": [known], "preferredVersion": known})
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def _resources(self, group: str, version: str) -> dict:
        verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
        found = [
            {"name": plural, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": verbs}
            for (in_group, in_version, plural), kind in RESOURCES.items()
            if (in_group, in_version) == (group, version)
        ]
        name = api_version(group, version)
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": found}

    def _openapi(self, path: str) -> dict:
        """Only what a client asks before it applies on the server's side: that patches may be tried dry."""
        prefix = {(g, v): f"apis/{g}/{v}" if g else f"api/{v}" for g, v, _ in RESOURCES}
        if not path:
            return {"paths": {each: {"serverRelativeURL": f"/openapi/v3/{each}"} for each in prefix.values()}}
        parameters = [{"name": name, "in": "query"} for name in ("dryRun", "fieldManager", "fieldValidation", "force")]
        paths = {}
        for (group, version, plural), kind in RESOURCES.items():
            if prefix[group, version] == path:
                what = {"group": group, "version": version, "kind": kind}
                patch = {"parameters": parameters, "x-kubernetes-group-version-kind": what, "responses": {}}
                paths[f"/{path}/namespaces/{{namespace}}/{plural}/{{name}}"] = {"patch": patch}
        return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": f"v{VERSION}"}, "paths": paths}

    def _object(
        self, group: str, version: str, plural: str, namespace: str, name: str, query: dict[str, str], body: bytes
    ) -> None:
        kind = RESOURCES[group, version, plural]
        about = {"apiVersion": api_version(group, version), "kind": kind}
        old = self.objects.get((kind, name))
        apply = self.command == "PATCH" and "apply-patch" in self.headers["Content-Type"]
        if self.command == "GET" and not name:
            items = [each for (of, _), each in self.objects.items() if of == kind]
            self._send(200, about | {"kind": f"{kind}List", "metadata": {"resourceVersion": "1"}, "items": items})
        elif self.command != "POST" and old is None and not apply:
            self._refuse(404, "NotFound", f'{plural} "{name}" not found')
        elif self.command == "GET":
            self._send(200, old or {})
        elif self.command == "DELETE":
            del self.objects[kind, name]
            self._send(200, {"kind": "Status", "apiVersion": "v1", "status": "Success"})
        else:
            given = yaml.safe_load(body)
            new = merge(old or {}, given) if self.command == "PATCH" else given
            name = new["metadata"]["name"]
            if self.command == "POST" and (kind, name) in self.objects:
                self._refuse(409, "AlreadyExists", f'{plural} "{name}" already exists')
                return
            try:
                if group not in CUSTOM:
                    kubernetes_validate.validate(new | about, VERSION, strict=True)
            except kubernetes_validate.ValidationError as error:
                self._refuse(422, "Invalid", f"{kind} {name}: {getattr(error, 'message', error)}")
                return
            new = new | about
            new["metadata"] = {
                **new["metadata"],
                "namespace": namespace,
                "uid": new["metadata"].get("uid") or str(uuid.uuid4()),
                "resourceVersion": str(int(new["metadata"].get("resourceVersion") or 0) + 1),
            }
            if query.get("dryRun") != "All":
                self.objects[kind, name] = new
            self._send(201 if self.command == "POST" else 200, new)


@contextmanager
def api() -> Iterator[tuple[str, dict[Key, dict]]]:
    """A kubeconfig that leads here, and the objects that there are."""
    objects: dict[Key, dict] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("One", (Api,), {"objects": objects}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "test", "context": {"cluster": "here", "user": "nobody"}}],
        "current-context": "test",
    }
    try:
        yield json.dumps(config), objects
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
