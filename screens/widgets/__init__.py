"""What pages are put together from: boxes that measure, place and draw themselves in units of a page 1080 wide."""
