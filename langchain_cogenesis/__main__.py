"""`python -m langchain_cogenesis` is the command `cogenesis`, also where the path lacks it."""

from langchain_cogenesis.cli import main

if __name__ == "__main__":
    main()
