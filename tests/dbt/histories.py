"""Random histories of a few repositories, as lists of clean rows in the order of their days."""

import json
import random
from datetime import datetime, time, timedelta

LISTS = ("top-100-stars", "top-100-forks", "Python")
LOGINS = ("ann", "bob", "dependabot[bot]", "renovate", "k8s-ci-robot")
# An account that REST types as a bot, though neither login nor list says so; its id acts in the archive, too.
TYPED = 2
GROWING = (
    "commits",
    "completeness",
    "contributor_weeks",
    "commits_daily",
    "events_hourly",
    "issues",
    "repositories_daily",
    "repository_names",
    "unresolved_rankings",
)
START = datetime(2023, 1, 1)


class History:
    """A seeded world of repositories that are renamed and whose names are taken by others."""

    def __init__(self, seed: int, repositories: int = 5) -> None:
        self.random = random.Random(seed)
        self.names = {i: f"owner{i}/name{i}" for i in range(1, repositories + 1)}
        self.stars = {i: 100 * i for i in self.names}
        self.issues: dict[int, dict] = {}
        self.commits: list[dict] = []
        self.event = 0

    def day(self, number: int) -> dict[str, list[dict]]:
        """What is observed on day `number`: rows by clean table."""
        at = START + timedelta(days=number)
        if self.random.random() < 0.6:
            self.rename()
        tables: dict[str, list[dict]] = {"github.repositories": self.repositories(number)}
        for repository in self.names:
            self.stars[repository] += self.random.randint(-3, 9)
            moment = at + timedelta(minutes=self.random.randrange(1440))
            self.observe(tables, repository, moment)
            self.work(tables, repository, moment)
        self.rewrite(tables, at)
        tables["github_ranking.rankings"] = self.rankings(at)
        tables.update(self.ledger(at))
        return tables

    def rename(self) -> None:
        repository = self.random.choice(list(self.names))
        held = list(self.names.values())
        fresh = f"owner{self.random.randint(1, 6)}/name{self.random.randint(1, 6)}"
        if fresh not in held:
            self.names[repository] = fresh

    def repositories(self, number: int) -> list[dict]:
        if number:
            return []
        return [
            {
                "id": i,
                "full_name": name,
                "created_at": START - timedelta(days=i),
                "observed_at": START,
            }
            for i, name in self.names.items()
        ]

    def observe(self, tables: dict, repository: int, moment: datetime) -> None:
        name, stars = self.names[repository], self.stars[repository]
        counted = {
            "id": repository,
            "full_name": name,
            "stargazers_count": stars,
            "forks_count": stars // 3,
        }
        chance = self.random.random()
        if chance < 0.4:
            row = {
                "node_id": f"R_{repository}",
                "open_issues_count": 5,
                "open_pull_requests_count": 2,
            }
            tables.setdefault("github.repository_counters", []).append(
                {**counted, **row, "observed_at": moment}
            )
        elif chance < 0.6:
            row = {"open_issues_count": 8, "created_at": START - timedelta(days=repository)}
            tables.setdefault("github.repository_observations", []).append(
                {**counted, **row, "observed_at": moment}
            )
        if chance > 0.3:
            tables.setdefault("gharchive.events", []).append(self.archived(repository, moment))

    def archived(self, repository: int, moment: datetime) -> dict:
        self.event += 1
        is_pull = self.random.random() < 0.5
        base = {
            "base_repository_id": repository,
            "base_star_count": self.stars[repository],
            "base_fork_count": 1,
            "base_open_issue_count": 3,
        }
        return {
            "event_id": str(self.event),
            "event_type": "PullRequestEvent" if is_pull else "WatchEvent",
            "actor_id": self.event % 3,
            "actor_login": self.random.choice(LOGINS),
            "repository_id": repository,
            "repository_name": self.names[repository],
            "created_at": moment,
            "observed_at": moment.replace(minute=0),
            **(base if is_pull else {}),
        }

    def work(self, tables: dict, repository: int, moment: datetime) -> None:
        author = self.random.choice(LOGINS)
        commit = {
            "repository_id": repository,
            "sha": f"{self.random.getrandbits(64):x}",
            "author_login": author,
            "author_email": f"{author}@example.org",
            "author_type": "Bot" if author.endswith("[bot]") else "User",
            "parents": json.dumps([{}] * self.random.randint(0, 2)),
            "authored_at": moment - timedelta(hours=self.random.choice([0, 0, 0, 30, 2000])),
            "observed_at": moment,
        }
        if self.random.random() < 0.1:
            commit |= {"author_id": TYPED, "author_login": "quiet", "author_type": "Bot"}
        self.commits.append(commit)
        tables.setdefault("github.commits", []).append(commit)
        number = self.random.randint(1, 8) + 10 * repository
        issue = self.issues.setdefault(number, {"created_at": moment})
        row = {
            "id": number,
            "repository_id": repository,
            "number": number,
            "state": self.random.choice(["open", "closed"]),
            "user_login": author,
            "pull_request": "{}" if number % 4 == 0 else None,
            "created_at": issue["created_at"],
            "updated_at": moment,
            "observed_at": moment,
        }
        tables.setdefault("github.issues", []).append(row)
        if self.random.random() < 0.1:
            tables.setdefault("github.tombstones", []).append(
                self.tombstone("issues", str(number), repository, moment)
            )

    def rewrite(self, tables: dict, at: datetime) -> None:
        """Commits and contributors are gone from a rewritten history, or back."""
        for commit in self.random.sample(self.commits, len(self.commits) // 8):
            repository = commit["repository_id"]
            tables.setdefault("github.tombstones", []).append(
                self.tombstone("commits", f"{repository}/{commit['sha']}", repository, at)
            )
        for repository in self.random.sample(sorted(self.names), 2):
            person = self.random.randint(1, 3)
            weeks = range(self.random.randint(1, 3))
            tables.setdefault("github.contributor_weeks", []).extend(
                self.week(repository, person, week, at) for week in weeks
            )
            if self.random.random() < 0.5:
                tables.setdefault("github.tombstones", []).append(
                    self.tombstone("contributors", f"{repository}/{person}", repository, at)
                )

    def week(self, repository: int, person: int, week: int, at: datetime) -> dict:
        return {
            "repository_id": repository,
            "contributor_key": str(person),
            "author_id": person,
            "author_login": LOGINS[person],
            "author_type": "User",
            "week_started_at": 1_672_531_200 + 604_800 * week,
            "commit_count": self.random.randint(0, 5),
            "observed_at": at,
        }

    def tombstone(self, kind: str, key: str, repository: int, moment: datetime) -> dict:
        return {
            "object_type": kind,
            "object_key": key,
            "repository_id": repository,
            "is_deleted": self.random.random() < 0.7,
            "evidence": "a full listing lacks it",
            "observed_at": moment,
        }

    def rankings(self, at: datetime) -> list[dict]:
        held = datetime.combine(at.date(), time(23, 59, 59))
        rows = []
        for list_name in LISTS:
            for rank, name in enumerate(
                self.random.sample([*sorted(self.names.values()), "nobody/knows"], 3), 1
            ):
                owner, short = name.split("/")
                row = {"ranking_date": at.date(), "list_name": list_name, "list_rank": rank}
                url = f"https://github.com/{owner.title()}/{short}"
                stars = self.random.randint(90, 600)
                rows.append(
                    {**row, "repo_url": url, "stars": stars, "forks": 9, "observed_at": held}
                )
        return rows

    def ledger(self, at: datetime) -> dict[str, list[dict]]:
        landed, kept = self.random.randint(2, 9), 2
        counts = {
            "landed_count": landed,
            "kept_count": kept,
            "inserted_count": 1,
            "superseded_count": landed - kept,
            "quarantined_count": 0,
            "waiting_count": 0,
        }
        row = {"source_name": "github", "table_name": "issues", "partition_name": "1"}
        row["observed_date"] = at.date()
        capture = {
            "method": "totalCount",
            "measure": "held",
            "expected_count": at.day,
            "captured_count": self.random.randint(0, at.day),
            "floor_capture_rate": 0.98,
            "floor_action": "block",
            "is_below_floor": self.random.random() < 0.5,
            "observed_at": at,
        }
        return {
            "ledger.reconciliations": [{**row, **counts}],
            "ledger.captures": [{**row, **capture}],
        }
