"""`python -m collab_server` is `collab-server`."""

from collab_server.cli.main import main

if __name__ == "__main__":
    main()
