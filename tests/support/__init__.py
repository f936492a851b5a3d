"""What tests share: a misbehaving website, a server process, a chat client."""
