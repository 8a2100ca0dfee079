"""What may vary: the six backbones, the paper's configuration and the box that is searched.

The leftmost room: it imports nothing of ours and nothing heavy, so every other room may read it.
"""
