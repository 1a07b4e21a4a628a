"""The store by itself: big files, long listings, conditional writes, a server that fails, and remedies."""

from __future__ import annotations

import os
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.production.object_storage import (
    BUCKET,
    Disturbed,
    s3_client,
)
from trendhouse.lake.store import PART_BYTES, Conflict, LakeUnreachable, Store, open_store
from trendhouse.settings import SettingsError, load_settings


@pytest.fixture
def store(proxy, request) -> Store:
    """A folder of its own for each test."""
    return open_store(f"s3://{BUCKET}/{request.node.name}")


@pytest.fixture
def file(tmp_path):
    return file_of(tmp_path / "file", b"content")


def file_of(path, content: bytes):
    path.write_bytes(content)
    return path


def held(proxy: Disturbed, store: Store) -> list[str]:
    """What the server itself has below a store."""
    listed = s3_client(proxy.upstream).list_objects_v2(
        Bucket=BUCKET, Prefix=store.path("").removeprefix(f"{BUCKET}/")
    )
    return [each["Key"].rpartition("/")[2] for each in listed.get("Contents", [])]


def test_a_big_file_goes_up_in_parts_and_appears_with_the_last_of_them(store, proxy, tmp_path):
    big = file_of(tmp_path / "big", os.urandom(2 * PART_BYTES + 1))
    seen = []

    def look(request):
        if "uploadId=" in request.path:
            seen.append(held(proxy, store))

    proxy.fault = look
    entry = store.put(big, "clean/big", is_new=True)
    assert proxy.count("PUT", "partNumber=") == 3
    assert seen == [[], [], [], []]
    assert store.list("clean") == {"clean/big": entry} and entry.is_copied_to(big)
    store.get("clean/big", tmp_path / "copy", entry)
    assert (tmp_path / "copy").read_bytes() == big.read_bytes()
    other = file_of(tmp_path / "other", b"x" * 2 * PART_BYTES)
    with pytest.raises(Conflict, match="written by somebody else"):
        store.put(other, "clean/big", is_new=True)
    assert store.info("clean/big") == entry


def test_a_part_that_fails_leaves_nothing_behind(store, proxy, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    big = file_of(tmp_path / "big", os.urandom(2 * PART_BYTES + 1))
    proxy.fault = lambda request: 500 if "partNumber=2" in request.path else None
    with pytest.raises(LakeUnreachable, match="nothing was committed"):
        store.put(big, "clean/big", is_new=True)
    assert held(proxy, store) == []
    assert "Uploads" not in s3_client(proxy.upstream).list_multipart_uploads(Bucket=BUCKET)


def test_a_listing_has_all_its_pages(store, proxy):
    client = s3_client(proxy.upstream)
    prefix = store.path("raw").removeprefix(f"{BUCKET}/")
    with ThreadPoolExecutor(8) as pool:
        for number in range(1_003):
            pool.submit(client.put_object, Bucket=BUCKET, Key=f"{prefix}/{number:04d}", Body=b"")
    assert len(store.list("raw")) == 1_003
    assert proxy.count("GET", "continuation-token=") == 1
    store.delete(store.list("raw"))
    assert store.list("raw") == {}


@pytest.mark.parametrize("status", [500, 503])
def test_a_store_that_fails_for_a_moment_is_asked_again(store, proxy, file, status):
    failing = iter([status, status])
    proxy.fault = lambda request: next(failing, None) if request.method == "PUT" else None
    store.put(file, "clean/file", is_new=True)
    assert store.read("clean/file") == b"content"
    assert proxy.count("PUT") == 3


@pytest.mark.parametrize("status", [500, 503])
def test_a_store_that_keeps_failing_is_given_up_with_a_remedy(
    store, proxy, file, status, monkeypatch
):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    proxy.fault = lambda request: status if request.method == "PUT" else None
    with pytest.raises(LakeUnreachable, match=r"Could not write s3://.*kept failing.*Run it again"):
        store.put(file, "clean/file", is_new=True)
    assert proxy.count("PUT") >= 2
    assert held(proxy, store) == []


def test_a_lost_answer_to_a_write_that_succeeded_is_no_conflict(store, proxy, file):
    losing = iter([True, False, True])
    proxy.lost = lambda request: request.method == "PUT" and next(losing, False)
    store.put(file, "clean/file", is_new=True)
    tag = store.swap("clean/manifest", b"content", None)
    assert store.info("clean/manifest").tag == tag
    assert [proxy.count("PUT", f"clean/{name}") for name in ("file", "manifest")] == [2, 2]


def test_nothing_is_overwritten_that_somebody_else_wrote(store, file, tmp_path):
    first = store.swap("clean/manifest", b"1", None)
    second = store.swap("clean/manifest", b"2", first)
    for stale in (None, first):
        with pytest.raises(Conflict, match="changed by somebody else"):
            store.swap("clean/manifest", b"3", stale)
    with pytest.raises(Conflict):
        store.swap("clean/gone", b"3", second)
    store.put(file, "clean/file", is_new=True)
    with pytest.raises(Conflict):
        store.put(file_of(tmp_path / "other", b"CONTENT"), "clean/file", is_new=True)
    assert (store.read("clean/manifest"), store.read("clean/file")) == (b"2", b"content")


def test_a_server_that_ignores_conditions_is_not_worked_with(store, proxy):
    store.require_conditions()
    proxy.stripped = {"If-None-Match"}
    with pytest.raises(LakeUnreachable, match="ignores conditional writes"):
        store.require_conditions()
    assert held(proxy, store) == []


def test_a_copy_is_known_from_a_file_that_was_written(store, tmp_path):
    one, two = (file_of(tmp_path / name, name.encode()) for name in ("1", "2"))
    entries = [store.put(path, f"clean/{path.name}", is_new=True) for path in (one, two)]
    assert entries[0].is_copied_to(one) and entries[1].is_copied_to(two)
    assert not entries[0].is_copied_to(two)
    os.utime(one, (entries[0].modified, entries[0].modified))
    assert not entries[0].is_copied_to(one)
    with pytest.raises(Conflict, match="bytes instead of"):
        store.get("clean/1", tmp_path / "copy", type(entries[0])(2, 1, "another"))
    assert not (tmp_path / "copy").exists()


def test_a_missing_bucket_is_told_with_its_remedy(store):
    with pytest.raises(LakeUnreachable, match=r"Create the bucket `nowhere`.*TRENDHOUSE_LAKE_URL"):
        open_store("s3://nowhere/lake").list("raw")


def test_refused_credentials_are_told_with_their_remedy(store, endpoint):
    def checked_from(count: str) -> None:
        address = f"{endpoint}/moto-api/reset-auth"
        plain = {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(address, count.encode(), plain)).close()

    checked_from("0")
    try:
        with pytest.raises(LakeUnreachable, match="Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"):
            store.list("raw")
    finally:
        checked_from("inf")


def test_missing_credentials_are_told_with_their_remedy(store, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(LakeUnreachable, match="Check AWS_ACCESS_KEY_ID"):
        store.list("raw")


def test_a_server_that_is_not_there_is_told(store, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(
        LakeUnreachable, match=r"127\.0\.0\.1:9.*Check the network, and AWS_ENDPOINT_URL"
    ):
        open_store(store.url).list("raw")


@pytest.mark.parametrize("url", ["/data/lake", "s3://", "azure://lake", "lake"])
def test_an_address_that_is_none_is_told_with_the_variable(url):
    with pytest.raises(SettingsError, match=r"TRENDHOUSE_LAKE_URL is .*give s3://bucket/folder"):
        load_settings(lake_url=url)
