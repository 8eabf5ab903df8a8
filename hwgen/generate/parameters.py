"""What parameters of units may be."""

from dataclasses import dataclass

__all__ = ["Flag", "OneOf", "Parameter", "Whole"]


@dataclass(frozen=True)
class Whole:
    """A parameter that is a whole number from ``low`` to ``high``."""

    default: int
    low: int
    high: int
    about: str

    @property
    def values(self) -> str:
        """What it may be, for people."""
        return f"{self.low} to {self.high}"

    def accepts(self, value: object) -> bool:
        """Return whether it may be a value."""
        return type(value) is int and self.low <= value <= self.high


@dataclass(frozen=True)
class OneOf:
    """A parameter that is one of a few words."""

    default: str
    choices: tuple[str, ...]
    about: str
    in_words: str = ""

    @property
    def values(self) -> str:
        """What it may be, for people."""
        return self.in_words or ", ".join(self.choices)

    def accepts(self, value: object) -> bool:
        """Return whether it may be a value."""
        return value in self.choices


@dataclass(frozen=True)
class Flag:
    """A parameter that is on or off, and off where nothing is said."""

    about: str
    default: bool = False
    values: str = "on or off"

    def accepts(self, value: object) -> bool:
        """Return whether it may be a value."""
        return isinstance(value, bool)


Parameter = Whole | OneOf | Flag
