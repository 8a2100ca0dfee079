"""How one point is trained: photos, features, networks, and the model that comes out."""
