"""caso: usage records from OpenStack clouds, once, in order, with nothing lost."""
