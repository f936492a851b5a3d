"""Where messages live: numbered, kept and handed out."""
