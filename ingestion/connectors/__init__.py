"""One module per upstream: it yields what it reads, and the pipeline does the rest.

A connector `ingestion/connectors/<name>.py` has two functions and needs to know nothing of dlt:

`land(context: Context) -> Iterator[Item]` yields, in this order for each unit of work (a repository's
stream, a file, a product): `Rows` (see `ingestion.landing`), then `Remember(path, value)` once that unit
is complete. What is remembered is committed with the rows before it, never without them, so a killed run
reads an incomplete unit again. After a `Remember` the pipeline may close a load package, so a unit should
be no bigger than what one likes to read twice. A unit that fails yields `Failure(table, partition, error)`
and the connector goes on; an exception that leaves `land` ends this source's landing, with what was
yielded before it landed. `context.state` is the source's dlt state: read it, never write it.
`context.book(resource, requests, points, size)` books what was sent and received. Independent
expectations are ordinary rows of the table `readings`: `ingestion.readings.reading(...)`.

`plan(spec: SourceSpec, state: dict, settings: Settings) -> Plan` estimates the next landing from the last
state and sends nothing.
"""
