"""What pages and API ask of the served marts, by subject."""
