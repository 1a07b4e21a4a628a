"""What a long run of the tests tells: each file when it ends, each failure at once, the time by folder."""

from __future__ import annotations

import time
from collections import Counter

import pytest


class Progress:
    """Lines for a run over several workers, whose own dots would not say which file they are."""

    def __init__(self, plugins: pytest.PytestPluginManager) -> None:
        self.plugins, self.began = plugins, time.monotonic()
        self.left: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.outcomes: dict[str, Counter[str]] = {}

    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Every worker collects the same tests; the first to have done so is enough."""
        self.left = self.left or Counter(file_of(name) for name in ids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No dot for a test that passed."""
        if report.passed:
            return ("passed" if report.when == "call" else ""), "", ""
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = file_of(report.nodeid)
        self.seconds[file] += report.duration
        if report.failed:
            self.say(f"FAILED {report.nodeid} ({report.when})\n{report.longreprtext}")
        if report.when == "call" or not report.passed:
            self.outcomes.setdefault(file, Counter())[report.outcome] += 1
        if report.when == "teardown":
            self.left[file] -= 1
            if not self.left[file]:
                told = ", ".join(f"{n} {name}" for name, n in self.outcomes[file].items())
                self.say(f"{file}: {told} in {self.seconds[file]:.0f} s")

    def pytest_terminal_summary(self) -> None:
        """Seconds of tests and their fixtures by folder: several workers add up to more than the whole run took."""
        folders: Counter[str] = Counter()
        for file, seconds in self.seconds.items():
            folders["/".join(file.split("/")[:2])] += seconds
        self.terminal.section("seconds by folder")
        for folder, seconds in folders.most_common():
            self.terminal.write_line(f"{seconds:7.0f}  {folder}")

    @property
    def terminal(self) -> pytest.TerminalReporter:
        """It is made after the plugins are configured."""
        return self.plugins.get_plugin("terminalreporter")

    def say(self, text: str) -> None:
        self.terminal.write_line(f"{time.monotonic() - self.began:6.0f} s  {text}")


def file_of(nodeid: str) -> str:
    return nodeid.split("::")[0]


def pytest_configure(config: pytest.Config) -> None:
    """Only where tests are distributed, and there only in the process that distributes them."""
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config.pluginmanager))
