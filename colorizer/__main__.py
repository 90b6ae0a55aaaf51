from colorizer.cli import main

if __name__ == "__main__":  # worker processes that are started afresh import this module
    raise SystemExit(main())
