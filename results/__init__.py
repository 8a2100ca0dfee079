"""What came out: records, the run folder, and every number, table and page made of them."""
