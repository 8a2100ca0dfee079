"""Who runs, and when: Ray Tune's pool of trials, Optuna's studies, and the story's stages."""
