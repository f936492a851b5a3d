"""The full-screen face of the client, by Textual."""
