"""`python -m nlptl` and `accelerate launch -m nlptl`."""

from nlptl.cli import main

if __name__ == "__main__":
    main()
