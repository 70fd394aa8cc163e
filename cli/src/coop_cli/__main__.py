"""`python -m coop_cli`: the same as `coop`."""

from coop_cli.app import main

main()
