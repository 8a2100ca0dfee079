"""How one configuration is trained: photos, features, networks, and the model that comes out."""
