"""``python -m framing``: the same as the ``framing`` command."""

from framing.cli.main import main

if __name__ == "__main__":
    main()
