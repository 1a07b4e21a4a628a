"""Real landings that fall short, and what people are told of them."""

from __future__ import annotations

import re
from dataclasses import replace

from orchestration import steps
from orchestration.alerts import alerts_of, send
from simulator.running import serve
from tests.ingestion.github_world import DAY_1, GitHubWorld, name_of


def test_a_spent_quota_and_a_part_that_is_down_are_told_by_their_names(
    tmp_path, monkeypatch, mailbox
):
    with serve(now=DAY_1, core_limit=40, window_seconds=3600) as upstream:
        world = GitHubWorld(tmp_path, upstream, monkeypatch.setenv)
        world.watch(name_of(0, DAY_1), name_of(4, DAY_1), name_of(6, DAY_1))
        short = steps.land("github", world.settings(DAY_1, deadline_seconds=20))
    with serve(now=DAY_1, down=r"/releases\?") as upstream:
        world = GitHubWorld(tmp_path / "other", upstream, monkeypatch.setenv)
        world.watchlist.parent.mkdir()
        world.watch(name_of(0, DAY_1))
        broken = steps.land("github", world.settings(DAY_1))
    for outcome in (short, broken):
        for alert in alerts_of(outcome, "github"):
            send(replace(alert, dag_id="ingest_github", task_id="land"))
    assert mailbox.subjects == [
        "[trendhouse] quota exhausted: ingest_github.land",
        "[trendhouse] partial landing: ingest_github.land",
    ]
    quota, partial = mailbox.bodies
    assert re.search(
        r"<p>1 part: not landed. Landed: [\d,]+ rows in \d+ tables, \d+ requests", quota
    )
    assert "the quota of `core` is spent down to the reserve" in quota
    assert f"<th align='left'>Rows</th><td>{short.rows:,}</td>" in quota
    assert "<li>github: releases" in partial
    assert f"<th align='left'>Rows</th><td>{broken.rows:,}</td>" in partial
