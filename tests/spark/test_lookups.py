"""A column function is looked up in the JVM once, not for every expression."""

from py4j.java_gateway import JavaClass, JVMView
from pyspark.sql import functions as F


def test_a_function_is_looked_up_once(spark, monkeypatch):
    def build() -> str:
        return str(F.coalesce(F.col("a"), F.lit(1), F.upper("b")))

    first = build()

    def refuse(_: object, name: str) -> None:
        raise AssertionError(f"`{name}` was looked up again")

    for kind in (JavaClass, JVMView):
        monkeypatch.setattr(kind, "__getattr__", refuse)
    assert build() == first
