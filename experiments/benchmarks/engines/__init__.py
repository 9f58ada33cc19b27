"""The engines that `against_engines` compares: a file each for the same 36 features, and what they agree on."""
