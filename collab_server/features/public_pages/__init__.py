"""Pages of public documents for everybody: `/p/<slug>`, the feeds of workspaces, and the sitemap."""
