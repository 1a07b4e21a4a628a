"""The command `trendhouse`, and dlt's: the only package that knows all others."""
