"""What is raised where something stored is not what was written."""


class Damaged(ValueError):
    """A stored form that cannot be decoded, or is of other content."""
