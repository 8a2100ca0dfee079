"""What may vary: the backbones, their documented baselines and the box that is searched.

The leftmost room: it imports nothing of ours and nothing heavy, so every other room may read it.
"""
