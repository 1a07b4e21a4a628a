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

How true a record is to what was received: lines of files (`gharchive`) land byte for byte. Items of a JSON
answer (`github`, `endoflife`) land as the same JSON value, written anew: escapes, spaces and the spelling of numbers may
differ, of a key given twice the last one stays, an integer beyond 64 bits becomes a double. A line of a
CSV (`github_ranking`) lands as a JSON object of its strings.

`plan(spec: SourceSpec, state: dict, settings: Settings) -> Plan` estimates the next landing from the last
state and sends nothing.
"""
