"""The report: its model, and the renderers that read nothing else."""
