"""Made-up users with writing tasks, in the four steps of the paper (Zhang et al. 2024)."""
