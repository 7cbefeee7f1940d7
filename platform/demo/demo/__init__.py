"""The demo: from a clone to a delivered change on a cluster of one's own."""
