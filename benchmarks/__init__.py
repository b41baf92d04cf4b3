"""Speed, as ratios in one run against the alternative."""
