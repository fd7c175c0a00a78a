"""A past that nobody rewrites unnoticed: what is sealed, how it is proven, what `tiffin verify` holds against it."""
