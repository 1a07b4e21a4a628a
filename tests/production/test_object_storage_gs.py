"""A lake on Google Cloud Storage, by an emulator: land, deduplicate, pull; conditions as they are sent."""

from __future__ import annotations

import duckdb
import pytest

from orchestration import steps
from tests.production.object_storage import BUCKET, disturbed, gcs_server
from trendhouse import worlds
from trendhouse.lake.store import Conflict, LakeUnreachable, open_store
from trendhouse.settings import load_settings


@pytest.fixture(scope="module")
def variables(tmp_path_factory):
    with gcs_server(tmp_path_factory.mktemp("account")) as variables:
        yield variables


@pytest.fixture
def proxy(variables, monkeypatch):
    with disturbed(variables["STORAGE_EMULATOR_HOST"]) as proxy:
        for name, value in {**variables, "STORAGE_EMULATOR_HOST": proxy.url}.items():
            monkeypatch.setenv(name, value)
        yield proxy


@pytest.fixture
def store(proxy, request):
    return open_store(f"gs://{BUCKET}/{request.node.name}")


def test_a_file_goes_and_comes_whole(store, proxy, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"content")
    entry = store.put(file, "clean/file", is_new=True)
    assert store.list("clean") == {"clean/file": entry} and entry.is_copied_to(file)
    store.get("clean/file", tmp_path / "copy", entry)
    assert (tmp_path / "copy").read_bytes() == b"content"
    first = store.swap("clean/manifest", b"1", None)
    second = store.swap("clean/manifest", b"2", first)
    assert store.info("clean/manifest").tag == second != first
    assert store.read("clean/manifest") == b"2"
    store.delete(["clean/file", "clean/gone"])
    assert [*store.list("clean")] == ["clean/manifest"]
    # The emulator obeys no condition; Google does, if it is told.
    sent = [each.path for each in proxy.seen if each.method == "POST"]
    conditions = [path.split("ifGenerationMatch=")[1].split("&")[0] for path in sent]
    assert conditions == ["0", "0", first]


def test_a_condition_that_is_not_met_is_a_conflict(store, proxy, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"content")
    store.swap("clean/manifest", b"1", None)
    store.swap("clean/file", b"other", None)
    proxy.fault = lambda request: 412 if request.method == "POST" else None
    with pytest.raises(Conflict, match="changed by somebody else"):
        store.swap("clean/manifest", b"2", None)
    with pytest.raises(Conflict, match="written by somebody else"):
        store.put(file, "clean/file", is_new=True)


def test_a_store_that_fails_for_a_moment_is_asked_again(store, proxy):
    failing = iter([503])
    proxy.fault = lambda request: next(failing, None) if request.method == "POST" else None
    store.swap("clean/manifest", b"1", None)
    assert store.read("clean/manifest") == b"1"


def test_what_is_wrong_is_told_with_its_remedy(store, proxy, monkeypatch, tmp_path):
    with pytest.raises(LakeUnreachable, match="Create the bucket `nowhere`"):
        open_store("gs://nowhere/lake").list("raw")
    proxy.fault = lambda request: 403
    with pytest.raises(LakeUnreachable, match="Check GOOGLE_APPLICATION_CREDENTIALS"):
        open_store(store.url).list("raw")


def test_land_and_deduplicate_and_read(proxy, monkeypatch, tmp_path):
    url = f"gs://{BUCKET}/team"
    monkeypatch.setenv("TRENDHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("TRENDHOUSE_LAKE_URL", url)
    monkeypatch.setenv("TRENDHOUSE_SPARK_MEMORY", "1g")
    settings = load_settings(world="sample")
    with worlds.enter(settings) as entered:
        landed = steps.land("endoflife", entered)
        assert not landed.failures
        assert steps.deduplicate("endoflife", entered).rows >= landed.rows > 0
    lake = load_settings(world="sample", home=tmp_path / "other").place.lake
    lake.pull()
    files = lake.clean_files("endoflife", "release_cycles")
    with duckdb.connect() as connection:
        connection.register_filesystem(lake.store.fs)
        count = "select count(*) from read_parquet(?)"
        there = connection.execute(
            count, [[f"{lake.url}/{lake.name(f)}" for f in files]]
        ).fetchall()
        assert there == connection.execute(count, [[str(f) for f in files]]).fetchall()
        assert there[0][0] > 0
