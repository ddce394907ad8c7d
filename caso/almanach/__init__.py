"""Moving in from Almanach: the rows of its database become lives, and what was wrong with them is mended and told."""
