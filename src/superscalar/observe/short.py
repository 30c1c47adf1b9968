"""Values in a few characters, for views: see `superscalar.short`."""

from superscalar.short import short, short_arguments

__all__ = ["short", "short_arguments"]
