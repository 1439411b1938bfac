"""What is raised for a form that cannot be read."""


class FormError(Exception):
    """A form does not parse: `what` is wrong there, `position` is the character where, from 0."""

    def __init__(self, what: str, position: int) -> None:
        super().__init__(what, position)
        self.what = what
        self.position = position

    def __str__(self) -> str:
        return f"{self.what}, at character {self.position}"
