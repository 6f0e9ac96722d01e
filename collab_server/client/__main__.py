"""Entry point of `python -m collab_server.client`, equal to `collab-client`."""

from collab_server.client.cli import main

if __name__ == "__main__":
    main()
