"""`python -m infer_cli` is `infer`."""

from infer_cli.cli import main

main()
