"""Ask the JVM once for what PySpark looks up by name for every column expression."""

from __future__ import annotations

from typing import Any

from py4j.java_gateway import JavaClass, JVMView

# What `pyspark.sql.functions` goes through.
ENTRIES = ("functions", "PythonUtils", "PythonSQLUtils")


class Remembered(JavaClass):
    """A Java class that looks each of its static members up once."""

    def __getattr__(self, name: str) -> Any:
        member = super().__getattr__(name)
        vars(self)[name] = member
        return member


def remember(jvm: JVMView) -> None:
    """Keep the entries in `jvm`: a look-up there searches every jar, and a table needs thousands."""
    for name in ENTRIES:
        full_name = getattr(jvm, name)._fqn
        vars(jvm)[name] = vars(jvm)[full_name] = Remembered(full_name, jvm._gateway_client)
