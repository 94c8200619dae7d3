"""Read images and labels from the Hub, a local copy or a folder."""
