"""What a latent holds: how much of it is used, what can be read from it, and how its parts line up with causes."""
