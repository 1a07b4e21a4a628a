"""What people read: pages, feeds, charts and the API, over the published marts."""
