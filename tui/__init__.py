"""The Flagpost client: terminal chat with accountable moderation."""
