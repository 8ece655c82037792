"""What every figure shares: the private cluster, load generators, servers, accounting, the report."""
