"""Rules of markdown-it for what CommonMark and GFM's tables and strikethrough do not have."""
