"""Gold sets: read from the formats that people have, checked, and drafted from articles."""
