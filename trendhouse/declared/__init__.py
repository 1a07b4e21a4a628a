"""What is declared beside the data, read: sources, and the contracts of the marts."""
