"""The lake: where its files lie, what a table is at a moment, and how it is looked after."""
