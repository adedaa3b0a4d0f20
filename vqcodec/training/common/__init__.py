"""What all trainers share: loop, checkpoints, recipes, export, the cache of clips."""
