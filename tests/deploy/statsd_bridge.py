"""A stand-in for statsd-exporter, for tests only: StatsD by UDP in, `/metrics` out, by the shipped mapping.

It knows of a mapping what `deploy/statsd/mapping.yml` uses: glob and regex matches, metric types, names,
help, labels with `$1`, the action `drop` and the defaults' histogram buckets; tags come as InfluxDB
writes them. Any other key is an error, so that nothing is taken for tested that is not.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

TYPES = {"c": "counter", "g": "gauge", "ms": "observer", "h": "observer", "d": "observer"}
KNOWN = {
    *("match", "match_type", "match_metric_type", "name", "help", "labels", "action"),
}
KNOWN_DEFAULTS = {"observer_type", "histogram_options", "ttl"}
LINE = re.compile(
    r"(?P<name>[^:]+):(?P<value>[+-]?[\d.eE+-]+)\|(?P<type>[a-z]+)(\|@(?P<rate>[\d.]+))?$"
)

Labels = tuple[tuple[str, str], ...]


class Mapping:
    """The shipped mapping: from a StatsD name to a metric's name and labels."""

    def __init__(self, path: Path) -> None:
        content = yaml.safe_load(path.read_text())
        self.defaults = content["defaults"]
        assert set(self.defaults) <= KNOWN_DEFAULTS, self.defaults
        assert self.defaults["observer_type"] == "histogram"
        self.rules: list[tuple[re.Pattern[str], dict[str, Any]]] = []
        for rule in content["mappings"]:
            assert set(rule) <= KNOWN, f"the bridge does not know {set(rule) - KNOWN}"
            self.rules.append((pattern(rule), rule))

    @property
    def buckets(self) -> list[float]:
        return [*self.defaults["histogram_options"]["buckets"], float("inf")]

    def of(self, name: str, kind: str) -> tuple[dict[str, Any], dict[str, str]] | None:
        """The first rule that fits, with its labels filled; None if that drops the metric."""
        for matcher, rule in self.rules:
            found = matcher.fullmatch(name)
            if found and rule.get("match_metric_type", kind) == kind:
                if rule.get("action") == "drop":
                    return None
                labels = rule.get("labels", {}).items()
                return rule, {label: filled(value, found) for label, value in labels}
        raise AssertionError(f"{name}: no rule, not even one that drops it")


def filled(value: str, found: re.Match[str]) -> str:
    return re.sub(r"\$(\d)", lambda at: found[int(at[1])], value)


def pattern(rule: dict[str, Any]) -> re.Pattern[str]:
    """A glob's star stands for one part between dots."""
    if rule.get("match_type") == "regex":
        return re.compile(rule["match"])
    return re.compile(re.escape(rule["match"]).replace(r"\*", "([^.]*)"))


class Metrics:
    """What was heard so far, as Prometheus' text."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.values: dict[tuple[str, Labels], float] = {}
        self.histograms: dict[tuple[str, Labels], list[float]] = {}
        self.families: dict[str, tuple[str, str]] = {}
        self.dropped: set[str] = set()
        self.lock = threading.Lock()

    def hear(self, line: str) -> None:
        found = LINE.match(line)
        assert found, f"no StatsD: {line!r}"
        name, *tags = found["name"].split(",")
        kind, value = TYPES[found["type"]], float(found["value"])
        with self.lock:
            mapped = self.mapping.of(name, kind)
            if mapped is None:
                self.dropped.add(name)
                return
            rule, labels = mapped
            key = (
                rule["name"],
                tuple(sorted((dict(tag.split("=", 1) for tag in tags) | labels).items())),
            )
            shown = "histogram" if kind == "observer" else kind
            self.families[rule["name"]] = (shown, rule.get("help", ""))
            if kind == "observer":
                self.observe(key, value / 1000 if found["type"] == "ms" else value)
            elif kind == "counter":
                self.values[key] = self.values.get(key, 0) + value / float(found["rate"] or 1)
            else:
                before = self.values.get(key, 0) if found["value"][0] in "+-" else 0
                self.values[key] = before + value

    def observe(self, key: tuple[str, Labels], value: float) -> None:
        buckets = self.mapping.buckets
        held = self.histograms.setdefault(key, [0.0] * (len(buckets) + 1))
        for place, bound in enumerate(buckets):
            held[place] += value <= bound
        held[-1] += value

    def text(self) -> str:
        with self.lock:
            return "".join(f"{line}\n" for line in self.lines())

    def lines(self) -> Iterator[str]:
        for family, (kind, meaning) in sorted(self.families.items()):
            yield f"# HELP {family} {meaning}"
            yield f"# TYPE {family} {kind}"
            for (name, labels), value in sorted(self.values.items()):
                if name == family:
                    yield f"{name}{shown(labels)} {value}"
            for (name, labels), held in sorted(self.histograms.items()):
                if name == family:
                    for bound, count in zip(self.mapping.buckets, held[:-1], strict=True):
                        le = "+Inf" if bound == float("inf") else f"{bound:g}"
                        yield f"{name}_bucket{shown((*labels, ('le', le)))} {count}"
                    yield f"{name}_sum{shown(labels)} {held[-1]}"
                    yield f"{name}_count{shown(labels)} {held[-2]}"


def shown(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}" if labels else ""


class Bridge:
    """Listens on two free ports of 127.0.0.1 for as long as its context lasts."""

    def __init__(self, mapping: Path) -> None:
        self.metrics = Metrics(Mapping(mapping))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.statsd_port = self.socket.getsockname()[1]
        metrics = self.metrics

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = metrics.text().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Every scrape would be a line."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.threads = [
            threading.Thread(target=self.listen, daemon=True),
            threading.Thread(target=self.server.serve_forever, daemon=True),
        ]

    def listen(self) -> None:
        while True:
            data = self.socket.recv(65_536)
            if data == b"end":
                return
            for line in data.decode().splitlines():
                self.metrics.hear(line)

    def __enter__(self) -> Bridge:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"end", ("127.0.0.1", self.statsd_port))
        self.server.shutdown()
        self.server.server_close()
        for thread in self.threads:
            thread.join(10)
        self.socket.close()
