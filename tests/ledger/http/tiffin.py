"""The `tiffin` command of this checkout, whatever is installed."""

from reports.cli.main import main

if __name__ == "__main__":
    main()
