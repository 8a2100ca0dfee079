"""What came out, on the disk: records, and the folder that keeps them."""
