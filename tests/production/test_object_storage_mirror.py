"""A lake in a store, worked on by machines that hold copies: the same rows, little traffic, no loss."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

import trendhouse.lake.mirror
from orchestration.alerts.drift import new_drift
from spark.jobs.deduplicate import deduplicate
from spark.session import start
from tests.production.object_storage import BUCKET
from tests.spark.conftest import T0, Landing, source
from trendhouse.lake.compact import compact
from trendhouse.lake.erase import erase
from trendhouse.lake.lake import Lake
from trendhouse.lake.manifest import read_manifest
from trendhouse.lake.mirror import Mirror
from trendhouse.lake.retain import retain
from trendhouse.lake.store import Conflict, LakeUnreachable
from trendhouse.settings import ROOT

STATES = {
    "key": ["id"],
    "cursor": "observed_at",
    "partition": {"column": "year", "by": "value"},
    "columns": {"id": {"type": "bigint"}, "year": {"type": "bigint"}, "login": {"type": "string"}},
}
# Commits one more file to a clean table, as a deduplication does, by the machine of that name.
COMMIT = """
import sys
from pathlib import Path
from tests.production.test_object_storage_mirror import commit_one
commit_one(Path(sys.argv[1]), sys.argv[2])
"""


def spec():
    return source(states=dict(STATES))


@pytest.fixture(scope="module")
def session():
    """The process's session; whoever runs other tests in it may have started it already."""
    return start(master="local[2]", memory="1g")


class World:
    """A lake in the store and one in a folder, landed alike; machines are mirrors of the first."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path, self.url = folder, f"s3://{BUCKET}/{name}"
        self.folder = Lake(folder / "lake")
        self.landing = Landing(self.folder)
        self.machines: dict[str, Mirror] = {}

    def machine(self, name: str) -> Mirror:
        return self.machines.setdefault(name, Mirror(self.path / name, self.url))

    def land(self, *rows: dict, **options) -> None:
        file = self.landing.land("states", *rows, **options)
        self.machine("lander").store.put(
            file, file.relative_to(self.folder.root).as_posix(), is_new=True
        )

    def held(self) -> dict[str, int]:
        """Every object that the store has: its size."""
        return {name: entry.size for name, entry in self.machine("x").store.list("").items()}

    def rows(self, machine: str = "reader") -> list[tuple]:
        """The clean rows that a machine finds which has nothing yet."""
        lake = self.machine(machine)
        lake.pull()
        return rows_of(lake)


def rows_of(lake: Lake) -> list[tuple]:
    files = [str(path) for path in lake.clean_files("shop", "states")]
    return duckdb.sql(f"select * from read_parquet({files}) order by all").fetchall()


@pytest.fixture
def world(proxy, tmp_path, request):
    return World(tmp_path, request.node.name)


def row(number: int, login: str = "ann", year: int | None = None) -> dict:
    return {"id": number, "year": year or 2020 + number % 3, "login": login}


def work(session, lake: Lake) -> list:
    with lake.changing("shop"):
        return deduplicate(session, lake, spec())


def test_a_machine_that_has_nothing_knows_what_was_deduplicated(world, tmp_path):
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"version": 3}')
    lake = world.machine("new")
    name = lake.name(lake.manifest("shop", "states"))
    world.machine("lander").store.put(manifest, name, is_new=True)
    assert lake.manifest_of("shop", "states") == {"version": 3}
    assert lake.manifest_of("shop", "others") == {}


def test_what_comes_of_a_store_is_what_comes_of_a_folder(session, world, proxy):
    changed = [row(0, "bob"), {**row(9, "bob"), "new": 1}]
    for day, rows in enumerate(([row(n) for n in range(9)], changed)):
        world.land(*rows, at=T0 + timedelta(days=day))
        counts = work(session, world.machine("a"))
        assert counts == work(session, world.folder) and counts[0].landed_count == len(rows)
        again = Mirror(world.path / "a", world.url)  # the same machine, another process
        assert new_drift(again, counts) == new_drift(world.folder, counts)
        assert world.rows() == rows_of(world.folder)
    assert [each.path for each in new_drift(again, counts)] == ["new"]
    ours = {name: size for name, size in world.held().items() if "_manifest" not in name}
    theirs = {
        path.relative_to(world.folder.root).as_posix(): path.stat().st_size
        for path in world.folder.root.rglob("*.parquet")
    }
    assert ours.keys() == theirs.keys()


def test_what_is_not_new_is_neither_pulled_nor_pushed(session, world, proxy):
    world.land(*(row(n) for n in range(9)))
    work(session, world.machine("a"))
    world.land(row(1, "bob"), at=T0 + timedelta(days=1))
    proxy.seen.clear()
    work(session, world.machine("b"))  # a machine that has nothing yet
    read = sorted(
        path_of(each) for each in proxy.seen if each.method == "GET" and "?" not in each.path
    )
    assert [name.split("/")[-2] for name in read if "clean" in name] == ["2021", "states"]
    assert [name for name in read if "raw" in name] == [
        "raw/shop/states/2026/01/02/load0002.0.parquet"
    ]
    written = [path_of(each) for each in proxy.seen if each.method == "PUT"]
    assert sorted(written) == [
        "clean/shop/states/2021/2-0.parquet",
        "clean/shop/states/_ledger/reconciliations-2.parquet",
        "clean/shop/states/_manifest.json",
    ]
    assert written[-1].endswith("_manifest.json")
    assert not list(world.machine("b").raw.rglob("*.parquet"))
    proxy.seen.clear()
    assert work(session, world.machine("b")) == []
    assert [each.method for each in proxy.seen if each.method not in ("GET", "HEAD")] == []


def path_of(request) -> str:
    """The name within the lake."""
    return request.path.split("?")[0].split("/", 3)[-1]


def commit_one(root: Path, url: str) -> None:
    from trendhouse.lake.manifest import Manifest, commit, next_version

    lake = Mirror(root, url)
    with lake.changing("shop"):
        old, version = read_manifest(lake, "shop", "states"), next_version(lake)
        names = [f"{year}/{version}-0.parquet" for year in (2020, 2021, 2022)]
        for name in names:
            path = lake.clean_table("shop", "states") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            duckdb.sql(f"copy (select {version} as version) to '{path}'")
        files = sorted([*(old.files if old else []), *names])
        commit(lake, "shop", "states", Manifest(version=version, files=files), old)


@pytest.mark.parametrize("writes", [2, 4])
def test_a_push_that_is_killed_is_not_seen_and_the_next_one_is_whole(
    world, proxy, tmp_path, writes, monkeypatch
):
    commit_one(tmp_path / "a", world.url)
    before = world.rows("reader1")
    reached, done = threading.Event(), threading.Event()
    begun = proxy.count("PUT")

    def stall(request):
        if request.method == "PUT" and proxy.count("PUT") - begun == writes:
            reached.set()
            done.wait(30)
            return 500
        return None

    proxy.fault = stall
    command = [sys.executable, "-c", COMMIT, str(tmp_path / "b"), world.url]
    child = subprocess.Popen(command, cwd=ROOT)
    assert reached.wait(30)
    child.send_signal(signal.SIGKILL)
    child.wait()
    done.set()
    proxy.fault = lambda request: None
    left = {name for name in world.held() if "/2-0" in name}
    assert world.rows("reader2") == before == [(1,)] * 3
    commit_one(tmp_path / "b", world.url)
    assert world.rows("reader3") == [*before, *[(3 if left else 2,)] * 3]
    assert left <= set(world.held())  # they might be another's who is about to name them
    monkeypatch.setattr(trendhouse.lake.mirror, "ORPHANED_AFTER", -60)
    commit_one(tmp_path / "b", world.url)
    assert left & set(world.held()) == set()
    assert len(world.rows("reader4")) == 9


def test_two_machines_at_once_lose_nothing(session, world):
    """Without any lock between them: the second to come is refused, and does its work again."""
    world.land(*(row(n) for n in range(6)))
    a, b = world.machine("a"), world.machine("b")
    with pytest.raises(Conflict, match="somebody else"), a.changing("shop"):
        deduplicate(session, a, spec())
        world.land(row(6), row(0, "bob"), at=T0 + timedelta(days=1))
        work(session, b)
    for _ in range(2):
        work(session, world.folder)
    assert [each[:3] for each in world.rows("reader1")] == [
        each[:3] for each in rows_of(world.folder)
    ]
    work(session, a)
    assert world.rows("reader2") == world.rows("reader1")
    work(session, b)
    assert len(read_manifest(b, "shop", "states").consumed) == 2


def test_the_later_manifest_of_two_is_refused_where_no_file_collides(world, tmp_path):
    a = world.machine("a")
    commit_one(tmp_path / "b", world.url)
    with pytest.raises(Conflict), a.changing("shop"):
        commit_one(tmp_path / "b", world.url)
        assert a.newest_version() == 2  # which looks at what is there now
        folder = a.clean_table("shop", "states")
        content = (folder / "_manifest.json").read_text()
        (folder / "_manifest.json").write_text(content.replace('"version": 1', '"version": 7'))
    assert world.rows() == [(1,)] * 3 + [(2,)] * 3


def test_retention_and_compaction_of_a_store_are_those_of_a_folder(session, world):
    for day in range(4):
        world.land(row(day), at=T0 + timedelta(days=day))
    lakes = world.machine("a"), world.folder
    for lake in lakes:
        work(session, lake)
        with lake.changing("shop"):
            assert compact(lake, spec(), "states") == 3
    assert (
        raw_of(world)
        == ["load0004.0.compacted.parquet"]
        == [path.name for path in world.folder.raw_files("shop", "states")]
    )
    world.land(row(1, "bob"), at=T0 + timedelta(days=9))
    for lake in lakes:
        work(session, lake)
        with lake.changing("shop"):
            assert len(retain(lake, spec(), days=2, now=T0 + timedelta(days=9))) == 1
        assert work(session, lake) == []
    assert raw_of(world) == ["load0005.0.parquet"]
    ours, theirs = (read_manifest(lake, "shop", "states") for lake in lakes)
    assert ours == theirs and ours.retained == 1
    assert world.rows() == rows_of(world.folder)


def raw_of(world: World) -> list[str]:
    return [name.rpartition("/")[2] for name in world.held() if name.startswith("raw/")]


@pytest.mark.parametrize("verb", ["compact", "retain"])
def test_a_rewrite_of_raw_that_breaks_off_reads_no_row_twice(
    session, world, proxy, verb, monkeypatch
):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for day in range(3):
        world.land(row(day), at=T0 + timedelta(days=day))
    lake = world.machine("a")
    work(session, lake)
    proxy.fault = lambda request: 500 if "delete" in request.path else None
    with pytest.raises(LakeUnreachable), lake.changing("shop"):
        if verb == "compact":
            compact(lake, spec(), "states")
        else:
            retain(lake, spec(), days=1, now=T0 + timedelta(days=9))
    proxy.fault = lambda request: None
    before = world.rows("reader1")
    assert work(session, world.machine("b")) == []
    assert world.rows("reader2") == before


def test_an_erased_person_is_gone_from_every_object(session, world):
    world.land(row(1, "ann"), row(2, "bob"))
    lake = world.machine("a")
    work(session, lake)
    with lake.changing("shop"):
        assert erase(lake, [spec()], ["ann"]).raw_files == 1
    world.land(row(3, "ann"), at=T0 + timedelta(days=1))
    work(session, world.machine("b"))
    store = world.machine("x").store
    names = [name for name in store.list("") if name.endswith(".parquet")]
    assert {name.split("/")[0] for name in names} == {"raw", "clean"}
    for name in names:
        with store.open(name) as file:
            assert "ann" not in str(pq.read_table(file).to_pylist()), name
    assert [each[2] for each in world.rows() if each[0] == 2] == ["bob"]


def test_a_store_that_loses_a_file_is_told(world, tmp_path):
    commit_one(tmp_path / "a", world.url)
    before, after = world.machine("before"), world.machine("after")
    before.survey("clean/")
    before.store.delete(["clean/shop/states/2020/1-0.parquet"])
    for reader in (before, after):
        with pytest.raises(Conflict, match=r"2020/1-0\.parquet is not there any more"):
            reader.here([reader.clean_table("shop", "states") / "2020" / "1-0.parquet"])
    with pytest.raises(Conflict, match=r"2020/1-0\.parquet is not there any more"):
        after.pull()


def test_sizes_are_asked_once_in_a_while(world, proxy, tmp_path):
    commit_one(tmp_path / "a", world.url)
    sizes = world.machine("x").sizes("clean", "shop")
    proxy.seen.clear()
    assert world.machine("y").sizes("clean", "shop") == sizes and len(sizes) == 3
    assert not proxy.seen
