"""`python -m superscalar` is the `superscalar` command."""

from superscalar.cli import main

if __name__ == "__main__":
    main()
