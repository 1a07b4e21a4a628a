"""The upstream APIs on loopback: a deterministic world, replayed recordings, and faults on demand."""
