"""What pages, feeds, digests and the API ask of a read model, by subject."""
