"""The buckets' rules as code: stores take them, they fit the lake's layout, and they delete nothing that counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.production.object_storage import BUCKET, aws_client, gcs_server, s3_client, s3_server
from trendhouse.settings import ROOT, load_settings

FOLDER = ROOT / "deploy" / "storage"


def content(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


@pytest.fixture(scope="module")
def s3():
    with s3_server() as url:
        client = s3_client(url)
        client.create_bucket(Bucket=BUCKET)
        yield client


def layer(name: str, scheme: str = "s3") -> str:
    """Where the live world's layer lies in a bucket, by the settings themselves."""
    lake = load_settings(world="live", lake_url=f"{scheme}://{BUCKET}").place.lake
    return f"{lake.url.removeprefix(f'{scheme}://{BUCKET}/')}/{name}/"


def test_s3_takes_the_rules_and_gives_them_back(s3):
    rules = content("s3-lifecycle.json")
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=rules)
    held = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert {rule["ID"]: rule for rule in held} == {rule["ID"]: rule for rule in rules["Rules"]}
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=content("s3-versioning.json"))
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"


def test_s3_forgets_no_live_object_and_every_former_one(s3):
    """Raw that a rule deleted would still count as consumed: only `trendhouse retain` may."""
    rules = content("s3-lifecycle.json")["Rules"]
    assert [rule["Expiration"] for rule in rules if "Expiration" in rule] == [
        {"ExpiredObjectDeleteMarker": True}
    ]
    (former,) = (rule for rule in rules if "NoncurrentVersionExpiration" in rule)
    assert all(layer(name).startswith(former["Filter"]["Prefix"]) for name in ("raw", "clean"))
    (seldom,) = (rule for rule in rules if "Transitions" in rule)
    assert seldom["Filter"]["Prefix"] == layer("raw")
    # What is in these classes answers at once; deduplication could not wait for others.
    assert {each["StorageClass"] for each in seldom["Transitions"]} <= {"STANDARD_IA", "GLACIER_IR"}
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


def test_the_access_policy_is_one_and_covers_the_lake_alone(s3):
    iam = aws_client("iam", s3.meta.endpoint_url)
    text = (FOLDER / "s3-access.json").read_text().replace("BUCKET", BUCKET)
    made = iam.create_policy(PolicyName="lake", PolicyDocument=text)  # which checks its grammar
    assert made["Policy"]["PolicyName"] == "lake"
    statements = json.loads(text)["Statement"]
    assert [each["Resource"] for each in statements] == [
        f"arn:aws:s3:::{BUCKET}",
        f"arn:aws:s3:::{BUCKET}/{layer('').rstrip('/')}/*",
    ]
    assert "*" not in "".join(action for each in statements for action in each["Action"])


def test_gcs_takes_the_rules_and_gives_them_back(tmp_path, monkeypatch):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    rules = content("gcs-lifecycle.json")["rule"]
    with gcs_server(tmp_path) as variables:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", variables["STORAGE_EMULATOR_HOST"])
        client = storage.Client(project="trendhouse", credentials=AnonymousCredentials())
        bucket = client.get_bucket(BUCKET)
        bucket.lifecycle_rules = rules
        bucket.versioning_enabled = True
        bucket.patch()
        held = client.get_bucket(BUCKET)
        assert [dict(rule) for rule in held.lifecycle_rules] == rules
        assert held.versioning_enabled
        client.close()


def test_gcs_forgets_no_live_object():
    for rule in content("gcs-lifecycle.json")["rule"]:
        if rule["action"]["type"] == "Delete":
            assert rule["condition"].keys() == {"daysSinceNoncurrentTime", "matchesPrefix"}
        if rule["action"]["type"] == "SetStorageClass":
            assert rule["condition"]["matchesPrefix"] == [layer("raw", "gs")]
