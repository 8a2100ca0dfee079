"""From labelled photos on a disk to one array of pixels and its split."""
